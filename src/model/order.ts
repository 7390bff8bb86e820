/** Which of two things was asked for later. */
export interface Order {
  /**
   * When the fetch behind it began, whoever made it; by the machine's clock where another process did. Of a response and
   * its later checks it is the latest, of parts put together the earliest. To be compared with that of another and
   * nothing else: what the log must know to be past is `startedAt`.
   */
  readonly askedAt: number
}

/**
 * Was this copy asked for after that one, whichever process asked? Clocks of machines differ by a little: of two that
 * were fetched about the same time, by two machines, either may stay. No more than that hangs on it, as what may still
 * be served is for the invalidation log to say, which compares no clocks.
 */
export const isLater = (copy: Order, than: Order): boolean => copy.askedAt > than.askedAt
