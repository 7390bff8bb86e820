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
  readonly #wall: () => number
  /** How far the machine's clock is ahead of the process's, less the short pauses not acted on yet. */
  #aheadBy: number
  #looksAt = -Infinity
  /** When it was last noticed that the process's clock had stood still. */
  #resumedAt = -Infinity
  #confirmedAt = -Infinity
  /** Answers whose head has not been read yet, oldest first. */
  #open: { readonly askedAt: number; readonly head: number }[] = []

  constructor(ms: number, clock: Clock) {
    this.#ms = ms
    this.#wall = () => clock.wall?.() ?? clock.now()
    this.#aheadBy = this.#wall() - clock.now()
  }

  /**
   * The log ended at `head` at some time after `askedAt`. Open answers with a higher head are dropped: either the
   * records up to there are lost and will never be read, or this answer came late and another one will name that head
   * again.
   * @param position read so far
   */
  ends(head: number, askedAt: number, position: number): void {
    this.#open = this.#open.filter((answer) => answer.head <= head)
    if (this.#open.length < MAX_OPEN) this.#open.push({ askedAt, head })
    this.reads(position)
  }

  /** The log has been read up to `position`. */
  reads(position: number): void {
    for (const { askedAt, head } of this.#open) {
      if (head <= position) this.#confirmedAt = Math.max(this.#confirmedAt, askedAt)
    }
    this.#open = this.#open.filter(({ head }) => head > position)
  }

  /** Is the log longer than what has been read? */
  get isBehind(): boolean {
    return this.#open.length > 0
  }

  /** Answers about another generation say nothing about this one. */
  startAnew(): void {
    this.#confirmedAt = -Infinity
    this.#open = []
  }

  /** Measured at each use, so that a process that stood still wakes up without a lease. */
  holds(now: number): boolean {
    return this.covers(this.#confirmedAt, now)
  }

  /** Is a fetch that began at `startedAt` young enough to be used without a lease? */
  covers(startedAt: number, now: number): boolean {
    if (now >= this.#looksAt) this.#look(now)
    return now - startedAt < this.#ms && startedAt >= this.#resumedAt
  }

  #look(now: number): void {
    this.#looksAt = now + LOOK_EVERY_MS
    const aheadBy = this.#wall() - now
    if (aheadBy > this.#aheadBy + this.#ms) this.#resumedAt = now
    else if (aheadBy > this.#aheadBy) return // several short pauses add up
    this.#aheadBy = aheadBy
  }
}

const MAX_OPEN = 100
/** Reading the machine's clock takes time, and this is asked at every hit. */
const LOOK_EVERY_MS = 50
