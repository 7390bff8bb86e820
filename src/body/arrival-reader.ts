import { HerdgateError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import type { Awaitable } from '../model.ts'
import type { Arrival } from './arrival.ts'
import { MAX_SMALL_BYTES } from './held.ts'
import type { BodyReader } from './reader.ts'

/** A reader of a body that is still arriving. */
export class ArrivalReader implements BodyReader {
  readonly #arrival: Arrival
  #waiting: PromiseWithResolvers<Uint8Array | undefined> | undefined
  #dropped: HerdgateError | undefined
  nextChunk = 0
  bytesRead = 0
  /** How long it had held up others in total, as of `heldUpUntil`. */
  heldUpMs = 0
  /** Epoch milliseconds. */
  heldUpUntil = 0

  constructor(arrival: Arrival) {
    this.#arrival = arrival
  }

  next(): Awaitable<Uint8Array | undefined> {
    const ready = this.#take()
    if (ready !== undefined) return ready
    const failure = this.#dropped ?? this.#arrival.failure
    if (failure !== undefined) return Promise.reject(failure)
    if (this.#arrival.ended) {
      this.#arrival.leave(this)
      return undefined
    }
    this.#arrival.readerWaiting()
    this.#waiting = Promise.withResolvers()
    return this.#waiting.promise
  }

  trailers(): Fields {
    return this.#arrival.trailers()
  }

  cancel(): void {
    this.#dropped ??= new HerdgateError('client_gone')
    this.#arrival.leave(this)
    this.wake()
  }

  /** Drops a reader that came too late or held up the others. */
  drop(): void {
    this.#dropped = new HerdgateError('client_gone', 'the reader is too slow for this body')
    this.#arrival.leave(this)
    this.wake()
  }

  /** Called when there are new bytes, the end, or a failure. */
  wake(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    const chunk = this.#take()
    const failure = this.#dropped ?? this.#arrival.failure
    if (chunk === undefined && failure !== undefined) return waiting.reject(failure)
    if (chunk === undefined) this.#arrival.leave(this)
    waiting.resolve(chunk)
  }

  #take(): Uint8Array | undefined {
    if (this.#dropped !== undefined) return undefined
    const chunk =
      this.#arrival.whole === undefined ? this.#arrival.chunk(this.nextChunk) : this.#rest(this.#arrival.whole)
    if (chunk === undefined) return undefined
    this.bytesRead += chunk.length
    this.nextChunk++
    this.#arrival.chunkTaken(this)
    return chunk
  }

  /** A copy if it is small: all of the body would stay in memory for it. */
  #rest(whole: Buffer): Uint8Array | undefined {
    if (this.bytesRead >= whole.length) return undefined
    const rest = whole.subarray(this.bytesRead)
    return whole.length > MAX_SMALL_BYTES && rest.length <= MAX_SMALL_BYTES ? Buffer.from(rest) : rest
  }
}
