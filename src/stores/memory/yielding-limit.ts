import type { Yielding } from '../../heap/memory-pressure.ts'

/** A limit does not give way below that. */
const LEAST_BYTES = 8 * 2 ** 20
const GIVEN_UP = 1 / 4
const REGAINED = 1 / 8

/** What holds things up to a limit that can change. */
export interface Limited {
  readonly bytes: number
  /** Holds no more than that from now on. */
  limit(maxBytes: number): void
}

/** The limit of what can do with less memory (docs/decisions/heap/the-store-gives-way.md). */
export class YieldingLimit implements Yielding {
  readonly #mostBytes: number
  readonly #kept: Limited
  #maxBytes: number

  /** @param mostBytes what `kept` was made for */
  constructor(mostBytes: number, kept: Limited) {
    this.#mostBytes = mostBytes
    this.#maxBytes = mostBytes
    this.#kept = kept
  }

  /** As it is now. */
  get maxBytes(): number {
    return this.#maxBytes
  }

  /** A quarter of what is held goes, and no more is held than the rest from now on. @returns bytes; 0: nothing more can go */
  giveWay(): number {
    const { bytes } = this.#kept
    if (bytes <= LEAST_BYTES) return 0
    this.#limitTo(Math.max(LEAST_BYTES, Math.floor(bytes * (1 - GIVEN_UP))))
    return bytes - this.#kept.bytes
  }

  /** An eighth more may be held again, up to all. @returns bytes; 0: it was all */
  regain(): number {
    const before = this.#maxBytes
    this.#limitTo(Math.min(this.#mostBytes, Math.ceil(before * (1 + REGAINED))))
    return this.#maxBytes - before
  }

  #limitTo(bytes: number): void {
    this.#maxBytes = bytes
    this.#kept.limit(bytes)
  }
}
