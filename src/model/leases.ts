/** Which of the processes that share a store asks the origin. */
import type { Awaitable } from './clock.ts'

/** One fetch per key among all processes that share the leases. No method rejects. */
export interface FetchLeases {
  /** Resolves to the lease, or to how its holder's fetch ended. Settles within a bounded time. */
  take(key: string): Promise<LeaseAnswer>
  close(): Awaitable<void>
}

/**
 * How a fetch ended, for those waiting for it. `stored`: the result is in the stores. `unshared`: it was for one caller
 * only, failed, or was not accepted by the stores, so each waiter asks the origin itself. `overtaken`: the result was
 * invalidated meanwhile, so the next waiter takes the lease.
 */
export type FetchEnding = 'stored' | 'unshared' | 'overtaken'

/** How processes that share a store share their fetches. */
export interface Sharing {
  readonly leases: FetchLeases
  /** Content of up to this many bytes reaches the other processes through the store. */
  readonly maxObjectBytes: number
}

export type LeaseAnswer =
  | { readonly kind: 'held'; readonly lease: Lease }
  /** Another holder's fetch ended. */
  | { readonly kind: FetchEnding }
  /** The leases are out of reach, or waiting took too long. */
  | { readonly kind: 'unavailable' }

/** The right to fetch, renewed until it is released. */
export interface Lease {
  /** Fencing token. Rises with each lease of the key: distinguishes a holder presumed dead from its successor. */
  readonly fence: number
  /**
   * It could not be renewed in time, or others have stopped waiting for it: one of them may have stored something
   * newer.
   */
  readonly isDoubtful?: boolean
  /** Gives the lease back and tells the waiters how the fetch ended. Only the first call counts. */
  release(ending: FetchEnding): Awaitable<void>
}
