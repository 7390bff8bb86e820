import type { Stored } from './stored.ts'

/** Orders two entries by when they were requested. */
export interface Order {
  /**
   * When the entry's fetch began; by the machine's clock if another process made it. The latest of a response and its
   * revalidations; the earliest of combined parts. Only for comparison with another `askedAt`, and to recognise a copy
   * from the future: the invalidation log uses `startedAt`.
   */
  readonly askedAt: number
}

/**
 * Whether this copy was requested after that one, by whichever process. Machines' clocks differ slightly, so of two
 * copies fetched at about the same time by two machines either may stay. Correctness does not depend on it: whether a
 * copy may be served is decided by the invalidation log, which compares no clocks.
 */
export const isLater = (copy: Order, than: Order): boolean => copy.askedAt > than.askedAt

/**
 * Whether what is kept was asked for at a later position of the log, or at a later time, whatever its lifetime; of two
 * asked for at the same time, the newer is the one that is fresh for longer.
 * @param generation the current one of the log
 */
export function isNewer(kept: Stored, past: Stored, generation: string): boolean {
  if (kept.generation !== past.generation) {
    if (kept.generation === generation) return true
    if (past.generation === generation) return false
  } else if (kept.position > past.position) {
    return true
  }
  if ('askedAt' in kept && 'askedAt' in past && kept.askedAt !== past.askedAt) return isLater(kept, past)
  return freshUntil(kept) > freshUntil(past)
}

/** How far the clocks of two machines may be apart, or how far one may be set back, in ms. */
const MAX_SKEW_MS = 5_000

/**
 * Whether a copy from outside this process seems to have been requested after now: this machine's clock was set back
 * since, or another machine's is ahead. By this clock it would be fresh for longer than it may be, perhaps for years.
 */
export const isAhead = (copy: Stored, now: number): boolean => 'askedAt' in copy && copy.askedAt > now + MAX_SKEW_MS

function freshUntil(stored: Stored): number {
  switch (stored.kind) {
    case 'response':
    case 'value':
      return stored.freshUntil
    case 'unshareable':
      return stored.keepUntil
    case 'varies':
      return 0
  }
}
