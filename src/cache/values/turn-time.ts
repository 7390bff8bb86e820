import type { Clock } from '../../model.ts'

/** Two readings of the clock so close to each other, in ms, are taken for the first of many. */
const CLOSE_MS = 0.002
/** Looks at one reading: a turn of the event loop may be long. */
const MOST_LOOKS = 16

/**
 * The time as of this turn of the event loop, for what is looked up in memory: reading the clock takes longer than
 * finding the value (docs/decisions/cache/what-a-hit-takes.md). Where looks follow each other closely, one reading
 * serves up to 16 of them, and none after the turn has ended; else the clock is read. So a value may outlive its
 * freshness by what the turn takes, but never ends before.
 */
export class TurnTime {
  readonly #clock: Clock
  readonly #endTurn = (): void => {
    this.#looksLeft = 0
  }
  #reading = Number.NEGATIVE_INFINITY
  #looksLeft = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param bornAt of what is judged by it: an earlier reading would take what has come since for younger than it is */
  now(bornAt: number): number {
    if (this.#looksLeft > 0 && this.#reading >= bornAt) {
      this.#looksLeft--
      return this.#reading
    }
    const reading = this.#clock.now()
    const sinceMs = reading - this.#reading
    this.#reading = reading
    // A clock that is turned by hand stands still between two readings, or leaps.
    if (sinceMs > 0 && sinceMs < CLOSE_MS) this.#keep()
    return reading
  }

  /** What is queued here runs before anything that the event loop has to tell. */
  #keep(): void {
    this.#looksLeft = MOST_LOOKS
    process.nextTick(this.#endTurn)
  }
}
