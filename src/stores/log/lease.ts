import type { Clock } from '../../model.ts'

/**
 * Until when a node may trust that it knows of every record. It does for one lease, counted from when it *asked* how
 * long the log is and had, then or later, read that far.
 *
 * The process's clock stands still while the machine is suspended, or the virtual machine paused. So what was asked, or
 * fetched, before the machine's own clock ran ahead of it by more than a lease counts no more. Where that was only set
 * forward, the log is asked once more.
 */
export class Lease {
  readonly #ms: number
  readonly #wall: () => number
  /** What the machine's clock is ahead of the process's, as far as nothing has been made of it. */
  #aheadBy: number
  #looksAt = -Infinity
  /** When it was noticed that the process's clock had stood still. */
  #resumedAt = -Infinity
  #confirmedAt = -Infinity
  /** Answers not yet read up to, oldest first. */
  #open: { readonly askedAt: number; readonly head: number }[] = []

  constructor(ms: number, clock: Clock) {
    this.#ms = ms
    this.#wall = () => clock.wall?.() ?? clock.now()
    this.#aheadBy = this.#wall() - clock.now()
  }

  /**
   * The log ended at `head` at some time after `askedAt`. What it is known to have held beyond that is lost, and nobody
   * will ever read that far; or this answer came late, and another one will say so again.
   * @param position read so far
   */
  ends(head: number, askedAt: number, position: number): void {
    this.#open = this.#open.filter((answer) => answer.head <= head)
    if (this.#open.length < MAX_OPEN) this.#open.push({ askedAt, head })
    this.reads(position)
  }

  /** The log has been read up to there. */
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

  /** What was asked of another generation says nothing about this one. */
  startAnew(): void {
    this.#confirmedAt = -Infinity
    this.#open = []
  }

  /** Measured when it matters: a process that stood still wakes up without a lease. */
  holds(now: number): boolean {
    return this.covers(this.#confirmedAt, now)
  }

  /** Is a fetch that began then young enough to be used without a lease? */
  covers(startedAt: number, now: number): boolean {
    if (now >= this.#looksAt) this.#look(now)
    return now - startedAt < this.#ms && startedAt >= this.#resumedAt
  }

  #look(now: number): void {
    this.#looksAt = now + LOOK_EVERY_MS
    const aheadBy = this.#wall() - now
    if (aheadBy > this.#aheadBy + this.#ms) this.#resumedAt = now
    else if (aheadBy > this.#aheadBy) return // several short ones count together
    this.#aheadBy = aheadBy
  }
}

const MAX_OPEN = 100
/** Reading the machine's clock takes time too, and this is asked at every hit. */
const LOOK_EVERY_MS = 50
