import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { HerdgateError } from '../errors.ts'
import { isSafe } from '../methods.ts'
import { problemFields, problemOf } from '../problem.ts'
import type { HttpSocket } from './connections.ts'
import { expectUnread } from './lingering-close.ts'
import { type Refused, UNTOLD } from './refusals.ts'

/** Requests of one connection that may wait behind the one that is being answered (RFC 9112 section 9.3.2). */
export const MOST_PIPELINED = 128
/**
 * Of them, so many may be begun before their turn: each takes a place at its origin, and a window of memory, until a
 * client has taken all that comes before it.
 */
export const MOST_AHEAD = 4

/** Answers to the requests of a connection that came while another was being answered, until they are given; in order. */
const waiting = new WeakMap<HttpSocket, Set<ServerResponse>>()

const NONE: ReadonlySet<ServerResponse> = new Set()

export const waitingAnswers = (socket: HttpSocket): ReadonlySet<ServerResponse> => waiting.get(socket) ?? NONE

/** Would they be lost if the answer that is due were the connection's last? */
export const arePipelined = (socket: HttpSocket): boolean => waitingAnswers(socket).size > 0

/** ... and if this one were, whether or not its turn has come? */
export const isFollowed = (response: ServerResponse, socket: HttpSocket): boolean =>
  arePipelined(socket) && [...waitingAnswers(socket)].at(-1) !== response

/** The last answer that is due to a request that has come whole. */
export function lastDue(socket: HttpSocket): ServerResponse | undefined {
  return dueAnswers(socket).findLast(({ req }) => req.complete)
}

/** That which is being given and those that wait for their turn, in order. */
function dueAnswers(socket: HttpSocket): ServerResponse[] {
  const due = socket._httpMessage
  return [...(due ? [due] : []), ...waitingAnswers(socket)]
}

/**
 * node:http hands over every request of a packet at once, two thousand of them if they are short, and would let each
 * begin a fetch. Those beyond the limit are refused in their turn, and the connection ends there. A few that are safe begin
 * ahead of it; what is unsafe, and what comes behind that, begins when its turn has come, and so do all others.
 */
export function boundPipelining(handler: RequestListener, refused: Refused = UNTOLD): RequestListener {
  const mayWait = ({ socket }: IncomingMessage, response: ServerResponse): boolean => {
    const before = waiting.get(socket) ?? new Set()
    if (before.size >= MOST_PIPELINED) return false
    waiting.set(socket, before.add(response))
    response.once('close', () => before.delete(response))
    response.once('socket', () => endIfBroken(response, socket))
    return true
  }
  return (request, response) => {
    // A response gets its socket when it is its turn.
    if (response.socket !== null) return handler(request, response)
    const isAhead = mayBeginAhead(request)
    if (!mayWait(request, response)) refuse(request, response, refused)
    else if (isAhead) handler(request, response)
    else response.once('socket', () => void (response.destroyed || handler(request, response)))
  }
}

function mayBeginAhead({ socket, method = '' }: IncomingMessage): boolean {
  return waitingAnswers(socket).size < MOST_AHEAD && isSafe(method) && !hasUnsafe(socket)
}

/**
 * Is an answer due to a request that may have changed what the next one asks for? Only safe ones may be processed side by
 * side (RFC 9112 section 9.3.2).
 */
function hasUnsafe(socket: HttpSocket): boolean {
  return dueAnswers(socket).some(({ req }) => !isSafe(req.method ?? ''))
}

/** One that has broken off before its turn would never be over: node:http knows of no socket that it could have closed. */
function endIfBroken(response: ServerResponse, socket: HttpSocket): void {
  if (response.destroyed) socket.destroySoon()
}

function refuse(request: IncomingMessage, response: ServerResponse, refused: Refused): void {
  expectUnread(request.socket)
  const error = new HerdgateError('overloaded')
  response.writeHead(error.status, [...problemFields(error), 'Connection', 'close'])
  response.once('finish', () => refused(error, request.socket, request)) // the first of them: the others are not sent
  response.end(JSON.stringify(problemOf(error)))
}
