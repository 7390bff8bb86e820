/** Orders two entries by when they were requested. */
export interface Order {
  /**
   * When the entry's fetch began; by the machine's clock if another process made it. The latest of a response and its
   * revalidations; the earliest of combined parts. Only for comparison with another `askedAt`: the invalidation log
   * uses `startedAt`.
   */
  readonly askedAt: number
}

/**
 * Whether this copy was requested after that one, by whichever process. Machines' clocks differ slightly, so of two
 * copies fetched at about the same time by two machines either may stay. Correctness does not depend on it: whether a
 * copy may be served is decided by the invalidation log, which compares no clocks.
 */
export const isLater = (copy: Order, than: Order): boolean => copy.askedAt > than.askedAt
