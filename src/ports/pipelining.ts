import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { HerdgateError } from '../errors.ts'
import { problemFields, problemOf } from '../problem.ts'
import { expectUnread } from './lingering-close.ts'

/** Requests of one connection that may wait behind the one that is being answered (RFC 9112 section 9.3.2). */
export const MOST_PIPELINED = 128

/** How many requests of a connection came while another was being answered, and are not answered yet. */
const waiting = new WeakMap<Socket, number>()

/** Would they be lost if the answer that is due were the connection's last? */
export const arePipelined = (socket: Socket): boolean => (waiting.get(socket) ?? 0) > 0

/**
 * node:http hands over every request of a packet at once, two thousand of them if they are short, and would let each
 * begin a fetch. Those beyond the limit are refused in their turn, and the connection ends there.
 */
export function boundPipelining(handler: RequestListener): RequestListener {
  const mayWait = ({ socket }: IncomingMessage, response: ServerResponse): boolean => {
    const before = waiting.get(socket) ?? 0
    if (before >= MOST_PIPELINED) return false
    waiting.set(socket, before + 1)
    response.once('close', () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1))
    return true
  }
  return (request, response) => {
    // A response gets its socket when it is its turn.
    if (response.socket !== null || mayWait(request, response)) handler(request, response)
    else refuse(request, response)
  }
}

function refuse({ socket }: IncomingMessage, response: ServerResponse): void {
  expectUnread(socket)
  const error = new HerdgateError('overloaded')
  response.writeHead(error.status, [...problemFields(error), 'Connection', 'close'])
  response.end(JSON.stringify(problemOf(error)))
}
