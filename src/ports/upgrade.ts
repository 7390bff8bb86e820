import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Events } from '../events.ts'
import { asHerdgateError, HerdgateError } from '../errors.ts'
import { type Fields, has } from '../fields.ts'
import type { CacheRequest, Clock, Outcome, Peer, Route } from '../model.ts'
import { type TunnelClient, type Tunnelled, type TunnelOptions, tunnel } from '../origin/upgrade.ts'
import { admit } from '../policy/admission.ts'
import { upstreamFields } from '../policy/forward.ts'
import { clientAddress } from '../policy/forwarded.ts'
import { passedHead } from '../policy/response.ts'
import { matchRoute } from '../policy/route.ts'
import { type ReadHead, readHead } from '../policy/head.ts'
import { locate } from '../policy/target.ts'
import type { HttpSocket } from './connections.ts'
import { refuse } from './lingering-close.ts'
import { localAuthority, schemeOf } from './peers.ts'

export interface UpgradeOptions {
  readonly routes: readonly Route[]
  /** How to reach a route's origin. */
  readonly transport: (route: Route) => Pick<
    TunnelOptions,
    'url' | 'connectTimeout' | 'headersTimeout' | 'onUnreachable'
  > & {
    /** Waits for a place among the requests that the origin has at once. @returns gives it back */
    readonly enter: (signal: AbortSignal) => Promise<() => void>
  }
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
    void pass(message, socket, head, options)
  })
  return {
    /** They have no end of their own to wait for; their clients connect anew. */
    close() {
      for (const socket of open) socket.destroy()
    },
  }
}

/** Which requests are upgrades. Any other stays what it is without its Upgrade field. */
export type IsUpgrade = (message: IncomingMessage) => boolean

/**
 * Only a WebSocket handshake is one here, and only where no answer is due before its own: the connection is not the other
 * protocol's until then.
 */
export const isUpgrade: IsUpgrade = (message) => {
  const socket: HttpSocket = message.socket
  return isWebSocket(message) && !socket._httpMessage
}

/** ... and only to routes that have WebSockets. One to no route is refused as an upgrade. */
export function upgradesTo({ routes, peerOf }: Pick<UpgradeOptions, 'routes' | 'peerOf'>): IsUpgrade {
  return (message) => {
    if (!isUpgrade(message)) return false
    const head = headOf(message, peerOf(message.socket))
    const route = head.ok ? matchRoute(routes, 'GET', head.url) : undefined
    return typeof route !== 'object' || route.rules.webSockets
  }
}

/**
 * A request with content is no handshake: whose the octets after its head are would depend on the answer. HTTP/1.0 has no
 * upgrades (RFC 9110 section 7.8).
 */
function isWebSocket({ method, httpVersion, headers, rawHeaders }: IncomingMessage): boolean {
  if (method !== 'GET' || httpVersion !== '1.1' || headers.upgrade?.toLowerCase() !== 'websocket') return false
  return !has(rawHeaders, 'content-length') && !has(rawHeaders, 'transfer-encoding')
}

/** Never rejects. */
async function pass(message: IncomingMessage, socket: Duplex, head: Buffer, options: UpgradeOptions): Promise<void> {
  const peer = options.peerOf(message.socket)
  const handshake = new Handshake(message.rawHeaders, peer, options)
  try {
    const request = readRequest(message, peer)
    handshake.url = request.url
    const { status, bytes, aborted } = await ask(request, { socket, head }, handshake, options)
    if (status !== SWITCHED) handshake.answered(status, passed(status), bytes, aborted)
  } catch (thrown) {
    const error = asHerdgateError(thrown)
    const result = error.code === 'overloaded' ? 'shed' : 'error'
    handshake.answered(error.status, { result, detail: error.code }, 0, socket.destroyed)
    if (!socket.destroyed) refuse(message.socket, error)
  }
}

const SWITCHED = 101

const passed = (status: number): Outcome => ({ result: 'pass', fwd: 'bypass', fwdStatus: status, detail: 'upgrade' })

async function ask(
  request: CacheRequest,
  client: TunnelClient,
  handshake: Handshake,
  { routes, transport, clock, events }: UpgradeOptions,
): Promise<Tunnelled> {
  const admission = admit(routes, request)
  if (admission.kind === 'refused') {
    handshake.route = admission.route
    throw admission.error
  }
  const { route } = admission
  handshake.route = route.name
  const { scheme, authority, target } = locate(request.url)
  const { cookies } = route.rules
  const fields = upstreamFields(request, {
    conditions: undefined,
    stripConditionals: false,
    mayBeStored: false,
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
  const { enter, ...origin } = transport(route)
  const leave = await enter(closeOf(client.socket))
  const onAnswer = (status: number, answer: Fields): Fields => {
    report(String(status))
    if (status === SWITCHED) {
      // The protocols have changed; how long the other one is spoken is neither the answer's time nor the origin's.
      leave()
      handshake.answered(status, passed(status), 0, false)
    }
    return passedHead(answer, passed(status), cookies)
  }
  try {
    return await tunnel({ ...origin, target, fields, clock, onAnswer }, client)
  } catch (error) {
    report(asHerdgateError(error).code)
    throw error
  } finally {
    leave()
  }
}

/** Aborted when it has closed. */
function closeOf(socket: Duplex): AbortSignal {
  const closed = new AbortController()
  if (socket.destroyed) closed.abort()
  else socket.once('close', () => closed.abort())
  return closed.signal
}

/** What is known of a handshake, and the report of how it was answered. */
class Handshake {
  route = ''
  url = ''
  readonly fields: Fields
  readonly #client: string
  readonly #clock: Clock
  readonly #events: Events
  readonly #startedAt: number

  constructor(fields: Fields, peer: Peer, { clock, events }: UpgradeOptions) {
    this.fields = fields
    this.#client = clientAddress(fields, peer)
    this.#clock = clock
    this.#events = events
    this.#startedAt = clock.now()
  }

  answered(status: number, outcome: Outcome, bytes: number, aborted: boolean): void {
    const totalMs = this.#clock.now() - this.#startedAt
    const { route, url } = this
    const peer = this.#client
    const times = { firstByteMs: totalMs, totalMs }
    const told = { route, method: 'GET', url, head: this, status, outcome, bytes, aborted, peer }
    this.#events.emit('request', { ...told, ...times })
  }
}

function readRequest(message: IncomingMessage, peer: Peer): CacheRequest {
  const head = headOf(message, peer)
  if (!head.ok) throw new HerdgateError(head.code, head.detail)
  return { method: 'GET', url: head.url, fields: message.rawHeaders, peer }
}

function headOf(message: IncomingMessage, peer: Peer): ReadHead {
  return readHead({
    method: 'GET',
    target: message.url ?? '',
    version: message.httpVersion,
    fields: message.rawHeaders,
    scheme: schemeOf(message, peer),
    local: () => localAuthority(message.socket),
  })
}
