import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { HerdgateError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import type { OriginRequest, OriginResponse } from '../model.ts'
import { failure, isConnectionLoss, type Stage } from './failure.ts'
import { Interim } from './interim.ts'
import { framingProblem, isEndedByConnection } from './framing.ts'
import type { OriginSocket } from './origin-socket.ts'
import { lend } from './request-body.ts'
import { type BodySource, ResponseBody } from './response-body.ts'
import type { Lateness, SilenceTimer } from './silence-timer.ts'

/** How an exchange went, up to the response's head. */
export type Attempt =
  | { readonly kind: 'answered'; readonly response: OriginResponse }
  /** No connection could be established: nothing was sent. */
  | { readonly kind: 'unreachable'; readonly error: HerdgateError }
  /** A reused connection ended before the first octet of a response. */
  | { readonly kind: 'lost'; readonly sent: boolean; readonly error: HerdgateError }
  | { readonly kind: 'failed'; readonly error: HerdgateError }

/** How long content may take. */
export interface ContentTimes {
  /** Between octets of content, in milliseconds, not counting the time in which we read none. */
  readonly bodyTimeout: number
  /** From the head to the last octet of content, in milliseconds. */
  readonly totalTimeout: number
}

/** Settings of every exchange with one URL of an origin. */
export interface Terms extends ContentTimes {
  /** The origin's authority, for messages. */
  readonly where: string
  /** From the request's last octet to the complete head, in milliseconds. */
  readonly headersTimeout: number
  readonly overTls: boolean
}

/** Receives the outcome of an exchange. */
export interface Waiting {
  /** Called once. */
  attempted(attempt: Attempt): void
  /** Called once after a response, when its content has ended, successfully or not. */
  finished(): void
}

/** One request and its response on one connection: undici's handler, and the source of the response's content. */
export class Exchange implements Dispatcher.DispatchHandler, BodySource {
  readonly #request: OriginRequest
  readonly #terms: Terms
  readonly #waiting: Waiting
  #socket: OriginSocket | undefined
  #controller: Dispatcher.DispatchController | undefined
  #stage: Stage = 'connect'
  #isReused = false
  #isHeard = false
  /** The next octets of the request have to come from the client. */
  #isClientsTurn = false
  /** No more content is taken for now. */
  #isFull = false
  /** Present while the origin's silence counts. */
  #silence: SilenceTimer | undefined
  #interim: Interim | undefined
  #body: ResponseBody | undefined
  #trailers: Fields = NO_FIELDS
  /** Why it is over; `true` when it went well. */
  #over: HerdgateError | true | undefined

  constructor(request: OriginRequest, terms: Terms, waiting: Waiting) {
    this.#request = request
    this.#terms = terms
    this.#waiting = waiting
  }

  get isOver(): boolean {
    return this.#over !== undefined
  }

  /** The request's content for undici, read as the origin takes it. */
  upload(): Readable | null {
    const { body } = this.#request
    if (body === undefined) return null
    return lend(body, {
      waitingForClient: () => {
        this.#isClientsTurn = true
        this.#silence?.hold()
      },
      handedOver: () => {
        this.#isClientsTurn = false
        this.#movedOn()
      },
    })
  }

  /** Tells which client of the pool took the request. */
  carriedBy(socket: OriginSocket): void {
    this.#socket = socket
  }

  /** Ends it now and destroys its connection. */
  abort(error: HerdgateError): void {
    if (this.#over !== undefined) return
    this.#fail(error, { kind: 'failed', error })
    this.#controller?.abort(error)
  }

  /** The origin has been silent for too long, or sends without end. */
  late(why: Lateness): void {
    this.abort(this.#timeout(why))
  }

  /** There is room for content again. */
  resume(): void {
    this.#isFull = false
    this.#movedOn()
    this.#controller?.resume()
  }

  /** Nobody will read the rest. */
  cancel(): void {
    this.abort(new HerdgateError('client_gone', 'the response was abandoned before its end'))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#over instanceof HerdgateError) return controller.abort(this.#over)
    this.#stage = 'head'
    if (this.#socket === undefined) return
    this.#isReused = this.#socket.begin(this) > 0
    this.#silence = this.#socket.silence
    this.#silence.start(this.#terms.headersTimeout)
    this.#holdIfOthersTurn() // undici has asked for content before this
  }

  onResponseStarted(): void {
    this.#isHeard = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const fields = fieldsOf(controller.rawHeaders)
    if (status < 200) return this.#onInterim(status, fields)
    const wrong = this.#socket && framingProblem(this.#socket, fields)
    if (wrong !== undefined) return this.abort(this.#invalid(wrong))
    this.#stage = 'body'
    this.#silence?.start(this.#terms.bodyTimeout, this.#terms.totalTimeout)
    this.#holdIfOthersTurn()
    this.#body = new ResponseBody(this)
    // Node does not say whether TLS was closed or only the connection under it (RFC 9112 section 9.8).
    const mayBeCutOff = this.#terms.overTls && isEndedByConnection(this.#request.method, status, fields)
    this.#waiting.attempted({
      kind: 'answered',
      response: { status, fields, body: this.#body, mayBeCutOff, trailers: () => this.#trailers },
    })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#isFull = this.#body?.push(chunk) === false
    if (this.#isFull) controller.pause()
    this.#movedOn()
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    // Content that ends with the connection is complete only if the connection ended well (RFC 9112 section 8).
    if (this.#socket?.fault !== undefined) return this.onResponseError(controller, this.#socket.fault)
    if (this.#over !== undefined) return
    this.#over = true
    this.#endWatch()
    this.#trailers = fieldsOf(controller.rawTrailers)
    this.#body?.end()
    this.#waiting.finished()
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    if (this.#over !== undefined) return
    const error = failure(cause, this.#stageOf(cause), this.#terms.where)
    this.#fail(error, this.#unanswered(cause, error))
  }

  /** Octets have moved in either direction: the origin's silence is counted from now on, if it is its turn. */
  #movedOn(): void {
    this.#silence?.touch()
    this.#holdIfOthersTurn()
  }

  /** The hold lasts until we take content again, or the client sends what the origin may be waiting for. */
  #holdIfOthersTurn(): void {
    if (this.#isFull || this.#isClientsTurn) this.#silence?.hold()
  }

  #onInterim(status: number, fields: Fields): void {
    this.#interim ??= new Interim(this.#terms.where, this.#request.onInterim)
    const wrong = this.#interim.receive(status, fields)
    if (wrong !== undefined) this.abort(wrong)
  }

  /** An error before the first octet was sent is a connect error, unless an idle connection broke at that moment. */
  #stageOf(cause: Error): Stage {
    return this.#stage === 'connect' && isConnectionLoss(cause) && cause !== this.#socket?.refusal
      ? 'head'
      : this.#stage
  }

  #unanswered(cause: Error, error: HerdgateError): Attempt {
    if (this.#socket !== undefined && cause === this.#socket.refusal) return { kind: 'unreachable', error }
    const sent = this.#stage !== 'connect'
    const isLost = !this.#isHeard && (this.#isReused || !sent) && isConnectionLoss(cause)
    return isLost ? { kind: 'lost', sent, error } : { kind: 'failed', error }
  }

  #fail(error: HerdgateError, attempt: Attempt): void {
    this.#over = error
    this.#endWatch()
    this.#socket?.abandon()
    if (this.#body === undefined) return this.#waiting.attempted(attempt)
    this.#body.fail(error)
    this.#waiting.finished()
  }

  /** The socket's timer may serve another exchange from now on. */
  #endWatch(): void {
    if (this.#silence === undefined) return
    this.#silence = undefined
    this.#socket?.end()
  }

  #invalid(what: string): HerdgateError {
    return new HerdgateError('origin_invalid', `${this.#terms.where}: ${what}`)
  }

  #timeout(why: Lateness): HerdgateError {
    const { where, headersTimeout } = this.#terms
    const message = this.#stage === 'body' ? lateContent(why, this.#terms) : `no response within ${headersTimeout} ms`
    return new HerdgateError('origin_timeout', `${where}: ${message}`)
  }
}

/** What is wrong with the content, in words. */
export const lateContent = (why: Lateness, { bodyTimeout, totalTimeout }: ContentTimes): string =>
  why === 'silent' ? `silent for ${bodyTimeout} ms` : `content was not complete after ${totalTimeout} ms`

const NO_FIELDS: Fields = []

/** undici's raw field lines as strings with one character per octet, as everywhere in HTTP/1.1. */
function fieldsOf(raw: Dispatcher.DispatchController['rawHeaders']): Fields {
  if (!Array.isArray(raw) || raw.length === 0) return NO_FIELDS
  // Not `map`: V8 would make an array of another elements kind, and code that reads fields would have to handle both.
  const fields: string[] = []
  for (const part of raw) fields.push(typeof part === 'string' ? part : part.toString('latin1'))
  return fields
}
