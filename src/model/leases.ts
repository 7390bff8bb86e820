/** Who of those that share a store asks the origin. */
import type { Awaitable } from './clock.ts'

/** One fetch per key among all who share the leases. Nothing here rejects. */
export interface FetchLeases {
  /** The lease, or how the fetch of whoever had it ended. Settles within a bounded time. */
  take(key: string): Promise<LeaseAnswer>
  close(): Awaitable<void>
}

/**
 * How a fetch ended, for those who wait for it. `stored`: the result is in the stores. `unshared`: it was an answer for
 * one caller alone, a failure, or what the stores did not take: everyone asks for themselves. `overtaken`: something
 * was invalidated meanwhile, so that it is somebody else's turn.
 */
export type FetchEnding = 'stored' | 'unshared' | 'overtaken'

/** What those who share a store agree on for fetches. */
export interface Sharing {
  readonly leases: FetchLeases
  /** Content of up to this many bytes reaches the others through the store. */
  readonly maxObjectBytes: number
}

export type LeaseAnswer =
  | { readonly kind: 'held'; readonly lease: Lease }
  /** Another's fetch ended. */
  | { readonly kind: FetchEnding }
  /** Nobody can say who fetches, or it took too long. */
  | { readonly kind: 'unavailable' }

/** The right to fetch, kept alive until it is given back. */
export interface Lease {
  /** Rises with each lease of the key: tells a holder that was taken for dead from the one that took over. */
  readonly fence: number
  /**
   * It could not be kept alive in time, or others have stopped waiting for it by now: one of them may have stored
   * something newer.
   */
  readonly isDoubtful?: boolean
  /** Gives it back and tells those who wait how the fetch ended. Only once counts. */
  release(ending: FetchEnding): Awaitable<void>
}
