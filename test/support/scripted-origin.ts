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

/** A request that has reached the origin and waits for its response. */
export interface Call {
  readonly request: OriginRequest
  readonly signal: AbortSignal | undefined
  answer(answer: Answer): void
  fail(error?: HerdgateError): void
}

/** An origin whose responses the test gives one by one, when it chooses. */
export class ScriptedOrigin implements Origin {
  readonly name = 'origin'
  /** All requests received. */
  readonly requests: OriginRequest[] = []
  /** Requests still waiting, oldest first. */
  readonly waiting: Call[] = []
  #script: ((request: OriginRequest, number: number) => Answer | HerdgateError | undefined) | undefined

  /** Answers at once from now on; if the script returns undefined the request waits. */
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

  /** Gives all waiting requests the same response. */
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
  /** Index of the next chunk: removing it from the queue would move all that follow. */
  #next = 0
  #wake: (() => void) | undefined
  /** Number of chunks the reader has taken. */
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
