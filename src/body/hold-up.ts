import type { Clock } from '../model.ts'
import type { ArrivalReader } from './arrival-reader.ts'

/**
 * Milliseconds of holding up others that are forgotten in one without. Catching up does not clear the account: who
 * rushes and halts in turn would hold up the others for ever.
 */
const FORGOTTEN_PER_MS = 0.1

/** Readers that are behind while others wait for them. Who has been so for `stallMs` in all is dropped. */
export class HoldUp {
  readonly #clock: Clock
  readonly #stallMs: number
  /** It grows only when a wait begins: while the source waits nobody falls behind. */
  readonly #late = new Set<ArrivalReader>()
  /** Epoch milliseconds. */
  #since = 0
  #cancelTimer = (): void => {}

  constructor(clock: Clock, stallMs: number) {
    this.#clock = clock
    this.#stallMs = stallMs
  }

  /** How many are behind. */
  get size(): number {
    return this.#late.size
  }

  /** @param late make others wait from now on */
  begin(late: Iterable<ArrivalReader>): void {
    for (const reader of late) this.#late.add(reader)
    this.#since = this.#clock.now()
    this.#dropInTime()
  }

  /** That reader is not behind any more, or has left. */
  release(reader: ArrivalReader): void {
    if (!this.#late.has(reader)) return
    reader.heldUpMs = this.#heldUpMs(reader)
    reader.heldUpUntil = this.#clock.now()
    this.#late.delete(reader)
    if (this.#late.size === 0) this.#cancelTimer()
  }

  /** Nobody waits any more. */
  end(): void {
    for (const reader of this.#late) this.release(reader)
  }

  #dropInTime(): void {
    let longest = 0
    for (const reader of this.#late) longest = Math.max(longest, this.#heldUpMs(reader))
    this.#cancelTimer = this.#clock.after(Math.ceil(this.#stallMs - longest), () => {
      for (const reader of this.#late) if (this.#heldUpMs(reader) >= this.#stallMs) reader.drop()
      if (this.#late.size > 0) this.#dropInTime()
    })
  }

  /** This time and before. */
  #heldUpMs({ heldUpMs, heldUpUntil }: ArrivalReader): number {
    const before = heldUpMs - (this.#since - heldUpUntil) * FORGOTTEN_PER_MS
    return Math.max(0, before) + this.#clock.now() - this.#since
  }
}
