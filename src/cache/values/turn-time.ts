import type { Clock } from '../../model.ts'

/** Two clock readings within this many ms are taken as the start of a burst. */
const CLOSE_MS = 0.002
/** How often one reading is used: a turn of the event loop may be long. */
const MAX_USES = 16

/**
 * The time for look-ups in memory: reading the clock takes longer than finding the value
 * (docs/decisions/cache/what-a-hit-takes.md). If look-ups follow each other closely, one reading serves up to 16 of
 * them within the same turn of the event loop. So a value may be used past its freshness by the length of the turn, but
 * never expires early.
 */
export class TurnTime {
  readonly #clock: Clock
  readonly #endTurn = (): void => {
    this.#usesLeft = 0
  }
  #reading = Number.NEGATIVE_INFINITY
  #usesLeft = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param bornAt of the value to be judged: a reading from before it was made must not be used */
  now(bornAt: number): number {
    if (this.#usesLeft > 0 && this.#reading >= bornAt) {
      this.#usesLeft--
      return this.#reading
    }
    const reading = this.#clock.now()
    const sinceMs = reading - this.#reading
    this.#reading = reading
    // A test clock stands still between two readings, or leaps.
    if (sinceMs > 0 && sinceMs < CLOSE_MS) this.#keep()
    return reading
  }

  /** The queued callback runs before the event loop delivers anything else. */
  #keep(): void {
    this.#usesLeft = MAX_USES
    process.nextTick(this.#endTurn)
  }
}
