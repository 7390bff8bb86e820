/** Time, and what takes some. All times are milliseconds; absolute ones count from the epoch. */

export type Awaitable<T> = T | Promise<T>

/** What time it is, and a way to be woken. Passed in everywhere, so that tests turn it by hand. */
export interface Clock {
  /** Epoch milliseconds that never jump while the process lives. */
  now(): number
  /**
   * The same as the machine says it at this moment, which may have been corrected. Only for what is compared with a
   * date in a message, or written as one. Absent: as `now`.
   */
  wall?(): number
  /** Calls `run` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, run: () => void): () => void
}
