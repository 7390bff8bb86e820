import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { HerdgateError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import type { Clock, Signal } from '../model.ts'
import { request as send } from '../node-http.ts'
import { clientGone, failure } from './failure.ts'
import { framingProblem, type SpokenVersion } from './framing.ts'
import { withHostFor } from './host.ts'
import { Interim } from './interim.ts'
import { createDialer } from './dialer.ts'
import { MAX_HEAD, OriginSocket } from './origin-socket.ts'

/** A URL of an origin, and what to report of it. */
export interface Destination {
  readonly url: URL
  /** Called when no connection could be established. */
  readonly onUnreachable: () => void
  /** Called when it has answered. */
  readonly onAnswered: () => void
  /** Called when the client has left before it answered. */
  readonly onAbandoned: () => void
}

export interface SingleRequest {
  /** To be tried in this order until a connection is established. At least one. */
  readonly destinations: readonly Destination[]
  readonly method: string
  /** `*`, or a path, to which that of the URL is prefixed. */
  readonly target: string
  /** Host as the client sent it. */
  readonly fields: Fields
  /** Milliseconds until the connection must be established. */
  readonly connectTimeout: number
  /** Milliseconds from then to the complete head of the final response. */
  readonly headersTimeout: number
  readonly ca?: string | undefined
  readonly onInterim?: ((status: number, fields: Fields) => void) | undefined
}

/** The answer of a destination. */
export type Reply = { readonly url: URL } & Answer

type Answer =
  | { readonly kind: 'response'; readonly response: IncomingMessage }
  /** The origin switched protocols: the socket is the caller's now, `head` what was already read from it. */
  | { readonly kind: 'switched'; readonly response: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }

/**
 * Sends one request without content on a connection of its own, for what undici's pools do not support: a change of
 * protocol, and a target that is not a path. The signal applies until the head has arrived; then the caller owns the
 * connection.
 * @throws HerdgateError origin_refused, origin_reset, origin_invalid, origin_timeout, client_gone
 */
export async function ask(options: SingleRequest, clock: Clock, signal?: Signal): Promise<Reply> {
  let refusal: unknown
  for (const { url, onUnreachable, onAnswered, onAbandoned } of options.destinations) {
    let socket: Socket | undefined
    try {
      socket = await dial(url, options, clock, signal)
      const answer = await sendOn(socket, url, options, clock, signal)
      onAnswered()
      return { url, ...answer }
    } catch (error) {
      if (signal?.aborted) onAbandoned()
      if (signal?.aborted || socket !== undefined) throw error
      onUnreachable()
      refusal = error
    }
  }
  throw refusal
}

function dial(url: URL, { connectTimeout, ca }: SingleRequest, clock: Clock, signal?: Signal): Promise<Socket> {
  const dialled = new OriginSocket({ url, connectTimeout }, createDialer({ url, ca, allowHalfOpen: true }), clock)
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(clientGone())
    const abandon = () => dialled.abandon()
    signal?.addEventListener('abort', abandon)
    dialled.open((error, socket) => {
      signal?.removeEventListener('abort', abandon)
      if (socket !== null) resolve(socket)
      else reject(signal?.aborted ? clientGone() : failure(error, 'connect', url.host))
    })
  })
}

function sendOn(
  socket: Socket,
  url: URL,
  { method, target, fields, headersTimeout, onInterim }: SingleRequest,
  clock: Clock,
  signal?: Signal,
): Promise<Answer> {
  const request = send({
    method,
    path: target === '*' ? target : url.pathname.replace(/\/$/, '') + target,
    headers: withHostFor(url, fields),
    maxHeaderSize: MAX_HEAD,
    createConnection: () => socket,
  })
  request.maxHeadersCount = 0 // MAX_HEAD bounds them
  return new Promise((resolve, reject) => {
    const timedOut = () => new HerdgateError('origin_timeout', `${url.host}: no response within ${headersTimeout} ms`)
    const cancelTimer = clock.after(headersTimeout, () => request.destroy(timedOut()))
    const aborted = () => request.destroy(clientGone())
    const settle = (use: () => void) => {
      cancelTimer()
      signal?.removeEventListener('abort', aborted)
      use()
    }
    const interim = new Interim(url.host, onInterim)
    request.on('information', ({ statusCode, rawHeaders }) => {
      const problem = interim.receive(statusCode, rawHeaders)
      if (problem !== undefined) request.destroy(problem)
    })
    request.once('response', (response) => {
      const problem = framingProblem(versionOf(response), response.rawHeaders)
      if (problem === undefined) return settle(() => resolve({ kind: 'response', response }))
      response.destroy()
      settle(() => reject(new HerdgateError('origin_invalid', `${url.host}: ${problem}`)))
    })
    request.once('upgrade', (response, socket, head) =>
      settle(() => resolve({ kind: 'switched', response, socket, head })),
    )
    request.on('error', (cause) => settle(() => reject(failure(cause, 'head', url.host))))
    signal?.addEventListener('abort', aborted)
    if (signal?.aborted) aborted()
    else request.end()
  })
}

const versionOf = ({ httpVersion, httpVersionMajor }: IncomingMessage): SpokenVersion => ({
  speaksHttp10: httpVersion === '1.0',
  speaksOtherVersion: httpVersionMajor !== 1,
})
