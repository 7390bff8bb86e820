import type { Clock } from '../model.ts'
import type { ArrivalReader } from './arrival-reader.ts'

/**
 * Hold-up time in ms that is forgiven per ms without any. Catching up does not reset it: a reader that alternates
 * between rushing and halting could hold up the others for ever.
 */
const FORGIVEN_PER_MS = 0.1

/** Readers that others have to wait for. One that has held up others for `stallMs` in total is dropped. */
export class HoldUp {
  readonly #clock: Clock
  readonly #stallMs: number
  /** Grows only when a wait begins: while the source waits, no other reader falls behind. */
  readonly #late = new Set<ArrivalReader>()
  /** Epoch milliseconds. */
  #since = 0
  #cancelTimer = (): void => {}

  constructor(clock: Clock, stallMs: number) {
    this.#clock = clock
    this.#stallMs = stallMs
  }

  /** Number of readers that are behind. */
  get size(): number {
    return this.#late.size
  }

  /** @param late readers that hold up others from now on */
  begin(late: Iterable<ArrivalReader>): void {
    for (const reader of late) this.#late.add(reader)
    this.#since = this.#clock.now()
    this.#scheduleDrop()
  }

  /** The reader has caught up or left. */
  release(reader: ArrivalReader): void {
    if (!this.#late.has(reader)) return
    reader.heldUpMs = this.#heldUpMs(reader)
    reader.heldUpUntil = this.#clock.now()
    this.#late.delete(reader)
    if (this.#late.size === 0) this.#cancelTimer()
  }

  /** No reader waits any more. */
  end(): void {
    for (const reader of this.#late) this.release(reader)
  }

  #scheduleDrop(): void {
    let longest = 0
    for (const reader of this.#late) longest = Math.max(longest, this.#heldUpMs(reader))
    this.#cancelTimer = this.#clock.after(Math.ceil(this.#stallMs - longest), () => {
      for (const reader of this.#late) if (this.#heldUpMs(reader) >= this.#stallMs) reader.drop()
      if (this.#late.size > 0) this.#scheduleDrop()
    })
  }

  /** Total, including the current wait. */
  #heldUpMs({ heldUpMs, heldUpUntil }: ArrivalReader): number {
    const before = heldUpMs - (this.#since - heldUpUntil) * FORGIVEN_PER_MS
    return Math.max(0, before) + this.#clock.now() - this.#since
  }
}
