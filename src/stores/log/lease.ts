/**
 * Until when a node may trust that it knows of every record. It does for one lease, counted from when it *asked* how
 * long the log is and had, then or later, read that far.
 */
export class Lease {
  readonly #ms: number
  #confirmedAt = -Infinity
  /** Answers not yet read up to, oldest first. */
  #open: { readonly askedAt: number; readonly head: number }[] = []

  constructor(ms: number) {
    this.#ms = ms
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
    return now - startedAt < this.#ms
  }
}

const MAX_OPEN = 100
