import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Events } from './events.ts'
import { asHerdgateError, HerdgateError } from './errors.ts'
import { fieldLines } from './fields.ts'
import type { CacheRequest, Clock, Peer, Route } from './model.ts'
import { type TunnelOptions, tunnel } from './origin/upgrade.ts'
import { connectionProblem, loops, upstreamFields } from './policy/forward.ts'
import { matchRoute } from './policy/route.ts'
import { locate, parseTarget } from './policy/target.ts'
import { schemeOf } from './peers.ts'
import { rawProblem } from './problem.ts'

export interface UpgradeOptions {
  readonly routes: readonly Route[]
  /** How to reach a route's origin. */
  readonly transport: (route: Route) => Pick<TunnelOptions, 'url' | 'connectTimeout' | 'headersTimeout'>
  readonly peerOf: (socket: IncomingMessage['socket']) => Peer
  readonly clock: Clock
  readonly events: Events
}

/** WebSocket connections go through to the route's origin, untouched once it has agreed (RFC 6455 section 4). */
export function passUpgrades(server: Server, options: UpgradeOptions): { close(): void } {
  const open = new Set<Duplex>()
  server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    open.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
    pass(message, socket, head, options).catch((error: unknown) => refuse(socket, asHerdgateError(error)))
  })
  return {
    /** They have no end of their own to wait for; their clients connect anew. */
    close() {
      for (const socket of open) socket.destroy()
    },
  }
}

/** Only a WebSocket handshake is an upgrade here; any other request stays what it is without its Upgrade field. */
export function isWebSocket(message: IncomingMessage): boolean {
  return message.method === 'GET' && message.headers.upgrade?.toLowerCase() === 'websocket'
}

async function pass(message: IncomingMessage, socket: Duplex, head: Buffer, options: UpgradeOptions): Promise<void> {
  const { routes, transport, peerOf, clock, events } = options
  const peer = peerOf(message.socket)
  const request = readRequest(message, peer)
  const route = matchRoute(routes, 'GET', request.url)
  if (typeof route === 'string') throw new HerdgateError(route)
  if (loops(request.fields)) throw new HerdgateError('loop')
  const wrong = connectionProblem(request.fields)
  if (wrong !== undefined) throw new HerdgateError('malformed_request', wrong)
  const { scheme, authority, target } = locate(request.url)
  const { cookies } = route.rules
  const fields = upstreamFields(request, {
    conditions: undefined,
    stripConditionals: false,
    authority,
    scheme,
    cookies,
    hasBody: false,
  })
  fields.push('Connection', 'Upgrade', 'Upgrade', 'websocket')
  const startedAt = clock.now()
  const report = (code: string) => {
    const ms = clock.now() - startedAt
    events.emit('origin', { origin: route.origin.name, route: route.name, reason: 'bypass', code, ms })
  }
  try {
    const onAnswer = (status: number) => report(String(status))
    await tunnel({ ...transport(route), target, fields, clock, onAnswer }, { socket, head })
  } catch (error) {
    report(asHerdgateError(error).code)
    throw error
  }
}

function readRequest(message: IncomingMessage, peer: Peer): CacheRequest {
  const parsed = parseTarget({
    method: 'GET',
    target: message.url ?? '',
    hosts: fieldLines(message.rawHeaders, 'host'),
    scheme: schemeOf(message, peer),
  })
  if (!parsed.ok) throw new HerdgateError(parsed.code, parsed.detail)
  return { method: 'GET', url: parsed.url, fields: message.rawHeaders, peer }
}

function refuse(socket: Duplex, error: HerdgateError): void {
  if (!socket.destroyed) socket.end(rawProblem(error))
}
