/** All times are milliseconds; absolute ones count from the epoch. */

export type Awaitable<T> = T | Promise<T>

/** Time and timers. Passed in everywhere, so that tests can control time. */
export interface Clock {
  /** Epoch milliseconds. Monotonic: never jumps while the process lives. */
  now(): number
  /**
   * Epoch milliseconds by the machine's clock, which may have been corrected since the process began. Only for
   * comparing with a date in a message, or for writing one. Absent: same as `now`.
   */
  wall?(): number
  /** Calls `run` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, run: () => void): () => void
}
