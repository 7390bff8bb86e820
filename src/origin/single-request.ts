import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { HerdgateError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import type { Clock, Signal } from '../model.ts'
import { request as send } from '../node-http.ts'
import { clientGone, failure } from './failure.ts'
import { framingProblem, type SpokenVersion } from './framing.ts'
import { Interim } from './interim.ts'
import { createDialer } from './dialer.ts'
import { MAX_HEAD, OriginSocket } from './origin-socket.ts'

export interface SingleRequest {
  readonly url: URL
  readonly method: string
  /** The request target as it goes out. */
  readonly target: string
  readonly fields: Fields
  /** Milliseconds until the connection must be established. */
  readonly connectTimeout: number
  /** Milliseconds from then to the complete head of the final response. */
  readonly headersTimeout: number
  readonly ca?: string | undefined
  /** Called when no connection could be established, unless the signal was the reason. */
  readonly onUnreachable?: (() => void) | undefined
  readonly onInterim?: ((status: number, fields: Fields) => void) | undefined
}

export type Reply =
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
  if (signal?.aborted) throw clientGone()
  const socket = await dial(options, clock, signal)
  return sendOn(socket, options, clock, signal)
}

function dial(options: SingleRequest, clock: Clock, signal?: Signal): Promise<Socket> {
  const { url, connectTimeout, ca, onUnreachable } = options
  const dialled = new OriginSocket({ url, connectTimeout }, createDialer({ url, ca, allowHalfOpen: true }), clock)
  return new Promise((resolve, reject) => {
    const abandon = () => dialled.abandon()
    signal?.addEventListener('abort', abandon)
    dialled.open((error, socket) => {
      signal?.removeEventListener('abort', abandon)
      if (socket !== null) return resolve(socket)
      if (signal?.aborted) return reject(clientGone())
      onUnreachable?.()
      reject(failure(error, 'connect', url.host))
    })
  })
}

function sendOn(socket: Socket, options: SingleRequest, clock: Clock, signal?: Signal): Promise<Reply> {
  const { url, method, target, fields, headersTimeout, onInterim } = options
  const request = send({
    method,
    path: target,
    headers: fields,
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
