import type { OriginRequest, OriginResponse, Signal } from '../model.ts'
import type { HerdgateError } from '../errors.ts'
import { isSafe } from '../methods.ts'
import { type Attempt, Exchange, type ExchangeListener, type ExchangeOptions } from './exchange.ts'
import { clientGone } from './failure.ts'
import { takeArrived } from './request-body.ts'

/** One URL of an origin. */
export interface Member {
  readonly exchangeOptions: ExchangeOptions
  /** On any free connection. */
  send(request: OriginRequest, exchange: Exchange): void
  /** On a new one: if one idle connection had closed, the others may have too (RFC 9112 section 9.3.1). */
  sendOnNewConnection(request: OriginRequest, exchange: Exchange): void
}

export interface CallParts<M extends Member> {
  /** To be tried in this order. At least one. */
  readonly members: readonly M[]
  readonly signal: Signal | undefined
  /** Called when no connection to a member could be established. */
  readonly onUnreachable: (member: M) => void
  /** Called when a member has answered. */
  readonly onAnswered: (member: M) => void
  /** Called when the client has left before a member answered. */
  readonly onAbandoned: (member: M) => void
  /** Called once, when the call has failed or the response's content has ended, successfully or not. */
  readonly onFinished: () => void
}

/**
 * One fetch, from its first attempt to the last octet of its response. If a URL cannot be reached, nothing has been
 * sent, and the request goes to the next.
 */
export class Call<M extends Member> implements ExchangeListener {
  /** Rejects with a HerdgateError. */
  readonly response: Promise<OriginResponse>
  readonly #parts: CallParts<M>
  readonly #answer: (response: OriginResponse) => void
  readonly #fail: (error: unknown) => void
  readonly #abort = (): void => this.#exchange?.abort(clientGone())
  /** Content of the request, if all of it was here at the beginning. */
  readonly #content: Buffer | undefined
  #request: OriginRequest
  #exchange: Exchange | undefined
  /** Index of the member being tried. */
  #at = 0
  #isRepeated = false
  #isOver = false

  constructor(request: OriginRequest, parts: CallParts<M>) {
    const { promise, resolve, reject } = Promise.withResolvers<OriginResponse>()
    this.response = promise
    this.#answer = resolve
    this.#fail = reject
    this.#request = request
    this.#content = takeArrived(request)
    this.#parts = parts
    parts.signal?.addEventListener('abort', this.#abort)
    this.#attempt()
  }

  #attempt(): void {
    const { members, signal } = this.#parts
    const member = members[this.#at]
    if (member === undefined) return
    const exchange = new Exchange(this.#request, this.#content, member.exchangeOptions, this)
    this.#exchange = exchange
    if (signal?.aborted) this.#abort()
    try {
      if (exchange.isOver) return
      if (this.#isRepeated) member.sendOnNewConnection(this.#request, exchange)
      else member.send(this.#request, exchange)
    } catch (thrown) {
      this.#giveUp(thrown)
    }
  }

  attempted(attempt: Attempt): void {
    // undici is not done with the failed connection yet.
    if (attempt.kind !== 'answered') return queueMicrotask(() => this.#afterFailure(attempt))
    const member = this.#parts.members[this.#at]
    if (member !== undefined) this.#parts.onAnswered(member)
    this.#answer(attempt.response)
  }

  finished(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#parts.signal?.removeEventListener('abort', this.#abort)
    this.#parts.onFinished()
  }

  #afterFailure(attempt: Exclude<Attempt, { kind: 'answered' }>): void {
    if (!this.#isRepeated && isWorthRepeating(attempt, this.#request)) {
      this.#isRepeated = true
      this.#request = withBodyAgain(this.#request)
      return this.#attempt()
    }
    if (attempt.kind === 'unreachable') return this.#tryNextMember(attempt.error)
    const member = this.#parts.members[this.#at]
    if (attempt.error.code === 'client_gone' && member !== undefined) this.#parts.onAbandoned(member)
    this.#giveUp(attempt.error)
  }

  #tryNextMember(error: HerdgateError): void {
    const { members, onUnreachable } = this.#parts
    const member = members[this.#at]
    if (member !== undefined) onUnreachable(member)
    this.#at++
    this.#isRepeated = false
    if (this.#at < members.length) this.#attempt()
    else this.#giveUp(error)
  }

  #giveUp(error: unknown): void {
    this.finished()
    this.#fail(error)
  }
}

/** Whether to retry because an idle connection closed as the request went out (RFC 9112 section 9.3.1). */
function isWorthRepeating(attempt: Attempt, request: OriginRequest): boolean {
  return attempt.kind === 'lost' && (!attempt.sent || isRepeatable(request))
}

function isRepeatable({ method, body, bodyAgain }: OriginRequest): boolean {
  return isSafe(method) && (body === undefined || bodyAgain !== undefined)
}

/** The request with its content from the beginning. */
function withBodyAgain(request: OriginRequest): OriginRequest {
  return request.bodyAgain === undefined ? request : { ...request, body: request.bodyAgain() }
}
