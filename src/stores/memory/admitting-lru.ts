/**
 * Least recently used out first, but what comes in has to be worth what goes out (W-TinyLFU: Einziger, Friedman, Manes,
 * 2017; here by what a byte saves). A newcomer is kept in a window first. When it leaves that, it is weighed against
 * those in the main part that were used least recently; the one found wanting goes.
 */
import type { EvictionReason } from '../../events.ts'
import type { Stored } from '../../model.ts'
import { type Claim, costOf, divided, FIRST_DIVISION, outweighs } from './admission.ts'
import { FrequencySketch } from './frequency-sketch.ts'
import { Recency, type Used } from './recency.ts'

/** Nothing leaves by itself when it is expired, and what is kept here needs no decoding. */
export type MemoryEvictionReason = Exclude<EvictionReason, 'expired' | 'defective'>

export interface AdmittingLruOptions {
  readonly maxBytes: number
  /** Of the hash that keys are counted by. */
  readonly seed: number
  /** Something went, or did not get in; so many things at once where a count is given. */
  readonly departed: (why: MemoryEvictionReason, count?: number) => void
}

interface Held extends Used<Held> {
  readonly key: string
  /** Of the key: a hit is counted without reading the key again. */
  readonly hash: number
  /** Where it is, or was last. */
  part: Recency<Held>
  stored: Stored
  /** What it saves with each request, in whole microseconds: V8 keeps any other number in an object of its own. */
  costUs: number
}

/** Counts are halved after this many look-ups for each thing held; the window is changed as often. */
const LOOK_UPS_PER_PERIOD = 12
const LEAST_PERIOD = 10_000
/** Keys that are counted even where few are held, unless they would take too much of a small store. */
const LEAST_COUNTED = { keys: 1_024, storeBytesEach: 4_096 }
/** Counts may take so much of a limit that is lowered; else they begin again: they were made for more keys. */
const MOST_FOR_COUNTS = 1 / 4
/** A window that has become too large gives up no more than this at a time: nobody waits for all of it. */
const MOST_LEAVE_AT_ONCE = 16
/** Requests that a newcomer is given credit for: less than one, more than for what nobody asks for any more. */
const UNASKED = 0.5
/** How much one measured origin time bears on the typical one. */
const WEIGHT = 1 / 64

export class AdmittingLru {
  #maxBytes: number
  readonly #departed: AdmittingLruOptions['departed']
  readonly #seed: number
  #sketch: FrequencySketch
  /** One for both parts: a look-up is one. */
  readonly #index = new Map<string, Held>()
  readonly #window = new Recency<Held>()
  readonly #main = new Recency<Held>()
  #division = FIRST_DIVISION
  /** For what is held: the limit without the sketch. */
  #capacity = 0
  /** Of that, the window's share. */
  #windowBytes = 0
  #lookUps = 0
  #hits = 0
  #typicalMs = 100

  constructor({ maxBytes, seed, departed }: AdmittingLruOptions) {
    this.#maxBytes = maxBytes
    this.#departed = departed
    this.#seed = seed
    this.#sketch = this.#newSketch()
    this.#share()
  }

  get size(): number {
    return this.#index.size
  }

  /** What is held, and what is remembered of how often it was asked for. */
  get bytes(): number {
    return this.#main.bytes + this.#window.bytes + (this.size === 0 ? 0 : this.#sketch.bytes)
  }

  /** Holds no more than that from now on. */
  limit(maxBytes: number): void {
    const isLess = maxBytes < this.#maxBytes
    this.#maxBytes = maxBytes
    if (isLess && this.#sketch.bytes > maxBytes * MOST_FOR_COUNTS) this.#sketch = this.#newSketch()
    this.#share()
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

  /** What stands at the key goes in any case. */
  set(key: string, stored: Stored, bytes: number): void {
    const before = this.#index.get(key)
    if (bytes > this.#capacity) {
      if (before !== undefined) this.#remove(before, 'purged')
      this.#departed('rejected')
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
    // What tells how to find copies is not weighed.
    if (part === this.#main && !isMarker(stored)) this.#weigh(held)
    else part.add(held)
    this.#leaveWindow()
    if (this.#sketch.fit(this.size)) this.#share()
    this.#makeRoom()
  }

  /** What replaces a copy is not weighed. */
  #replace(held: Held, stored: Stored, bytes: number): void {
    held.part.remove(held)
    held.stored = stored
    held.bytes = bytes
    held.costUs = this.#costOf(stored)
    this.#departed('replaced')
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
    if (size > 0) this.#departed('purged', size)
  }

  #remove(held: Held, why: MemoryEvictionReason): void {
    held.part.remove(held)
    this.#index.delete(held.key)
    this.#departed(why)
  }

  // ------------------------------------------------------------------------------------------------ who stays

  #leaveWindow(): void {
    for (let left = MOST_LEAVE_AT_ONCE; left > 0 && this.#window.bytes > this.#windowBytes; left--) {
      const held = this.#window.takeOldest()
      if (held !== undefined) this.#weigh(held)
    }
  }

  /** Puts it into the main part if it is worth those that have to go for it; else they have proved their worth. */
  #weigh(held: Held): void {
    // What is too much in the window leaves it as well: nobody has to make room for that.
    const lacking = held.bytes - Math.max(0, this.#free())
    let victims = 0
    let [bytes, savesUs] = [0, 0]
    for (let victim = this.#main.oldest; victim !== undefined && bytes < lacking; victim = victim.later) {
      victims++
      bytes += victim.bytes
      savesUs += this.#sketch.estimate(victim.hash) * victim.costUs
    }
    const isAdmitted = victims === 0 || outweighs(this.#newcomer(held), { bytes, savesUs })
    for (let victim = this.#main.oldest; victim !== undefined && victims > 0; victim = this.#main.oldest, victims--) {
      if (isAdmitted) this.#remove(victim, 'size')
      else this.#main.use(victim)
    }
    if (isAdmitted) {
      held.part = this.#main
      this.#main.add(held)
    } else {
      this.#index.delete(held.key)
      this.#departed('rejected')
    }
  }

  /**
   * The request that brought it does not count: in a loop over more than fits, whoever comes was asked for once more than
   * those whose turn has yet to come, and everything would go round.
   */
  #newcomer({ bytes, hash, costUs }: Held): Claim {
    return { bytes, savesUs: Math.max(this.#sketch.estimate(hash) - 1, UNASKED) * costUs }
  }

  #makeRoom(): void {
    while (this.#free() < 0) {
      // What has just been let in is the last of the main part to go.
      const gone = this.#main.size > 1 ? this.#main.oldest : (this.#window.oldest ?? this.#main.oldest)
      if (gone === undefined) return
      this.#remove(gone, 'size')
    }
  }

  /** What it saves with each request, in microseconds; tells what that typically is. */
  #costOf(stored: Stored): number {
    const costMs = stored.kind === 'response' || stored.kind === 'value' ? stored.costMs : undefined
    if (costMs !== undefined) this.#typicalMs += (costOf(costMs, costMs) - this.#typicalMs) * WEIGHT
    return Math.trunc(costOf(costMs, this.#typicalMs) * 1_000)
  }

  // ------------------------------------------------------------------------------------------------- its shape

  #newSketch(): FrequencySketch {
    const sketch = new FrequencySketch(this.#seed)
    sketch.fit(Math.min(LEAST_COUNTED.keys, this.#maxBytes / LEAST_COUNTED.storeBytesEach))
    return sketch
  }

  #share(): void {
    this.#capacity = this.#maxBytes - this.#sketch.bytes
    this.#windowBytes = this.#capacity * this.#division.window
  }

  #free(): number {
    return this.#capacity - this.#main.bytes - this.#window.bytes
  }

  #period(): number {
    return Math.max(LEAST_PERIOD, this.size * LOOK_UPS_PER_PERIOD)
  }

  #beginPeriod(): void {
    this.#sketch.age()
    this.#division = divided(this.#division, this.#hits / this.#lookUps)
    this.#share()
    this.#lookUps = 0
    this.#hits = 0
  }
}

const isMarker = ({ kind }: Stored): boolean => kind === 'varies' || kind === 'unshareable'
