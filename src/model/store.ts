/** Where they are kept. */
import type { Awaitable } from './clock.ts'
import type { Stored } from './stored.ts'

/** What a store says of a key. `unknown`: it could not find out, which is no proof that nothing is there. */
export type Kept = Stored | undefined | 'unknown'

/** Asks for a newer copy than the one at hand: a store made of stores looks beyond its nearest. */
export interface Anew {
  /** The copy at hand, which will not do. */
  readonly past: Stored | undefined
  /** The log's present generation: a copy of another one is older than any of this one. */
  readonly generation: string
}

/** One thing to put into a store. */
export interface Write {
  readonly key: string
  readonly stored: Stored
  /** After which the store may forget it, in ms; it may forget it sooner. */
  readonly keepForMs: number
}

/** What became of a write. `lost`: whoever else reads the store will not find it there. */
export type Written = void | 'lost'

/**
 * Keeps stored things under keys. Faults are events: a read that fails is `unknown`, a write that fails is lost, and
 * nothing here rejects.
 */
export interface Store {
  get(key: string, anew?: Anew): Awaitable<Kept>
  /** In the order of the keys. */
  getMany(keys: readonly string[]): Awaitable<readonly Kept[]>
  /** @param keepForMs after which the store may forget it; it may forget it sooner. */
  set(key: string, stored: Stored, keepForMs: number): Awaitable<Written>
  setMany(writes: readonly Write[]): Awaitable<void>
  delete(key: string): Awaitable<void>
  deleteMany(keys: readonly string[]): Awaitable<void>
  clear(): Awaitable<void>
  close(): Awaitable<void>
  /** Per tier, for metrics and statistics. */
  usage(): readonly TierUsage[]
  /** What it has at the key, and in which tier. Unlike `get` it is no use of it, and copies nothing to a nearer one. */
  peek?(key: string, anew?: Anew): Awaitable<Peeked>
}

export interface Peeked {
  readonly kept: Kept
  readonly tier: Tier | undefined
}

export interface TierUsage {
  readonly tier: Tier
  readonly bytes: number
  readonly maxBytes: number
  readonly objects: number
  /** Out of order at present: look-ups answer `unknown`, writes are lost. */
  readonly degraded?: boolean | undefined
}

export type Tier = 'memory' | 'disk' | 'redis'
