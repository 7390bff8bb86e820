import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Explanation } from '../cache/http/explain.ts'
import { wallTime } from '../clock.ts'
import type { Events } from '../events.ts'
import { asHerdgateError, whyOriginFailed } from '../errors.ts'
import type { Fields } from '../fields.ts'
import { type CacheRequest, type Clock, type Outcome, outcomeOfError, type Peer, type Route } from '../model.ts'
import { type TunnelClient, type Tunnelled, type TunnelOptions, tunnel } from '../origin/tunnel.ts'
import { admit } from '../policy/request-checks.ts'
import { cacheStatus } from '../policy/fields/cache-status.ts'
import { upstreamFields } from '../policy/forward.ts'
import { dated, passedHead, withOneDate } from '../policy/response.ts'
import { splitUrl } from '../policy/target.ts'
import { refuse } from './lingering-close.ts'
import { UpgradeReport } from './upgrade-report.ts'
import { isHandshake, readHandshake } from './websocket-handshake.ts'

export interface UpgradeOptions {
  readonly routes: readonly Route[]
  /** How to reach a route's origin. */
  readonly transport: (route: Route) => Pick<TunnelOptions, 'destinations' | 'connectTimeout' | 'headersTimeout'> & {
    /** Waits for one of the origin's slots for concurrent requests. @returns releases it */
    readonly enter: (signal: AbortSignal) => Promise<() => void>
  }
  readonly peerOf: (socket: IncomingMessage['socket']) => Peer
  readonly clock: Clock
  readonly events: Events
}

/** Passes WebSocket connections through to the route's origin, untouched once it has agreed (RFC 6455 section 4). */
export function passUpgrades(server: Server, options: UpgradeOptions): { close(): void } {
  const open = new Set<Duplex>()
  server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    open.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
    void pass(message, socket, head, options)
  })
  return {
    /** Closes them all: they have no end of their own to wait for, and their clients reconnect. */
    close() {
      for (const socket of open) socket.destroy()
    },
  }
}

/** Explains a handshake; undefined for any other request, and for a handshake that would be treated like one. */
export function explainUpgrade(request: CacheRequest, routes: readonly Route[]): Explanation | undefined {
  const { method, url, fields } = request
  if (!isHandshake(method, fields)) return undefined
  const checked = admit(routes, request)
  if (checked.kind === 'refused' || !checked.route.rules.webSockets) return undefined
  return { request: { method, url }, route: checked.route.name, decision: 'pass', why: DETAIL }
}

/** Never rejects. */
async function pass(message: IncomingMessage, socket: Duplex, head: Buffer, options: UpgradeOptions): Promise<void> {
  const peer = options.peerOf(message.socket)
  const report = new UpgradeReport(message.rawHeaders, peer, options)
  try {
    const request = readHandshake(message, peer)
    report.url = request.url
    const { status, bytes, aborted } = await ask(request, { socket, head }, report, options)
    if (status !== SWITCHED) report.answered(status, passOutcome(status), bytes, aborted)
  } catch (thrown) {
    const error = asHerdgateError(thrown)
    const outcome: Outcome = { ...outcomeOfError(error.code), fwd: report.fwd }
    report.answered(error.status, outcome, 0, socket.destroyed)
    if (!socket.destroyed) refuse(message.socket, error, message.method, cacheStatus(outcome))
  }
}

const SWITCHED = 101

const FWD = 'bypass'
const DETAIL = 'upgrade'

const passOutcome = (status: number): Outcome => ({ result: 'pass', fwd: FWD, fwdStatus: status, detail: DETAIL })

async function ask(
  request: CacheRequest,
  client: TunnelClient,
  report: UpgradeReport,
  { routes, transport, clock }: UpgradeOptions,
): Promise<Tunnelled> {
  const route = admittedRoute(request, routes, report)
  report.fwd = FWD
  const { enter, ...origin } = transport(route)
  const reportAnswer = report.originAsked(route)
  const leave = await enter(closeSignalOf(client.socket))
  const onAnswer = (status: number, answer: Fields): Fields => {
    reportAnswer(String(status))
    if (status === SWITCHED) {
      // The protocol has been switched: the time it is spoken counts neither as the response's nor as the origin's.
      leave()
      report.answered(status, passOutcome(status), 0, false)
    }
    const receivedWallTime = wallTime(clock)
    const fields = dated(withOneDate(answer, receivedWallTime), receivedWallTime)
    return passedHead(status, fields, passOutcome(status), route.rules)
  }
  const { target } = splitUrl(request.url)
  try {
    return await tunnel({ ...origin, target, fields: fieldsFor(request, route), clock, onAnswer }, client)
  } catch (thrown) {
    const error = asHerdgateError(thrown)
    reportAnswer(error.code, whyOriginFailed(error))
    throw thrown
  } finally {
    leave()
  }
}

/** @throws HerdgateError when the request is refused */
function admittedRoute(request: CacheRequest, routes: readonly Route[], report: UpgradeReport): Route {
  const checked = admit(routes, request)
  report.route = checked.kind === 'admitted' ? checked.route.name : checked.route
  if (checked.kind === 'refused') throw checked.error
  return checked.route
}

function fieldsFor(request: CacheRequest, { rules }: Route): string[] {
  const { scheme, authority } = splitUrl(request.url)
  const fields = upstreamFields(request, {
    conditions: undefined,
    stripConditionals: false,
    mayBeStored: false,
    authority,
    scheme,
    rules,
    hasBody: false,
  })
  fields.push('Connection', 'Upgrade', 'Upgrade', 'websocket')
  return fields
}

/** A signal that is aborted when the socket closes. */
function closeSignalOf(socket: Duplex): AbortSignal {
  const closed = new AbortController()
  if (socket.destroyed) closed.abort()
  else socket.once('close', () => closed.abort())
  return closed.signal
}
