import type { ServerResponse } from 'node:http'
import {
  type BodyReader,
  clientAddress,
  expectUnread,
  HerdgateError,
  hold,
  passedTrailers,
  problemReply,
  type Reply,
} from '../../src/for-routes.ts'
import type { Exchange } from './exchange.ts'
import { closeAfter, closeIfLast } from './last-answer.ts'

/** Sends the client its response, and reports how that went. Throws if the reply cannot be written as HTTP. */
export function send(reply: Reply, exchange: Exchange): void {
  const { message, response } = exchange
  // It is uncertain where a malformed request ends and the next one begins.
  if (reply.status === 400 && reply.outcome.result === 'error') closeAfter(exchange)
  // A refused client would keep memory that is short.
  if (reply.outcome.result === 'shed' && exchange.pressure?.high === true) closeIfLast(exchange)
  const firstByteMs = performance.now() - exchange.startedAt
  if (response.destroyed) {
    reply.body?.discard()
    return report(reply, exchange, firstByteMs, 0, true)
  }
  const whole = reply.body === undefined || message.method === 'HEAD' ? NOTHING : reply.body.bytes
  try {
    response.writeHead(reply.status, reply.fields as string[])
  } catch (error) {
    if (response.headersSent) throw error
    reply.body?.discard()
    response.statusMessage = ''
    return send(problemReply(reply.route, new HerdgateError('origin_invalid')), exchange)
  }
  if (whole === undefined) return void stream(reply, exchange, firstByteMs)
  sendWhole(whole, response)
  report(reply, exchange, firstByteMs, whole.length, false)
}

function sendWhole(content: Buffer, response: ServerResponse): void {
  // As a latin1 string, a short body is sent in one write with the head; a buffer would take a writev.
  if (content.length <= ONE_WRITE_BYTES) return void response.end(content.toString('latin1'), 'latin1')
  // By itself node:http would put the head of a buffer before what waits for this turn too: a 100 Continue.
  if (response.socket === null) sendHead(response)
  response.end(content)
  if (!response.writableFinished) response.once('close', hold(content))
}

/** In latin1, the encoding in which heads are received. `flushHeaders` would encode octets beyond ASCII as UTF-8. */
function sendHead(response: ServerResponse): void {
  response.write('', 'latin1')
}

const NOTHING = Buffer.alloc(0)
const ONE_WRITE_BYTES = 32 * 1024

async function stream(reply: Reply, exchange: Exchange, firstByteMs: number): Promise<void> {
  const { response } = exchange
  const reader = reply.body?.read()
  if (reader === undefined) return
  sendHead(response)
  const leave = () => reader.cancel()
  response.once('close', leave)
  let bytes = 0
  const count = (octets: number) => {
    bytes += octets
  }
  try {
    await copy(reader, response, count)
    response.addTrailers(passedTrailers(reader.trailers()))
    response.end()
    report(reply, exchange, firstByteMs, bytes, false)
  } catch {
    breakOff(exchange)
    report(reply, exchange, firstByteMs, bytes, true)
  } finally {
    response.off('close', leave)
  }
}

/**
 * Ends a response so that the client sees that it is incomplete. In HTTP/1.0 content ends with the connection, and only
 * a reset shows that it was cut off; in HTTP/1.1 the connection's end does, and earlier responses still arrive. Of a
 * response whose turn has not come nothing is sent.
 */
function breakOff({ message, response }: Exchange): void {
  const { socket } = response
  if (socket === null) response.destroy()
  else if (message.httpVersion === '1.0') socket.resetAndDestroy()
  else {
    expectUnread(socket)
    socket.destroySoon()
  }
}

/** At the client's pace. @param count is given the octets that are on their way, even if the content is cut off */
async function copy(reader: BodyReader, response: ServerResponse, count: (octets: number) => void): Promise<void> {
  for (;;) {
    const next = reader.next()
    const chunk = next instanceof Promise ? await next : next
    if (chunk === undefined) return
    count(chunk.length)
    if (!response.write(chunk)) await received(chunk, response)
  }
}

/** Until then it stays in memory, whatever becomes of the stored copy of which it may be a part. */
async function received(chunk: Uint8Array, response: ServerResponse): Promise<void> {
  const letGo = hold(chunk)
  try {
    await drained(response)
  } finally {
    letGo()
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      response.off('drain', settle)
      response.off('close', settle)
      if (response.destroyed) reject(new HerdgateError('client_gone'))
      else resolve()
    }
    response.once('drain', settle)
    response.once('close', settle)
  })
}

function report(reply: Reply, exchange: Exchange, firstByteMs: number, bytes: number, aborted: boolean): void {
  const { message, events, startedAt, url } = exchange
  const { route, status, outcome, age } = reply
  const totalMs = performance.now() - startedAt
  const method = message.method ?? 'GET'
  const fields = message.rawHeaders
  const peer = clientAddress(fields, exchange.peer)
  events.emit('request', {
    route,
    method,
    url,
    head: { fields },
    status,
    outcome,
    age,
    bytes,
    firstByteMs,
    totalMs,
    aborted,
    peer,
  })
}
