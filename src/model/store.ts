/** Where entries are kept. */
import type { Awaitable } from './clock.ts'
import type { Stored } from './stored.ts'

/** A store's answer for a key. `unknown`: the read failed, so something may be stored there all the same. */
export type Kept = Stored | undefined | 'unknown'

/** What is certainly stored. */
export const known = (kept: Kept): Stored | undefined => (kept === 'unknown' ? undefined : kept)

/** Asks for a newer copy than the one at hand: a tiered store looks beyond its nearest tier. */
export interface Anew {
  /** The copy at hand, which cannot be used. */
  readonly past: Stored | undefined
  /** The log's current generation: a copy of another generation is older than any of this one. */
  readonly generation: string
}

/** One write to a store. */
export interface Write {
  readonly key: string
  readonly stored: Stored
  /** How long it is worth keeping, in ms; the store may drop it sooner. */
  readonly keepForMs: number
}

/** Result of a write. `lost`: other readers of the store will not find it. */
export type Written = void | 'lost'

/**
 * Keeps entries and markers under keys. Failures are reported as events: a failed read returns `unknown`, a failed
 * write is lost, and no method rejects.
 */
export interface Store {
  get(key: string, anew?: Anew): Awaitable<Kept>
  /** Results in the order of the keys. */
  getMany(keys: readonly string[]): Awaitable<readonly Kept[]>
  /** @param keepForMs how long it is worth keeping; the store may drop it sooner */
  set(key: string, stored: Stored, keepForMs: number): Awaitable<Written>
  setMany(writes: readonly Write[]): Awaitable<void>
  delete(key: string): Awaitable<void>
  deleteMany(keys: readonly string[]): Awaitable<void>
  clear(): Awaitable<void>
  close(): Awaitable<void>
  /** Usage per tier, for metrics and statistics. */
  usage(): readonly TierUsage[]
  /** What is stored under the key, and in which tier. Unlike `get`, it neither counts as a use nor promotes. */
  peek?(key: string, anew?: Anew): Awaitable<Peeked>
}

export interface Peeked {
  readonly kept: Kept
  readonly tier: Tier | undefined
}

/** The same for any store: one that has no `peek` is asked by `get`. */
export async function peekInto(store: Store, key: string, anew?: Anew): Promise<Peeked> {
  if (store.peek !== undefined) return store.peek(key, anew)
  return { kept: await store.get(key, anew), tier: store.usage()[0]?.tier }
}

export interface TierUsage {
  readonly tier: Tier
  readonly bytes: number
  readonly maxBytes: number
  readonly objects: number
  /** Currently failing: look-ups return `unknown`, writes are lost. */
  readonly degraded?: boolean | undefined
}

export type Tier = 'memory' | 'disk' | 'redis'
