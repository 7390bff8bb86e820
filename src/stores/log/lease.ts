import { wallTime } from '../../clock.ts'
import type { Clock } from '../../model.ts'

/**
 * How long a node may trust that it knows every record: for one lease from when it *asked* how long the log is, once it
 * has read that far.
 *
 * The process's clock stands still while the machine is suspended or the virtual machine paused. So once the machine's
 * clock has run ahead of it by more than a lease, what was asked or fetched before no longer counts. If that clock was
 * only set forward, this costs no more than asking the log once more.
 */
export class Lease {
  readonly #ms: number
  readonly #clock: Clock
  /** How far the machine's clock is ahead of the process's, less the short pauses not acted on yet. */
  #aheadBy: number
  #nextCheckAt = -Infinity
  /** When it was last noticed that the process's clock had stood still. */
  #resumedAt = -Infinity
  #confirmedAt = -Infinity
  /** Answers whose head has not been read yet, oldest first. */
  #unread: { readonly askedAt: number; readonly head: number }[] = []

  constructor(ms: number, clock: Clock) {
    this.#ms = ms
    this.#clock = clock
    this.#aheadBy = wallTime(clock) - clock.now()
  }

  /**
   * The log ended at `head` at some time after `askedAt`. Unread answers with a higher head are dropped: either the
   * records up to there are lost and will never be read, or this answer came late and another one will name that head
   * again.
   * @param position read so far
   */
  logEndedAt(head: number, askedAt: number, position: number): void {
    this.#unread = this.#unread.filter((answer) => answer.head <= head)
    if (this.#unread.length < MAX_UNREAD) this.#unread.push({ askedAt, head })
    this.hasRead(position)
  }

  /** The log has been read up to `position`. */
  hasRead(position: number): void {
    for (const { askedAt, head } of this.#unread) {
      if (head <= position) this.#confirmedAt = Math.max(this.#confirmedAt, askedAt)
    }
    this.#unread = this.#unread.filter(({ head }) => head > position)
  }

  /** Is the log longer than what has been read? */
  get isBehind(): boolean {
    return this.#unread.length > 0
  }

  /** Answers about another generation say nothing about this one. */
  reset(): void {
    this.#confirmedAt = -Infinity
    this.#unread = []
  }

  /** Measured at each use, so that a process that stood still wakes up without a lease. */
  holds(now: number): boolean {
    return this.covers(this.#confirmedAt, now)
  }

  /** Is a fetch that began at `startedAt` young enough to be used without a lease? */
  covers(startedAt: number, now: number): boolean {
    if (now >= this.#nextCheckAt) this.#checkClocks(now)
    return now - startedAt < this.#ms && startedAt >= this.#resumedAt
  }

  #checkClocks(now: number): void {
    this.#nextCheckAt = now + CHECK_EVERY_MS
    const aheadBy = wallTime(this.#clock) - now
    if (aheadBy > this.#aheadBy + this.#ms) this.#resumedAt = now
    else if (aheadBy > this.#aheadBy) return // several short pauses add up
    this.#aheadBy = aheadBy
  }
}

const MAX_UNREAD = 100
/** Reading the machine's clock takes time, and this is asked at every hit. */
const CHECK_EVERY_MS = 50
