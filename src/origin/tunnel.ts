import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { HerdgateError } from '../errors.ts'
import { type Fields, field, without } from '../fields.ts'
import { headText } from '../head-text.ts'
import type { Clock } from '../model.ts'
import { KEEP_ALIVE_MS } from './dialer.ts'
import { createSilenceTimer, type SilenceTimer } from './silence-timer.ts'
import { ask, type Destination, type Reply, type SingleRequest } from './single-request.ts'

export interface TunnelOptions {
  /** URLs of the origin in the order to try them, each http or https; its path is prefixed to the target. */
  readonly destinations: () => readonly Destination[]
  /** Origin form: path and query. */
  readonly target: string
  /** As they are sent, including Connection and Upgrade. */
  readonly fields: Fields
  /** Milliseconds until the connection must be established. */
  readonly connectTimeout: number
  /** Milliseconds to the head of the response; also how long a direction may be silent once the other has ended. */
  readonly headersTimeout: number
  readonly clock: Clock
  /**
   * Called when the response's head has arrived, long before the tunnel is over.
   * @param fields as the origin sent them
   * @returns the end-to-end ones, as the client gets them
   */
  readonly onAnswer: (status: number, fields: Fields) => Fields
}

/** The outcome of a tunnel. */
export interface Tunnelled {
  readonly status: number
  /** Octets of content, for a response other than 101. */
  readonly bytes: number
  /** Such a response did not reach the client completely. */
  readonly aborted: boolean
}

/** The client's side: its socket, and what was read from it after the request's head. */
export interface TunnelClient {
  readonly socket: Duplex
  readonly head: Buffer
}

/**
 * Asks an origin to switch protocols (RFC 9110 section 7.8) and joins client and origin if it does. A response other
 * than 101 is passed on and the connection closed. Resolves when everything is over and the client's socket is closed
 * or has been given its last octet.
 * @throws HerdgateError if there is no response; nothing has been written to the client then, and its socket is open
 * unless the client itself has gone (client_gone)
 */
export async function tunnel(options: TunnelOptions, client: TunnelClient): Promise<Tunnelled> {
  const leaving = watch(client.socket)
  try {
    const reply = await ask(singleRequest(options), options.clock, leaving.signal)
    const status = reply.response.statusCode ?? 0
    if (status === SWITCHED && !isAsked(reply)) {
      ;(reply.kind === 'switched' ? reply.socket : reply.response).destroy()
      throw new HerdgateError('origin_invalid', `${reply.url.host}: switched to a protocol that was not asked for`)
    }
    const fields = options.onAnswer(status, reply.response.rawHeaders)
    if (reply.kind === 'response') return await relay(reply, fields, client.socket, options, leaving.signal)
    await connectBoth(reply, fields, client, options)
    return { status, bytes: 0, aborted: false }
  } finally {
    leaving.release()
  }
}

const SWITCHED = 101

/** Whether the origin has switched to WebSockets: a 101 has to name the protocol, one of those asked for. */
const isAsked = ({ kind, response }: Reply): boolean =>
  kind === 'switched' && field(response.rawHeaders, 'upgrade')?.toLowerCase() === 'websocket'

/** Fields that delimit content: the request has none, whatever the client's announced. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'expect'])

function singleRequest({ destinations, fields, ...rest }: TunnelOptions): SingleRequest {
  if (!rest.target.startsWith('/')) throw new HerdgateError('malformed_request', 'Only paths can be upgraded')
  return {
    ...rest,
    destinations: destinations(),
    method: 'GET',
    fields: without(fields, (name) => FRAMING.has(name)),
  }
}

/** A signal that is aborted when the client's socket closes. Also keeps the socket's errors from going unhandled. */
function watch(socket: Duplex): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController()
  const abort = () => controller.abort()
  socket.on('error', abort).once('close', abort)
  if (socket.destroyed) abort()
  return {
    signal: controller.signal,
    release: () => void socket.off('close', abort),
  }
}

// ----------------------------------------------------------------------------------------------- switched

async function connectBoth(
  { response, socket: origin, head }: Extract<Reply, { kind: 'switched' }>,
  fields: Fields,
  client: TunnelClient,
  { clock, headersTimeout }: TunnelOptions,
): Promise<void> {
  const protocol = field(response.rawHeaders, 'upgrade') ?? ''
  client.socket.write(headOf(response, [...fields, 'Connection', 'Upgrade', 'Upgrade', protocol]), 'latin1')
  if (head.length > 0) client.socket.write(head)
  if (client.head.length > 0) origin.write(client.head)

  // No timeout applies any more, so probes have to detect a peer that is gone. The dialler has set the origin's.
  if (client.socket instanceof Socket) client.socket.setKeepAlive(true, KEEP_ALIVE_MS)
  const both = [client.socket, origin]
  const destroy = () => both.forEach((socket) => socket.destroy())
  // When one direction has ended, the other stays open as long as it is used.
  const lingering = createSilenceTimer(clock, destroy)
  const linger = () => lingering.start(headersTimeout)
  for (const socket of both) {
    socket.on('data', () => lingering.touch()).on('error', destroy)
    if (socket.readableEnded) linger()
    else socket.once('end', linger)
  }
  const closed = both.map((socket) => whenClosed(socket, destroy))
  client.socket.pipe(origin)
  origin.pipe(client.socket)
  await Promise.all(closed)
  lingering.stop()
}

/** Resolves when the socket has closed; one that closes without having ended takes the other with it. */
function whenClosed(socket: Duplex, destroyBoth: () => void): Promise<void> {
  return new Promise((resolve) => {
    const closed = () => {
      if (!socket.readableEnded) destroyBoth()
      resolve()
    }
    if (socket.closed) closed()
    else socket.once('close', closed)
  })
}

// ------------------------------------------------------------------------------------------------ refused

/** Passes a response on and closes. If it is cut off, the client's connection is destroyed. */
async function relay(
  { response, url }: Reply,
  fields: Fields,
  socket: Duplex,
  { clock, headersTimeout }: TunnelOptions,
  signal: AbortSignal,
): Promise<Tunnelled> {
  const sent = { status: response.statusCode ?? 0, bytes: 0 }
  const silent = () =>
    response.destroy(new HerdgateError('origin_timeout', `${url.host}: silent for ${headersTimeout} ms`))
  const timer = createSilenceTimer(clock, silent)
  const aborted = () => response.destroy()
  signal.addEventListener('abort', aborted)
  timer.start(headersTimeout)
  try {
    const count = (octets: number) => (sent.bytes += octets)
    await writeResponse(response, fields, socket, timer, count)
    close(socket, clock, headersTimeout)
    return { ...sent, aborted: false }
  } catch {
    socket.destroy()
    return { ...sent, aborted: true }
  } finally {
    timer.stop()
    response.destroy()
  }
}

/** Ends our half and reads on until the client ends its own: closing over unread octets would cost it the response. */
function close(socket: Duplex, clock: Clock, limitMs: number): void {
  const cancel = clock.after(limitMs, () => socket.destroy())
  socket.once('close', cancel).resume()
  socket.end()
}

async function writeResponse(
  response: IncomingMessage,
  fields: Fields,
  socket: Duplex,
  timer: SilenceTimer,
  count: (octets: number) => void,
): Promise<void> {
  const isChunked = !hasNoContent(response) && field(fields, 'content-length') === undefined
  const framing = isChunked ? ['Transfer-Encoding', 'chunked'] : []
  socket.write(headOf(response, [...fields, ...framing, 'Connection', 'close']), 'latin1')
  for await (const chunk of response as AsyncIterable<Buffer>) {
    timer.hold()
    if (isChunked) socket.write(`${chunk.length.toString(16)}\r\n`)
    const hasRoom = socket.write(chunk)
    if (isChunked) socket.write('\r\n')
    count(chunk.length)
    if (!hasRoom) await drained(socket)
    timer.touch()
  }
  if (isChunked) socket.write('0\r\n\r\n')
}

const hasNoContent = ({ statusCode }: IncomingMessage): boolean => statusCode === 204 || statusCode === 304

/** Resolves when there is room again, rejects when there will be none. */
function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => () => {
      socket.off('drain', onDrain).off('close', onClose)
      finish()
    }
    const onDrain = settle(resolve)
    const onClose = settle(() => reject(new HerdgateError('client_gone')))
    if (socket.destroyed) return onClose()
    socket.on('drain', onDrain).on('close', onClose)
  })
}

// --------------------------------------------------------------------------------------------------- head

/** The head, with the status as received. */
const headOf = ({ statusCode = 0, statusMessage = '' }: IncomingMessage, fields: Fields): string =>
  `${headText(statusCode, statusMessage, fields)}\r\n`
