import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from './exchange.ts'

/** Connections on which a request was refused that leaves in doubt where the next one begins. */
const doubtful = new WeakSet<IncomingMessage['socket']>()

/** The answer is the connection's last. */
export function endWith({ message, response }: Pick<Exchange, 'message' | 'response'>): void {
  response.shouldKeepAlive = false
  doubtful.add(response.socket ?? message.socket) // the message's may be gone: given-content.ts
}

/**
 * Does the request come behind the last answer? Its octets may have come at once with those of a request that was
 * refused: then it is not processed (RFC 9112 section 9.6). Without a socket a response waits for earlier ones.
 */
export function comesTooLate({ socket }: IncomingMessage, response: ServerResponse): boolean {
  return response.socket === null ? doubtful.has(socket) : socket.writableEnded
}
