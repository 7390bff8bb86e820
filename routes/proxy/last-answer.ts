import type { IncomingMessage, ServerResponse } from 'node:http'
import { expectUnread, lastResponse } from '../../src/for-routes.ts'
import type { Exchange } from './exchange.ts'

/** Connections that end with a response: in most cases it is in doubt where the next request begins. */
const closing = new WeakSet<IncomingMessage['socket']>()

/** Makes the response the connection's last. */
export function closeAfter(exchange: Pick<Exchange, 'message' | 'response'>): void {
  expectUnread(endWith(exchange))
}

/** Makes the response the connection's last, unless others are due after it, or content that may yet arrive. */
export function closeIfLast(exchange: Pick<Exchange, 'message' | 'response'>): void {
  const { message, response } = exchange
  const { 'content-length': length, 'transfer-encoding': coding } = message.headers
  const isLast = lastResponse(response.socket ?? message.socket) === response
  if (!isLast || length !== undefined || coding !== undefined) return
  const isAlone = response.socket?.writableLength === 0
  const socket = endWith(exchange)
  // Earlier responses must arrive whole. Otherwise the connection's memory is wanted at once.
  if (!isAlone) expectUnread(socket)
}

function endWith({ message, response }: Pick<Exchange, 'message' | 'response'>): IncomingMessage['socket'] {
  const socket = response.socket ?? message.socket // the message may lose its own: given-content.ts
  response.shouldKeepAlive = false
  closing.add(socket)
  return socket
}

/**
 * Whether the request comes after the connection's last response. Its octets may have arrived with those of a refused
 * request: then it is not processed (RFC 9112 section 9.6). A response without a socket waits for earlier ones.
 */
export function isAfterLastResponse({ socket }: IncomingMessage, response: ServerResponse): boolean {
  return response.socket === null ? closing.has(socket) : socket.writableEnded
}
