import type { HerdgateError } from '../errors.ts'
import type { Content } from '../model.ts'
import { contentReceived } from '../heap/content-volume.ts'

/** At these limits nothing more is taken from the connection until the content is read. */
const MAX_BYTES = 64 * 1024
const MAX_CHUNKS = 128
/** Chunks smaller than this on average are merged, as each has a cost of its own further on. */
const SMALL_CHUNK_BYTES = 1024

/** What the body asks of the connection it comes from. */
export interface BodySource {
  /** There is room again after push() returned false. */
  resume(): void
  /** Nobody will read the rest. */
  cancel(): void
}

type State = { kind: 'open' } | { kind: 'ended' } | { kind: 'failed'; error: HerdgateError }

interface Waiter {
  resolve(result: IteratorResult<Uint8Array, undefined>): void
  reject(error: HerdgateError): void
}

/** A response's content between the connection that pushes and the one reader that pulls. */
export class ResponseBody implements AsyncIterableIterator<Uint8Array, undefined>, Content {
  readonly #source: BodySource
  readonly #chunks: Uint8Array[] = []
  readonly #waiters: Waiter[] = []
  #bytes = 0
  #isFull = false
  #hasBegun = false
  #state: State = { kind: 'open' }

  constructor(source: BodySource) {
    this.#source = source
  }

  /** @returns false when the source should pause */
  push(chunk: Uint8Array): boolean {
    contentReceived(chunk.length)
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) waiter.resolve({ done: false, value: chunk })
    else {
      this.#chunks.push(chunk)
      this.#bytes += chunk.length
    }
    this.#isFull = this.#bytes >= MAX_BYTES || this.#chunks.length >= MAX_CHUNKS
    return !this.#isFull
  }

  end(): void {
    if (this.#state.kind !== 'open') return
    this.#state = { kind: 'ended' }
    this.#dismissWaiters()
  }

  /** What arrived before the failure can still be read. */
  fail(error: HerdgateError): void {
    if (this.#state.kind !== 'open') return
    this.#state = { kind: 'failed', error }
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
  }

  takeWhole(mostBytes: number): readonly Uint8Array[] | undefined {
    if (this.#state.kind !== 'ended' || this.#hasBegun || this.#bytes > mostBytes) return undefined
    this.#hasBegun = true
    this.#bytes = 0
    return this.#chunks.splice(0)
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#hasBegun = true
    const chunk = this.#take()
    if (chunk !== undefined) {
      this.#bytes -= chunk.length
      if (this.#isFull && this.#chunks.length === 0) this.#makeRoom()
      return { done: false, value: chunk }
    }
    if (this.#state.kind === 'ended') return { done: true, value: undefined }
    if (this.#state.kind === 'failed') {
      const { error } = this.#state
      this.#state = { kind: 'ended' }
      throw error
    }
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    const wasOpen = this.#state.kind === 'open'
    this.#hasBegun = true
    this.#state = { kind: 'ended' }
    this.#chunks.length = 0
    this.#bytes = 0
    this.#dismissWaiters()
    if (wasOpen) this.#source.cancel()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #take(): Uint8Array | undefined {
    const { length } = this.#chunks
    return length > 1 && this.#bytes < length * SMALL_CHUNK_BYTES
      ? Buffer.concat(this.#chunks.splice(0))
      : this.#chunks.shift()
  }

  #makeRoom(): void {
    this.#isFull = false
    if (this.#state.kind === 'open') this.#source.resume()
  }

  #dismissWaiters(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.resolve({ done: true, value: undefined })
  }
}
