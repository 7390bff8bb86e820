import { Arrival, type ArrivalOptions, type Fate } from './body/arrival.ts'
import { MAX_SMALL_BYTES } from './body/held.ts'
import { joined } from './body/joined.ts'
import { type BodyReader, NO_TRAILERS, readWhole } from './body/reader.ts'
import type { Awaitable, Content } from './model.ts'

export { joined }
export type { ArrivalOptions, BodyReader, Fate }
export { BodyBudget } from './body/budget.ts'
export { CountedContent, hold, heldBytes, MAX_SMALL_BYTES } from './body/held.ts'

/**
 * The content of a response: bytes that may still be arriving, readable by many from the first byte. Streaming,
 * collapsing and storing all build on this.
 *
 * A body is *kept* while it fits `keepBytes`: it is read at the origin's speed whatever its readers do, and new readers
 * may join. Beyond that it is *passed*: nobody may join, at most `windowBytes` are buffered, and back-pressure slows
 * the origin to the readers' pace. A reader that holds up others for `stallMs` in total is dropped; a sole reader is
 * waited for.
 */
export class Body {
  #bytes: Buffer | undefined
  #arrival: Arrival | undefined
  /** Of a body that has arrived. */
  readonly #fate: Fate

  private constructor(bytes: Buffer | undefined, arrival: Arrival | undefined, fate: Fate = 'kept') {
    this.#bytes = bytes
    this.#arrival = arrival
    this.#fate = fate
  }

  /** A body that is complete. The bytes are not copied. */
  static of(bytes: Buffer): Body {
    return new Body(bytes, undefined)
  }

  /** A body that arrives from `source`, which is read immediately. Complete at once if all of it is already there. */
  static from(source: Content, options: ArrivalOptions): Body {
    const complete = arrived(source, options)
    if (complete !== undefined) return new Body(complete, undefined, options.keepBytes > 0 ? 'kept' : 'outgrown')
    const arrival = new Arrival(options)
    const body = new Body(undefined, arrival)
    void arrival.receive(hasTrailers(options) ? endingOneTurnLater(source) : source).then((bytes) => {
      body.#bytes = bytes
      if (bytes !== undefined) body.#arrival = undefined
      arrival.settle(bytes === undefined ? 'broken' : 'kept')
      arrival.wakeReaders() // last, so that a reader that sees the end finds the response stored
    })
    return body
  }

  /** All bytes, once it has arrived and was kept. */
  get bytes(): Buffer | undefined {
    return this.#bytes
  }

  /** Total length in bytes, if known. */
  get length(): number | undefined {
    return this.#bytes?.length ?? this.#arrival?.length
  }

  /** Whether another reader can still read it from the first byte. */
  get joinable(): boolean {
    return this.#arrival === undefined || this.#arrival.keeping
  }

  /** Resolves to what became of it, as soon as that is certain. Never rejects. */
  get fate(): Awaitable<Fate> {
    return this.#arrival?.fate ?? this.#fate
  }

  /** Reads from the first byte. Call it in the same turn of the event loop in which `joinable` was checked. */
  read(): BodyReader {
    return this.#arrival?.read() ?? readWhole(this.#bytes ?? NOTHING)
  }

  /** Nobody wants it any more: stops a body that has no readers and is not being kept for the store. */
  discard(): void {
    this.#arrival?.discard()
  }
}

const NOTHING = new Uint8Array(0)

const hasTrailers = ({ trailers }: ArrivalOptions): boolean => (trailers?.() ?? NO_TRAILERS).length > 0

/** Ends one turn later, so that waiting readers begin before the body is complete: trailers are not kept after that. */
async function* endingOneTurnLater(source: Content): AsyncGenerator<Uint8Array> {
  yield* source
  await new Promise((resolve) => setImmediate(resolve))
}

/**
 * The whole content, if it fits and has already arrived; to be passed, it fits if it is small. With trailers it has to
 * be streamed, to deliver them too.
 */
function arrived(source: Content, options: ArrivalOptions): Buffer | undefined {
  if (source.takeWhole === undefined || hasTrailers(options)) return undefined
  const chunks = source.takeWhole(options.keepBytes || MAX_SMALL_BYTES)
  if (chunks === undefined) return undefined
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0)
  return joined(chunks, bytes)
}
