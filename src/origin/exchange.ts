import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { HerdgateError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import { messageBegun } from '../heap/content-volume.ts'
import type { OriginRequest, OriginResponse } from '../model.ts'
import { failure, isConnectionLoss, type Stage } from './failure.ts'
import { Interim } from './interim.ts'
import { framingProblem, isEndedByConnection } from './framing.ts'
import type { OriginSocket } from './origin-socket.ts'
import { lend } from './request-body.ts'
import { type BodySource, ResponseBody } from './response-body.ts'
import type { SilenceTimer, TimeoutReason } from './silence-timer.ts'

/** How an exchange went, up to the response's head. */
export type Attempt =
  | { readonly kind: 'answered'; readonly response: OriginResponse }
  /** No connection could be established: nothing was sent. */
  | { readonly kind: 'unreachable'; readonly error: HerdgateError }
  /** A reused connection ended before the first octet of a response. */
  | { readonly kind: 'lost'; readonly sent: boolean; readonly error: HerdgateError }
  | { readonly kind: 'failed'; readonly error: HerdgateError }

/** How long content may take. */
export interface ContentTimeouts {
  /** Between octets of content, in milliseconds, not counting the time in which we read none. */
  readonly bodyTimeout: number
  /** From the head to the last octet of content, in milliseconds. */
  readonly totalTimeout: number
}

/** Settings of every exchange with one URL of an origin. */
export interface ExchangeOptions extends ContentTimeouts {
  /** The origin's authority, for messages. */
  readonly where: string
  /** From the request's last octet to the complete head, in milliseconds. */
  readonly headersTimeout: number
  readonly overTls: boolean
}

/** Receives the outcome of an exchange. */
export interface ExchangeListener {
  /** Called once. */
  attempted(attempt: Attempt): void
  /** Called once after a response, when its content has ended, successfully or not. */
  finished(): void
}

/** One request and its response on one connection: undici's handler, and the source of the response's content. */
export class Exchange implements Dispatcher.DispatchHandler, BodySource {
  readonly #request: OriginRequest
  readonly #content: Buffer | undefined
  readonly #options: ExchangeOptions
  readonly #listener: ExchangeListener
  #socket: OriginSocket | undefined
  #controller: Dispatcher.DispatchController | undefined
  #stage: Stage = 'connect'
  #isReused = false
  #hasResponseBegun = false
  /** The next octets of the request have to come from the client. */
  #isWaitingForClient = false
  /** No more content is taken for now. */
  #isFull = false
  /** Present while the origin's silence counts. */
  #silence: SilenceTimer | undefined
  #interim: Interim | undefined
  #body: ResponseBody | undefined
  #trailers: Fields = NO_FIELDS
  /** Why it is over; `true` when it went well. */
  #over: HerdgateError | true | undefined

  /** @param content of the request, if all of it is here */
  constructor(
    request: OriginRequest,
    content: Buffer | undefined,
    options: ExchangeOptions,
    listener: ExchangeListener,
  ) {
    this.#request = request
    this.#content = content
    this.#options = options
    this.#listener = listener
    messageBegun()
  }

  get isOver(): boolean {
    return this.#over !== undefined
  }

  /** The request's content for undici, read as the origin takes it. */
  upload(): Readable | Buffer | null {
    if (this.#content !== undefined) return this.#content
    const { body } = this.#request
    if (body === undefined) return null
    return lend(body, {
      waitingForClient: () => {
        this.#isWaitingForClient = true
        this.#silence?.hold()
      },
      handedOver: () => {
        this.#isWaitingForClient = false
        this.#onProgress()
      },
    })
  }

  /** Tells which client of the pool took the request. */
  setSocket(socket: OriginSocket): void {
    this.#socket = socket
  }

  /** Ends it now and destroys its connection. */
  abort(error: HerdgateError): void {
    if (this.#over !== undefined) return
    this.#fail(error, { kind: 'failed', error })
    this.#controller?.abort(error)
  }

  /** The origin has been silent for too long, or sends without end. */
  onTimeout(why: TimeoutReason): void {
    this.abort(this.#timeout(why))
  }

  /** There is room for content again. */
  resume(): void {
    this.#isFull = false
    this.#onProgress()
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
    this.#isReused = this.#socket.begin(this, this.#request.body !== undefined) > 0
    this.#silence = this.#socket.silence
    this.#silence.start(this.#options.headersTimeout)
    this.#holdIfNotOriginsTurn() // undici has asked for content before this
  }

  onResponseStarted(): void {
    this.#hasResponseBegun = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const fields = fieldsOf(controller.rawHeaders)
    messageBegun()
    if (status < 200) return this.#onInterim(status, fields)
    const problem = this.#socket && framingProblem(this.#socket, fields)
    if (problem !== undefined) return this.abort(this.#invalid(problem))
    this.#stage = 'body'
    this.#silence?.start(this.#options.bodyTimeout, this.#options.totalTimeout)
    this.#holdIfNotOriginsTurn()
    this.#body = new ResponseBody(this)
    // Node does not say whether TLS was closed or only the connection under it (RFC 9112 section 9.8).
    const mayBeCutOff = this.#options.overTls && isEndedByConnection(this.#request.method, status, fields)
    this.#listener.attempted({
      kind: 'answered',
      response: { status, fields, body: this.#body, mayBeCutOff, trailers: () => this.#trailers },
    })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#isFull = this.#body?.push(chunk) === false
    if (this.#isFull) controller.pause()
    this.#onProgress()
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    // Content that ends with the connection is complete only if the connection ended well (RFC 9112 section 8).
    if (this.#socket?.fault !== undefined) return this.onResponseError(controller, this.#socket.fault)
    if (this.#over !== undefined) return
    this.#over = true
    this.#stopWatching()
    this.#trailers = fieldsOf(controller.rawTrailers)
    this.#body?.end()
    this.#listener.finished()
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    if (this.#over !== undefined) return
    const error = failure(cause, this.#stageOf(cause), this.#options.where)
    this.#fail(error, this.#failedAttempt(cause, error))
  }

  /** Octets have moved in either direction: the origin's silence is counted from now on, if it is its turn. */
  #onProgress(): void {
    this.#silence?.touch()
    this.#holdIfNotOriginsTurn()
  }

  /** The hold lasts until we take content again, or the client sends what the origin may be waiting for. */
  #holdIfNotOriginsTurn(): void {
    if (this.#isFull || this.#isWaitingForClient) this.#silence?.hold()
  }

  #onInterim(status: number, fields: Fields): void {
    this.#interim ??= new Interim(this.#options.where, this.#request.onInterim)
    const problem = this.#interim.receive(status, fields)
    if (problem !== undefined) this.abort(problem)
  }

  /** An error before the first octet was sent is a connect error, unless an idle connection broke at that moment. */
  #stageOf(cause: Error): Stage {
    return this.#stage === 'connect' && isConnectionLoss(cause) && cause !== this.#socket?.refusal
      ? 'head'
      : this.#stage
  }

  #failedAttempt(cause: Error, error: HerdgateError): Attempt {
    if (this.#socket !== undefined && cause === this.#socket.refusal) return { kind: 'unreachable', error }
    const sent = this.#stage !== 'connect'
    const isLost = !this.#hasResponseBegun && (this.#isReused || !sent) && isConnectionLoss(cause)
    return isLost ? { kind: 'lost', sent, error } : { kind: 'failed', error }
  }

  #fail(error: HerdgateError, attempt: Attempt): void {
    this.#over = error
    this.#stopWatching()
    this.#socket?.abandon()
    if (this.#body === undefined) return this.#listener.attempted(attempt)
    this.#body.fail(error)
    this.#listener.finished()
  }

  /** The socket's timer may serve another exchange from now on. */
  #stopWatching(): void {
    if (this.#silence === undefined) return
    this.#silence = undefined
    this.#socket?.end()
  }

  #invalid(what: string): HerdgateError {
    return new HerdgateError('origin_invalid', `${this.#options.where}: ${what}`)
  }

  #timeout(why: TimeoutReason): HerdgateError {
    const { where, headersTimeout } = this.#options
    const message =
      this.#stage === 'body' ? contentTimeoutMessage(why, this.#options) : `no response within ${headersTimeout} ms`
    return new HerdgateError('origin_timeout', `${where}: ${message}`)
  }
}

/** What is wrong with the content, in words. */
export const contentTimeoutMessage = (why: TimeoutReason, { bodyTimeout, totalTimeout }: ContentTimeouts): string =>
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
