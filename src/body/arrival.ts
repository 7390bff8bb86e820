import { asHerdgateError, type HerdgateError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import { aboutToCopy } from '../heap/content-volume.ts'
import type { Clock } from '../model.ts'
import { ArrivalReader } from './arrival-reader.ts'
import type { BodyBudget } from './budget.ts'
import { hold, MAX_SMALL_BYTES } from './held.ts'
import { HoldUp } from './hold-up.ts'
import { joined } from './joined.ts'
import { Positions } from './positions.ts'
import { type BodyReader, NO_TRAILERS } from './reader.ts'

/** `kept`: all of it is in memory. `outgrown`: it exceeded `keepBytes`. `broken`: it broke off, or memory was short. */
export type Fate = 'kept' | 'outgrown' | 'broken'

export interface ArrivalOptions {
  /** Length in bytes announced by the source. */
  readonly length: number | undefined
  readonly keepBytes: number
  readonly windowBytes: number
  /** How long in total a reader may hold up others. */
  readonly stallMs: number
  readonly clock: Clock
  /** Memory shared with other bodies. Once it is spent, a body that is not small is no longer kept but passed. */
  readonly budget?: BodyBudget | undefined
  /** Tells the source that nobody wants the rest. */
  readonly stop: () => void
  /** Called if the source fails while its content is wanted. */
  readonly brokeOff?: (failure: HerdgateError) => void
  /** Returns the trailer fields received so far: all of them after the last byte. */
  readonly trailers?: () => Fields
}

const NOTHING = new Uint8Array(0)
/** Overhead of a chunk: content in pieces of one byte takes many times its length. */
const CHUNK_BYTES = 256

/** A body while its bytes are arriving. */
export class Arrival {
  readonly #options: ArrivalOptions
  readonly #fate = Promise.withResolvers<Fate>()
  readonly #readers = new Set<ArrivalReader>()
  readonly #positions = new Positions()
  readonly #holdUp: HoldUp
  /** The first has the number `#first`; the first `#released` of them have been released and are empty. */
  #chunks: Uint8Array[] = []
  #first = 0
  #released = 0
  #received = 0
  /** Bytes of chunks that a reader or the store still needs. */
  #held = 0
  /** Bytes taken from the budget. */
  #charged = 0
  #whole: Buffer | undefined
  /** Ends the readers' hold on it. */
  #letGo = (): void => {}
  #keeping: boolean
  #ended = false
  #failure: HerdgateError | undefined
  #roomMade: (() => void) | undefined
  /** Nobody reads it, and as far as is known nobody will. */
  #unwanted = false
  /** Unwanted and not kept for the store: the source has been told to stop, and further bytes are discarded. */
  #abandoned = false

  constructor(options: ArrivalOptions) {
    this.#options = options
    this.#holdUp = new HoldUp(options.clock, options.stallMs)
    this.#keeping = options.keepBytes > 0 && (options.length ?? 0) <= options.keepBytes
    if (!this.#keeping) this.settle('outgrown')
  }

  get length(): number | undefined {
    return this.#options.length
  }

  get keeping(): boolean {
    return this.#keeping
  }

  get fate(): Promise<Fate> {
    return this.#fate.promise
  }

  get failure(): HerdgateError | undefined {
    return this.#failure
  }

  get ended(): boolean {
    return this.#ended
  }

  /** All bytes in one buffer, which has replaced the chunks. */
  get whole(): Buffer | undefined {
    return this.#whole
  }

  /** @returns all bytes, in a buffer of exactly their size, if they were kept */
  async receive(source: AsyncIterable<Uint8Array>): Promise<Buffer | undefined> {
    try {
      for await (const chunk of source) {
        if (chunk.length === 0 || this.#abandoned) continue
        this.#push(chunk)
        if (!this.#keeping) await this.#waitForRoom()
      }
      if (this.#keeping) this.#prepareCopy()
      if (this.#keeping) this.#whole = joined(this.#chunks, this.#received)
    } catch (error) {
      this.#failure = asHerdgateError(error) // an origin's failures have their code by now
      this.#keeping = false
      this.#release()
      if (!this.#abandoned) this.#options.brokeOff?.(this.#failure)
    }
    this.#ended = true
    if (this.#whole !== undefined) {
      this.#chunks = []
      if (this.#readers.size > 0) this.#letGo = hold(this.#whole)
    }
    if (this.#whole !== undefined || this.#readers.size === 0) this.#charge(-this.#charged)
    return this.#whole
  }

  /** Only the first call counts. */
  settle(fate: Fate): void {
    this.#fate.resolve(fate)
  }

  read(): BodyReader {
    const reader = new ArrivalReader(this)
    this.#readers.add(reader)
    this.#positions.enter(reader.nextChunk)
    // The first bytes are gone: failing is better than a truncated body.
    if (this.#abandoned || this.#first + this.#released > 0) reader.drop()
    return reader
  }

  chunk(number: number): Uint8Array | undefined {
    return this.#chunks[number - this.#first]
  }

  trailers(): Fields {
    return this.#options.trailers?.() ?? NO_TRAILERS
  }

  leave(reader: ArrivalReader): void {
    if (!this.#readers.delete(reader)) return
    this.#positions.leave(reader.nextChunk)
    this.#holdUp.release(reader)
    if (this.#holdUp.size === this.#readers.size) this.#holdUp.end()
    this.#unwanted = this.#readers.size === 0
    if (this.#unwanted) this.#letGo()
    if (this.#keeping) return
    if (this.#unwanted) this.#abandon()
    else this.#advanced()
  }

  discard(): void {
    this.#unwanted = true
    if (!this.#ended && !this.#keeping && this.#readers.size === 0) this.#abandon()
  }

  wakeReaders(): void {
    for (const reader of this.#readers) reader.wake()
  }

  /** Called when a reader has taken a chunk and moved on to the next. */
  chunkTaken(reader: ArrivalReader): void {
    this.#positions.leave(reader.nextChunk - 1)
    this.#positions.enter(reader.nextChunk)
    if (this.#keeping) return
    if (!this.#isLate(reader)) this.#holdUp.release(reader)
    this.#advanced()
  }

  /** Called when a reader waits for bytes: if the source waits for slower readers, these are holding it up. */
  readerWaiting(): void {
    if (this.#roomMade === undefined) return
    this.#advanced() // memory may be scarce no longer
    if (this.#roomMade === undefined || this.#holdUp.size > 0) return
    this.#holdUp.begin([...this.#readers].filter((reader) => this.#isLate(reader)))
  }

  /** A reader moved on or left: releases chunks nobody needs, and perhaps lets the source continue. */
  #advanced(): void {
    this.#release()
    if (this.#held <= this.#windowBytes) this.#makeRoom()
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#received += chunk.length
    this.#held += chunk.length
    this.#charge(chunk.length + CHUNK_BYTES)
    if (this.#keeping && this.#received > this.#options.keepBytes) this.#stopKeeping('outgrown')
    else if (this.#keeping && this.#isTooMuch()) this.#stopKeeping('broken')
    this.wakeReaders()
  }

  #isTooMuch(): boolean {
    return this.#charged > MAX_SMALL_BYTES && this.#isScarce
  }

  get #isScarce(): boolean {
    const { budget } = this.#options
    return budget !== undefined && (budget.isSpent || budget.isMemoryShort)
  }

  /** There may be a reader for every connection: where memory is scarce, a chunk at a time has to do. */
  get #windowBytes(): number {
    return this.#isScarce ? 0 : this.#options.windowBytes
  }

  /** For a moment the content takes twice its size, or is not kept after all. */
  #prepareCopy(): void {
    aboutToCopy(this.#received)
    if (this.#charged <= MAX_SMALL_BYTES || !this.#options.budget?.isMemoryShort) return
    this.#stopKeeping('broken')
    this.#release() // no further chunk will do it
  }

  #stopKeeping(fate: Fate): void {
    this.#keeping = false
    this.settle(fate)
    // Without readers it may only be too early: it is unwanted only if the readers left or it was discarded.
    if (this.#readers.size === 0 && this.#unwanted) this.#abandon()
  }

  #abandon(): void {
    this.#abandoned = true
    this.#chunks = []
    this.#held = 0
    this.#charge(-this.#charged)
    if (!this.#ended) this.#options.stop()
    this.#makeRoom() // the source ends only if reading continues
  }

  /** Resolves when the slowest reader has at most a window left to read, or nobody wants the rest. */
  async #waitForRoom(): Promise<void> {
    this.#release()
    if (this.#held <= this.#windowBytes) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#roomMade = resolve
    await promise
  }

  #makeRoom(): void {
    this.#roomMade?.()
    this.#roomMade = undefined
  }

  #isLate(reader: ArrivalReader): boolean {
    return this.#received - reader.bytesRead > this.#windowBytes
  }

  /** Releases chunks that all readers have taken: what remains is what the slowest has yet to read. */
  #release(): void {
    if (this.#readers.size === 0) return
    while (this.#released < this.#chunks.length && !this.#positions.has(this.#first + this.#released)) {
      const { length } = this.#chunks[this.#released] ?? NOTHING
      this.#chunks[this.#released++] = NOTHING
      this.#held -= length
      this.#charge(-Math.min(length + CHUNK_BYTES, this.#charged))
    }
    if (this.#released * 2 <= this.#chunks.length) return // moving the rest each time would take quadratic time
    this.#chunks.splice(0, this.#released)
    this.#first += this.#released
    this.#released = 0
  }

  #charge(bytes: number): void {
    this.#charged += bytes
    this.#options.budget?.take(bytes)
  }
}
