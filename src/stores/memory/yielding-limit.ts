import type { Yielding } from '../../heap/memory-pressure.ts'

/** A limit does not give way below this. */
const MIN_BYTES = 8 * 2 ** 20
const GIVEN_UP = 1 / 4
const REGAINED = 1 / 8

/** Holds entries up to a limit that can change. */
export interface Limited {
  readonly bytes: number
  /** Holds no more than that from now on. */
  limit(maxBytes: number): void
}

/** A limit that can give up memory (docs/decisions/heap/the-store-gives-way.md). */
export class YieldingLimit implements Yielding {
  readonly #mostBytes: number
  readonly #kept: Limited
  #maxBytes: number

  /** @param mostBytes the limit `kept` was created with */
  constructor(mostBytes: number, kept: Limited) {
    this.#mostBytes = mostBytes
    this.#maxBytes = mostBytes
    this.#kept = kept
  }

  /** The present limit. */
  get maxBytes(): number {
    return this.#maxBytes
  }

  /**
   * Gives up a quarter of what is held, and limits it to the rest.
   * @returns bytes given up; 0 when nothing more can go
   */
  giveWay(): number {
    const { bytes } = this.#kept
    if (bytes <= MIN_BYTES) return 0
    this.#limitTo(Math.max(MIN_BYTES, Math.floor(bytes * (1 - GIVEN_UP))))
    return bytes - this.#kept.bytes
  }

  /**
   * Raises the limit by an eighth, up to the original one.
   * @returns bytes regained; 0 when it is the original one
   */
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
