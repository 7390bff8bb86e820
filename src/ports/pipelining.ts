import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { HerdgateError } from '../errors.ts'
import { isSafe } from '../methods.ts'
import { problemFields, problemOf } from '../problem.ts'
import type { HttpSocket } from './connections.ts'
import { expectUnread } from './lingering-close.ts'
import { ignoreRefusal, type OnRefusal } from './refusals.ts'

/** Requests of one connection that may wait behind the one that is being answered (RFC 9112 section 9.3.2). */
export const MAX_PIPELINED = 128
/**
 * How many of them may begin before their turn: each occupies a slot at its origin and a window of memory until the
 * client has read everything before it.
 */
export const MAX_AHEAD = 4

const queues = new WeakMap<HttpSocket, Queue>()

const NONE: ReadonlySet<ServerResponse> = new Set()

/** The responses of a connection that are waiting for their turn behind another, in order. */
export const waitingResponses = (socket: HttpSocket): Iterable<ServerResponse> =>
  queues.get(socket)?.responses() ?? NONE

/** The last response that is due. If an earlier one ended the connection, those after it would be lost. */
export const lastResponse = (socket: HttpSocket): ServerResponse | undefined => dueResponses(socket).at(-1)

/** Whether the response has been begun, though its turn may not have come. */
export const hasBegun = (response: ServerResponse, socket: HttpSocket): boolean =>
  queues.get(socket)?.hasBegun(response) ?? true

/** The last response that is due to a complete request. */
export function lastDueResponse(socket: HttpSocket): ServerResponse | undefined {
  return dueResponses(socket).findLast(({ req }) => req.complete)
}

/** The response being sent and those waiting for their turn, in order. */
export function dueResponses(socket: HttpSocket): ServerResponse[] {
  const due = socket._httpMessage
  return [...(due ? [due] : []), ...waitingResponses(socket)]
}

/**
 * node:http hands over every request of a packet at once, two thousand of them if they are short, and would let each
 * begin a fetch. Those beyond the limit are refused in their turn, and the connection ends there. A few safe requests
 * begin ahead of their turn; an unsafe one, and those after it, begin only in their turn.
 */
export function boundPipelining(handler: RequestListener, onRefusal: OnRefusal = ignoreRefusal): RequestListener {
  return (request, response) => {
    // node:http gives a response its socket when its turn comes.
    if (response.socket !== null) return handler(request, response)
    const isQueued = queueOf(request.socket).add(response, () => handler(request, response))
    if (!isQueued) refuse(request, response, onRefusal)
  }
}

function queueOf(socket: HttpSocket): Queue {
  const before = queues.get(socket)
  if (before !== undefined) return before
  const queue = new Queue(socket)
  queues.set(socket, queue)
  return queue
}

/** The responses of a connection that are waiting for their turn. */
class Queue {
  readonly #socket: HttpSocket
  /** In order, each with the callback that begins it, until it has begun. */
  readonly #waiting = new Map<ServerResponse, (() => void) | undefined>()
  #isClosed = false

  constructor(socket: HttpSocket) {
    this.#socket = socket
  }

  responses(): Iterable<ServerResponse> {
    return this.#waiting.keys()
  }

  hasBegun(response: ServerResponse): boolean {
    return this.#waiting.get(response) === undefined
  }

  /** @returns whether it may wait. If not, the connection ends, and nothing after it may wait either. */
  add(response: ServerResponse, begin: () => void): boolean {
    this.#isClosed ||= this.#waiting.size >= MAX_PIPELINED
    if (this.#isClosed) return false
    this.#waiting.set(response, begin)
    response.once('socket', () => this.#onTurn(response))
    this.#beginAhead()
    return true
  }

  #onTurn(response: ServerResponse): void {
    const begin = this.#waiting.get(response)
    this.#waiting.delete(response)
    // One that was aborted while waiting would never finish: it had no socket then that node:http could have closed.
    if (response.destroyed) return this.#socket.destroySoon()
    begin?.()
    this.#beginAhead()
  }

  /**
   * Only safe requests may be processed in parallel: an unsafe one may change what the next one asks for (RFC 9112
   * section 9.3.2). After a response that was aborted nothing will be answered.
   */
  #beginAhead(): void {
    if (!isForSafeMethod(this.#socket._httpMessage)) return
    let ahead = 0
    for (const [response, begin] of this.#waiting) {
      if (++ahead > MAX_AHEAD || response.destroyed || !isForSafeMethod(response)) return
      if (begin === undefined) continue
      this.#waiting.set(response, undefined)
      begin()
    }
  }
}

const isForSafeMethod = (response: ServerResponse | null | undefined): boolean => isSafe(response?.req.method ?? '')

function refuse(request: IncomingMessage, response: ServerResponse, onRefusal: OnRefusal): void {
  expectUnread(request.socket)
  const error = new HerdgateError('overloaded')
  response.writeHead(error.status, [...problemFields(error), 'Connection', 'close'])
  response.once('finish', () => onRefusal(error, request.socket, request)) // only for the first: later ones are not sent
  response.end(JSON.stringify(problemOf(error)))
}
