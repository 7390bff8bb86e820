/**
 * An LRU in which a newcomer has to be worth what it pushes out (W-TinyLFU: Einziger, Friedman, Manes, 2017; here by
 * what a byte saves). A newcomer is kept in a window first. When it leaves that, it is weighed against the least
 * recently used entries of the main part; the loser is evicted.
 */
import type { EvictionReason } from '../../events.ts'
import { isEntry, type Stored } from '../../model.ts'
import { type Claim, costOf, nextDivision, FIRST_DIVISION, outweighs } from './admission.ts'
import { FrequencySketch } from './frequency-sketch.ts'
import { Recency, type Linked } from './recency.ts'

/** Expiry alone evicts nothing here, and nothing kept here needs decoding. */
export type MemoryEvictionReason = Exclude<EvictionReason, 'expired' | 'defective'>

/** Called when an entry leaves or is not admitted. @param count called for that many at once, none of them named */
export type OnEviction<T = Stored> = (why: MemoryEvictionReason, entry: T | undefined, count?: number) => void

export interface AdmittingLruOptions {
  readonly maxBytes: number
  /** Seed of the hash by which keys are counted. */
  readonly seed: number
  readonly onEviction: OnEviction
}

interface Held extends Linked<Held> {
  readonly key: string
  /** Hash of the key: a hit is counted without reading the key again. */
  readonly hash: number
  /** The part it is in, or was in last. */
  part: Recency<Held>
  stored: Stored
  /** What it saves per request, in whole microseconds: V8 keeps any other number in an object of its own. */
  costUs: number
}

/** Counts are halved, and the window is adjusted, after this many look-ups per entry held. */
const LOOK_UPS_PER_PERIOD = 12
const MIN_PERIOD = 10_000
/** There is room to count at least this many keys, or fewer where that would take too much of a small store. */
const MIN_COUNTED = { keys: 1_024, storeBytesEach: 4_096 }
/** The share of a lowered limit that the counts may take; larger ones, made for more keys, start over. */
const MAX_FOR_COUNTS = 1 / 4
/** A window that has become too large gives up at most this many entries at a time: no caller waits for all. */
const MAX_LEAVE_AT_ONCE = 16
/** Requests credited to a newcomer: less than one, but more than to an entry that nobody asks for any more. */
const UNREQUESTED = 0.5
/** Weight of one measured origin time in the typical one. */
const WEIGHT = 1 / 64

export class AdmittingLru {
  #maxBytes: number
  readonly #onEviction: OnEviction
  readonly #seed: number
  #sketch: FrequencySketch
  /** Covers both parts, so that a get is a single look-up. */
  readonly #index = new Map<string, Held>()
  readonly #window = new Recency<Held>()
  readonly #main = new Recency<Held>()
  #division = FIRST_DIVISION
  /** Bytes for entries: the limit less the sketch. */
  #capacity = 0
  /** Of that, the window's share. */
  #windowBytes = 0
  #lookUps = 0
  #hits = 0
  #typicalMs = 100

  constructor({ maxBytes, seed, onEviction }: AdmittingLruOptions) {
    this.#maxBytes = maxBytes
    this.#onEviction = onEviction
    this.#seed = seed
    this.#sketch = this.#newSketch()
    this.#divide()
  }

  get size(): number {
    return this.#index.size
  }

  /** Bytes of the entries held, and of the counts. */
  get bytes(): number {
    return this.#main.bytes + this.#window.bytes + (this.size === 0 ? 0 : this.#sketch.bytes)
  }

  /** Holds no more than that from now on. */
  limit(maxBytes: number): void {
    const isLess = maxBytes < this.#maxBytes
    this.#maxBytes = maxBytes
    if (isLess && this.#sketch.bytes > maxBytes * MAX_FOR_COUNTS) this.#sketch = this.#newSketch()
    this.#divide()
    while (this.#window.bytes > this.#windowBytes) this.#leaveWindow()
    this.#makeRoom()
  }

  get(key: string): Stored | undefined {
    const held = this.#index.get(key)
    if (held === undefined) {
      this.#count(this.#sketch.hashOf(key))
      return undefined
    }
    held.part.use(held)
    this.#hits++
    this.#count(held.hash)
    return held.stored
  }

  peek(key: string): Stored | undefined {
    return this.#index.get(key)?.stored
  }

  #count(hash: number): void {
    this.#sketch.add(hash)
    if (++this.#lookUps >= this.#period()) this.#beginPeriod()
  }

  /** What was at the key is removed, even if the new entry is not admitted. */
  set(key: string, stored: Stored, bytes: number): void {
    const before = this.#index.get(key)
    if (bytes > this.#capacity) {
      if (before !== undefined) this.#remove(before, 'purged')
      this.#onEviction('rejected', stored)
    } else if (before === undefined) {
      this.#add(key, stored, bytes)
    } else {
      this.#replace(before, stored, bytes)
    }
  }

  #add(key: string, stored: Stored, bytes: number): void {
    const part = bytes <= this.#windowBytes ? this.#window : this.#main
    const hash = this.#sketch.hashOf(key)
    const costUs = this.#costOf(stored)
    const held: Held = { key, hash, part, stored, bytes, costUs, earlier: undefined, later: undefined }
    this.#index.set(key, held)
    // Markers tell how to find copies, and skip admission.
    if (part === this.#main && isEntry(stored)) this.#weigh(held)
    else part.add(held)
    this.#leaveWindow()
    if (this.#sketch.fit(this.size)) this.#divide()
    this.#makeRoom()
  }

  /** An entry that replaces an existing one skips admission. */
  #replace(held: Held, stored: Stored, bytes: number): void {
    const { stored: before } = held
    held.part.remove(held)
    held.stored = stored
    held.bytes = bytes
    held.costUs = this.#costOf(stored)
    this.#onEviction('replaced', before)
    if (bytes > this.#windowBytes) held.part = this.#main
    held.part.add(held)
    this.#leaveWindow()
    this.#makeRoom()
  }

  delete(key: string): void {
    const held = this.#index.get(key)
    if (held !== undefined) this.#remove(held, 'purged')
  }

  clear(): void {
    const { size } = this
    this.#index.clear()
    this.#main.clear()
    this.#window.clear()
    if (size > 0) this.#onEviction('purged', undefined, size)
  }

  #remove(held: Held, why: MemoryEvictionReason): void {
    held.part.remove(held)
    this.#index.delete(held.key)
    this.#onEviction(why, held.stored)
  }

  // ------------------------------------------------------------------------------------------------ who stays

  #leaveWindow(): void {
    for (let left = MAX_LEAVE_AT_ONCE; left > 0 && this.#window.bytes > this.#windowBytes; left--) {
      const held = this.#window.takeOldest()
      if (held !== undefined) this.#weigh(held)
    }
  }

  /** Moves it to the main part if it is worth the entries that would have to go; otherwise those count as used. */
  #weigh(held: Held): void {
    // A negative `#free()` is excess of the window, which leaves it as well: no victim has to make room for that.
    const lacking = held.bytes - Math.max(0, this.#free())
    let victims = 0
    let [bytes, savesUs] = [0, 0]
    for (let victim = this.#main.oldest; victim !== undefined && bytes < lacking; victim = victim.later) {
      victims++
      bytes += victim.bytes
      savesUs += this.#sketch.estimate(victim.hash) * victim.costUs
    }
    const isAdmitted = victims === 0 || outweighs(this.#claimOf(held), { bytes, savesUs })
    for (let victim = this.#main.oldest; victim !== undefined && victims > 0; victim = this.#main.oldest, victims--) {
      if (isAdmitted) this.#remove(victim, 'size')
      else this.#main.use(victim)
    }
    if (isAdmitted) {
      held.part = this.#main
      this.#main.add(held)
    } else {
      this.#index.delete(held.key)
      this.#onEviction('rejected', held.stored)
    }
  }

  /**
   * The request that brought it does not count: in a loop over more than fits, each newcomer would have been asked for
   * once more than the entries whose turn has yet to come, and all would be evicted before they are used.
   */
  #claimOf({ bytes, hash, costUs }: Held): Claim {
    return { bytes, savesUs: Math.max(this.#sketch.estimate(hash) - 1, UNREQUESTED) * costUs }
  }

  #makeRoom(): void {
    while (this.#free() < 0) {
      // The entry that was just admitted is the last of the main part to go.
      const gone = this.#main.size > 1 ? this.#main.oldest : (this.#window.oldest ?? this.#main.oldest)
      if (gone === undefined) return
      this.#remove(gone, 'size')
    }
  }

  /** What it saves per request, in microseconds; also updates the typical cost. */
  #costOf(stored: Stored): number {
    const costMs = isEntry(stored) ? stored.costMs : undefined
    if (costMs !== undefined) this.#typicalMs += (costOf(costMs, costMs) - this.#typicalMs) * WEIGHT
    return Math.trunc(costOf(costMs, this.#typicalMs) * 1_000)
  }

  // ------------------------------------------------------------------------------------------------- its shape

  #newSketch(): FrequencySketch {
    const sketch = new FrequencySketch(this.#seed)
    sketch.fit(Math.min(MIN_COUNTED.keys, this.#maxBytes / MIN_COUNTED.storeBytesEach))
    return sketch
  }

  #divide(): void {
    this.#capacity = this.#maxBytes - this.#sketch.bytes
    this.#windowBytes = this.#capacity * this.#division.window
  }

  #free(): number {
    return this.#capacity - this.#main.bytes - this.#window.bytes
  }

  #period(): number {
    return Math.max(MIN_PERIOD, this.size * LOOK_UPS_PER_PERIOD)
  }

  #beginPeriod(): void {
    this.#sketch.age()
    this.#division = nextDivision(this.#division, this.#hits / this.#lookUps)
    this.#divide()
    this.#lookUps = 0
    this.#hits = 0
  }
}
