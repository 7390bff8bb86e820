import { Arrival, type ArrivalOptions, type Fate } from './body/arrival.ts'
import { joined } from './body/joined.ts'
import { type BodyReader, NO_TRAILERS, readWhole } from './body/reader.ts'
import type { Awaitable, Content } from './model.ts'

export type { ArrivalOptions, BodyReader, Fate }
export { BodyBudget } from './body/budget.ts'

/**
 * The content of a response: bytes that may still be arriving, readable by many from the first byte. Streaming,
 * collapsing and storing are this one idea.
 *
 * A body is *kept* while it fits `keepBytes`: it is read at the origin's speed whatever its readers do, and anybody may
 * still join. Past that it is *passed*: nobody may join, at most `windowBytes` are held, and the readers' pace becomes
 * the origin's. A reader that holds up others for `stallMs` in all is dropped; a reader alone is waited for.
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
    void arrival.receive(hasTrailers(options) ? lastingOneTurn(source) : source).then((bytes) => {
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

const NOTHING = new Uint8Array(0)

const hasTrailers = ({ trailers }: ArrivalOptions): boolean => (trailers?.() ?? NO_TRAILERS).length > 0

/** Whoever waits for what has come already begins to read it before it is complete: its trailers are not kept. */
async function* lastingOneTurn(source: Content): AsyncGenerator<Uint8Array> {
  yield* source
  await new Promise((resolve) => setImmediate(resolve))
}

/** All of what is to be kept, where it has come. What has trailers is read in the long way, which brings them too. */
function arrived(source: Content, options: ArrivalOptions): Buffer | undefined {
  const { keepBytes } = options
  if (keepBytes <= 0 || source.takeWhole === undefined || hasTrailers(options)) return undefined
  const chunks = source.takeWhole(keepBytes)
  return (
    chunks &&
    joined(
      chunks,
      chunks.reduce((bytes, { length }) => bytes + length, 0),
    )
  )
}
