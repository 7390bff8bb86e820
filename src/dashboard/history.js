/** The last quarter of an hour. */

/** @typedef {import('../live/live.ts').Snapshot} Snapshot */

const MAX_SNAPSHOTS = 900
/** Seconds without a snapshot after which lines are interrupted. */
const GAP = 3
const MIN_SHOWN = 60

export class History {
  /** Epoch seconds, ascending. @type {number[]} */
  #times = []
  /** A snapshot for each time; null where none came. @type {(Snapshot | null)[]} */
  #rows = []

  /** @param {Snapshot} snapshot */
  add(snapshot) {
    const at = snapshot.at / 1000
    // The clock was set back: the old history would hide everything new until the clock has caught up.
    if (at < (this.#times.at(-1) ?? at) - GAP) this.#times.length = this.#rows.length = 0
    const last = this.#times.at(-1) ?? at
    if (at - last > GAP) this.#append(last + 1, null)
    if (at >= last) this.#append(at, { ...snapshot, recent: [] })
  }

  /** @param {number} at @param {Snapshot | null} row */
  #append(at, row) {
    this.#times.push(at)
    this.#rows.push(row)
    if (this.#times.length > MAX_SNAPSHOTS) {
      this.#times.shift()
      this.#rows.shift()
    }
  }

  /** What is shown now. @param {number} most the time shown, in seconds; shorter while there is less */
  view(most) {
    const end = this.#times.at(-1) ?? 0
    const begin = end - Math.min(most, Math.max(MIN_SHOWN, end - (this.#times[0] ?? 0)))
    const from = this.#times.findIndex((time) => time >= begin)
    return new View(begin, end, this.#times.slice(from), this.#rows.slice(from))
  }
}

export class View {
  /**
   * @param {number} from epoch seconds
   * @param {number} to
   * @param {number[]} times
   * @param {(Snapshot | null)[]} rows
   */
  constructor(from, to, times, rows) {
    this.from = from
    this.to = to
    this.times = times
    this.rows = rows
  }

  /** The newest. @returns {Snapshot | undefined} */
  get last() {
    return this.rows.at(-1) ?? undefined
  }

  /** A number from each snapshot. @param {(snapshot: Snapshot) => number} read @returns {(number | null)[]} */
  column(read) {
    return this.rows.map((row) => (row === null ? null : read(row)))
  }

  /** A sum over the last `seconds`. @param {number} seconds @param {(snapshot: Snapshot) => number} read */
  sum(seconds, read) {
    let sum = 0
    for (let at = this.rows.length - 1; at >= 0; at--) {
      const row = this.rows[at]
      if ((this.times[at] ?? 0) <= this.to - seconds) break
      if (row) sum += read(row)
    }
    return sum
  }
}

/** Events per second. @param {number} events @param {Snapshot} snapshot */
export const perSecond = (events, { elapsedMs }) => (events * 1000) / Math.max(elapsedMs, 1)
