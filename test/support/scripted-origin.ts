import type { Fields } from '../../src/fields.ts'
import type { Origin, OriginRequest, OriginResponse } from '../../src/model.ts'
import { HerdgateError } from '../../src/errors.ts'
import { fieldsOf } from './fields.ts'

export interface Answer {
  status?: number
  headers?: Record<string, string | string[]>
  body?: string | AsyncIterable<Uint8Array>
  trailers?: Record<string, string>
}

/** A request that has reached the origin and waits for its answer. */
export interface Call {
  readonly request: OriginRequest
  readonly signal: AbortSignal | undefined
  answer(answer: Answer): void
  fail(error?: HerdgateError): void
}

/** An origin whose every answer is given by the test, at the moment the test chooses. */
export class ScriptedOrigin implements Origin {
  readonly name = 'origin'
  /** Every request ever received. */
  readonly requests: OriginRequest[] = []
  /** Those still waiting, oldest first. */
  readonly waiting: Call[] = []
  #script: ((request: OriginRequest, number: number) => Answer | HerdgateError | undefined) | undefined

  /** Answers at once from now on; where the script returns nothing the request waits. */
  script(script: (request: OriginRequest, number: number) => Answer | HerdgateError | undefined): this {
    this.#script = script
    return this
  }

  fetch(request: OriginRequest, signal?: AbortSignal): Promise<OriginResponse> {
    this.requests.push(request)
    const answered = this.#script?.(request, this.requests.length)
    if (answered instanceof HerdgateError) return Promise.reject(answered)
    if (answered !== undefined) return Promise.resolve(response(answered))
    const { promise, resolve, reject } = Promise.withResolvers<OriginResponse>()
    const call: Call = {
      request,
      signal,
      answer: (answer) => done(() => resolve(response(answer))),
      fail: (error = new HerdgateError('origin_refused')) => done(() => reject(error)),
    }
    const done = (act: () => void) => {
      this.waiting.splice(this.waiting.indexOf(call), 1)
      act()
    }
    this.waiting.push(call)
    return promise
  }

  /** The oldest waiting request. */
  get next(): Call {
    const [call] = this.waiting
    if (call === undefined) throw new Error('no request is waiting at the origin')
    return call
  }

  /** Gives all that are waiting the same answer. */
  answerAll(answer: Answer): void {
    for (const call of this.waiting.slice()) call.answer(answer)
  }

  async close(): Promise<void> {}
}

function response({ status = 200, headers = {}, body = '', trailers = {} }: Answer): OriginResponse {
  const fields: Fields = fieldsOf(headers)
  return { status, fields, body: typeof body === 'string' ? once(body) : body, trailers: () => fieldsOf(trailers) }
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  if (text !== '') yield Buffer.from(text)
}

/** A body the test pushes bytes into. */
export class PushedBody implements AsyncIterable<Uint8Array> {
  readonly #queue: (Uint8Array | Error | undefined)[] = []
  /** Place of the next one in the queue: taking it out would move all that follow. */
  #next = 0
  #wake: (() => void) | undefined
  /** How many chunks were taken by the reader. */
  taken = 0

  push(text: string): void {
    this.#put(Buffer.from(text))
  }

  end(): void {
    this.#put(undefined)
  }

  break(error: Error = new HerdgateError('origin_reset')): void {
    this.#put(error)
  }

  #put(item: Uint8Array | Error | undefined): void {
    this.#queue.push(item)
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      while (this.#next === this.#queue.length) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
      const item = this.#queue[this.#next++]
      if (item === undefined) return
      if (item instanceof Error) throw item
      this.taken++
      yield item
    }
  }
}
