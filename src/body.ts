import { HerdgateError } from './errors.ts'
import type { Fields } from './fields.ts'
import type { Awaitable, Clock, Content } from './model.ts'

/**
 * The content of a response: bytes that may still be arriving, readable by many from the first byte. Streaming,
 * collapsing and storing are this one idea.
 *
 * A body is *kept* while it fits `keepBytes`: it is read at the origin's speed whatever its readers do, and anybody may
 * still join. Past that it is *passed*: nobody may join, at most `windowBytes` are held, and the readers' pace becomes
 * the origin's. A reader that holds up others for `stallMs` is dropped; a reader alone is waited for.
 */
export class Body {
  #bytes: Buffer | undefined
  #arrival: Arrival | undefined

  private constructor(bytes: Buffer | undefined, arrival: Arrival | undefined) {
    this.#bytes = bytes
    this.#arrival = arrival
  }

  /** A body that is complete. The bytes are not copied. */
  static of(bytes: Buffer): Body {
    return new Body(bytes, undefined)
  }

  /** A body that arrives from `source`; reading it begins at once. What is all there already is complete at once. */
  static from(source: Content, options: ArrivalOptions): Body {
    const there = arrived(source, options)
    if (there !== undefined) return Body.of(there)
    const arrival = new Arrival(options)
    const body = new Body(undefined, arrival)
    void arrival.receive(source).then((bytes) => {
      body.#bytes = bytes
      if (bytes !== undefined) body.#arrival = undefined
      arrival.settle(bytes === undefined ? 'broken' : 'kept')
      arrival.wakeReaders() // last, so that whoever saw the end finds the response stored
    })
    return body
  }

  /** All of it, once it has arrived and was kept. */
  get bytes(): Buffer | undefined {
    return this.#bytes
  }

  /** Octets in all, when that is known. */
  get length(): number | undefined {
    return this.#bytes?.length ?? this.#arrival?.length
  }

  /** May another reader still have it from the first byte? */
  get joinable(): boolean {
    return this.#arrival === undefined || this.#arrival.keeping
  }

  /** What becomes of it, as soon as that is certain. Never rejects. */
  get fate(): Awaitable<Fate> {
    return this.#arrival?.fate ?? 'kept'
  }

  /** Reads from the first byte. Call it in the turn in which `joinable` was seen. */
  read(): BodyReader {
    return this.#arrival?.read() ?? readWhole(this.#bytes ?? NOTHING)
  }

  /** Nobody wants it (any more): stops a body that has no readers and is not being kept for the store. */
  discard(): void {
    this.#arrival?.discard()
  }
}

/** All of it is in memory; it grew past `keepBytes`; it broke off, or there was no memory to keep it. */
export type Fate = 'kept' | 'outgrown' | 'broken'

export interface ArrivalOptions {
  /** How long the source says it will be. */
  readonly length: number | undefined
  readonly keepBytes: number
  readonly windowBytes: number
  readonly stallMs: number
  readonly clock: Clock
  /** Memory that it shares with others. When that is spent, a body that is not small is passed from then on. */
  readonly budget?: BodyBudget | undefined
  /** Tells the source that nobody wants the rest. */
  readonly stop: () => void
  /** Trailer fields, asked for after the last byte. */
  readonly trailers?: () => Fields
}

export interface BodyReader {
  /** The next bytes; undefined at the end. Rejects with a HerdgateError when the body broke off. */
  next(): Awaitable<Uint8Array | undefined>
  /** Trailer fields, after the end. */
  trailers(): Fields
  /** This reader has had enough. */
  cancel(): void
}

/** Counts the memory of bodies while they arrive, so that many of them at once cannot take it all. */
export class BodyBudget {
  readonly #maxBytes: number
  #used = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get used(): number {
    return this.#used
  }

  get isSpent(): boolean {
    return this.#used > this.#maxBytes
  }

  /** @param bytes negative when they are given back */
  take(bytes: number): void {
    this.#used += bytes
  }
}

const NOTHING = new Uint8Array(0)
/** Kept whatever the budget says: who spends it must not keep everything else out of the store. */
const SMALL_BYTES = 64 * 1024
/** What a chunk takes beside its bytes: content in pieces of one byte costs many times its length. */
const CHUNK_BYTES = 256
const NO_FIELDS: Fields = []

/** All of what is to be kept, where it has come. What has trailers is read in the long way, which brings them too. */
function arrived(source: Content, { keepBytes, trailers }: ArrivalOptions): Buffer | undefined {
  if (keepBytes <= 0 || source.takeWhole === undefined || (trailers?.() ?? NO_FIELDS).length > 0) return undefined
  const chunks = source.takeWhole(keepBytes)
  return (
    chunks &&
    joined(
      chunks,
      chunks.reduce((bytes, { length }) => bytes + length, 0),
    )
  )
}

function readWhole(bytes: Uint8Array): BodyReader {
  let rest: Uint8Array | undefined = bytes.length > 0 ? bytes : undefined
  return {
    next() {
      const chunk = rest
      rest = undefined
      return chunk
    },
    trailers: () => NO_FIELDS,
    cancel() {
      rest = undefined
    },
  }
}

/** The part of a body's life in which bytes come in. */
class Arrival {
  readonly #options: ArrivalOptions
  readonly #fate = Promise.withResolvers<Fate>()
  readonly #readers = new Set<ArrivalReader>()
  /** The first has the number `#first`; as many as `#gone` from there are not needed any more, and empty. */
  #chunks: Uint8Array[] = []
  #first = 0
  #gone = 0
  #received = 0
  /** Bytes of chunks that some reader, or the store, still needs. */
  #held = 0
  /** Taken from the budget. */
  #charged = 0
  #whole: Buffer | undefined
  #keeping: boolean
  #ended = false
  #failure: HerdgateError | undefined
  #roomMade: (() => void) | undefined
  /** Nobody reads it and, as far as is known, nobody will. */
  #unwanted = false

  constructor(options: ArrivalOptions) {
    this.#options = options
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

  /** All bytes in one piece, which has taken the place of the chunks. */
  get whole(): Buffer | undefined {
    return this.#whole
  }

  /** @returns all bytes, in memory of exactly their size, when they were kept */
  async receive(source: AsyncIterable<Uint8Array>): Promise<Buffer | undefined> {
    try {
      for await (const chunk of source) {
        if (chunk.length === 0) continue
        this.#push(chunk)
        if (!this.#keeping) await this.#room()
      }
      if (this.#keeping) this.#whole = joined(this.#chunks, this.#received)
    } catch (error) {
      this.#failure = error instanceof HerdgateError ? error : new HerdgateError('origin_reset', String(error))
      this.#keeping = false
    }
    this.#ended = true
    if (this.#whole !== undefined) this.#chunks = []
    if (this.#whole !== undefined || this.#readers.size === 0) this.#charge(-this.#charged)
    return this.#whole
  }

  /** The first word on its fate stands. */
  settle(fate: Fate): void {
    this.#fate.resolve(fate)
  }

  read(): BodyReader {
    const reader = new ArrivalReader(this)
    this.#readers.add(reader)
    if (this.#first + this.#gone > 0) reader.drop() // too late for the first byte: better broken than wrong
    return reader
  }

  chunk(number: number): Uint8Array | undefined {
    return this.#chunks[number - this.#first]
  }

  trailers(): Fields {
    return this.#options.trailers?.() ?? NO_FIELDS
  }

  leave(reader: ArrivalReader): void {
    this.#readers.delete(reader)
    this.#unwanted = this.#readers.size === 0
    if (this.#keeping || this.#whole !== undefined) return
    if (this.#unwanted && !this.#ended) this.#options.stop()
    if (this.#unwanted) this.#charge(-this.#charged)
    this.advanced()
  }

  discard(): void {
    this.#unwanted = true
    if (!this.#ended && !this.#keeping && this.#readers.size === 0) this.#options.stop()
  }

  wakeReaders(): void {
    for (const reader of this.#readers) reader.wake()
  }

  /** A reader moved on, or left: what nobody needs is let go, and the source may continue. */
  advanced(): void {
    if (this.#keeping) return
    this.#release()
    if (this.#unread() <= this.#options.windowBytes) this.#roomMade?.()
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#received += chunk.length
    this.#held += chunk.length
    this.#charge(chunk.length + CHUNK_BYTES)
    if (this.#keeping && this.#received > this.#options.keepBytes) this.#stopKeeping('outgrown')
    else if (this.#keeping && this.#charged > SMALL_BYTES && this.#options.budget?.isSpent) this.#stopKeeping('broken')
    this.wakeReaders()
  }

  #stopKeeping(fate: Fate): void {
    this.#keeping = false
    this.settle(fate)
    // Nobody reads *yet* where the first bytes came with the head: only who left, or said so, will not.
    if (this.#readers.size === 0 && this.#unwanted) this.#options.stop()
  }

  /** Resolves when the slowest reader has no more than a window left to read. */
  async #room(): Promise<void> {
    this.#release()
    if (this.#unread() <= this.#options.windowBytes) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#roomMade = resolve
    const { clock, stallMs } = this.#options
    const watch = (): (() => void) => {
      return clock.after(stallMs, () => {
        this.#dropLaggards()
        cancelTimer = watch()
      })
    }
    let cancelTimer = watch()
    await promise
    cancelTimer()
    this.#roomMade = undefined
  }

  #dropLaggards(): void {
    const late = [...this.#readers].filter((reader) => this.#received - reader.bytesRead > this.#options.windowBytes)
    if (late.length === this.#readers.size) return // nobody is held up
    for (const reader of late) reader.drop()
  }

  /** Bytes the slowest reader has before it; all that is held when nobody has begun to read. */
  #unread(): number {
    let slowest = this.#received
    for (const reader of this.#readers) slowest = Math.min(slowest, reader.bytesRead)
    return this.#readers.size === 0 ? this.#held : this.#received - slowest
  }

  #release(): void {
    if (this.#readers.size === 0) return
    let needed = Number.POSITIVE_INFINITY
    for (const reader of this.#readers) needed = Math.min(needed, reader.nextChunk)
    const end = Math.min(needed - this.#first, this.#chunks.length)
    for (; this.#gone < end; this.#gone++) {
      const { length } = this.#chunks[this.#gone] ?? NOTHING
      this.#chunks[this.#gone] = NOTHING
      this.#held -= length
      this.#charge(-Math.min(length + CHUNK_BYTES, this.#charged))
    }
    if (this.#gone * 2 <= this.#chunks.length) return // moving the rest each time would take square time
    this.#chunks.splice(0, this.#gone)
    this.#first += this.#gone
    this.#gone = 0
  }

  #charge(bytes: number): void {
    this.#charged += bytes
    this.#options.budget?.take(bytes)
  }
}

class ArrivalReader implements BodyReader {
  readonly #arrival: Arrival
  #waiting: PromiseWithResolvers<Uint8Array | undefined> | undefined
  #dropped: HerdgateError | undefined
  nextChunk = 0
  bytesRead = 0

  constructor(arrival: Arrival) {
    this.#arrival = arrival
  }

  next(): Awaitable<Uint8Array | undefined> {
    const ready = this.#take()
    if (ready !== undefined) return ready
    const failure = this.#dropped ?? this.#arrival.failure
    if (failure !== undefined) return Promise.reject(failure)
    if (this.#arrival.ended) return undefined
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

  /** It cannot have what it needs: it came too late, or held up the others. */
  drop(): void {
    this.#dropped = new HerdgateError('client_gone', 'the reader is too slow for this body')
    this.#arrival.leave(this)
    this.wake()
  }

  /** There is something new: bytes, the end, or a failure. */
  wake(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    const chunk = this.#take()
    const failure = this.#dropped ?? this.#arrival.failure
    if (chunk === undefined && failure !== undefined) waiting.reject(failure)
    else waiting.resolve(chunk)
  }

  #take(): Uint8Array | undefined {
    if (this.#dropped !== undefined) return undefined
    const chunk =
      this.#arrival.whole === undefined ? this.#arrival.chunk(this.nextChunk) : this.#rest(this.#arrival.whole)
    if (chunk === undefined) return undefined
    this.nextChunk++
    this.bytesRead += chunk.length
    this.#arrival.advanced()
    return chunk
  }

  #rest(whole: Buffer): Uint8Array | undefined {
    return this.bytesRead < whole.length ? whole.subarray(this.bytesRead) : undefined
  }
}

/** One copy of exactly the right size: a 200-byte body must not pin the 64 KiB chunk it came in. */
function joined(chunks: readonly Uint8Array[], size: number): Buffer {
  const whole = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
