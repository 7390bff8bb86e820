/**
 * Least recently used out first, but what comes in has to be worth what goes out (W-TinyLFU: Einziger, Friedman, Manes,
 * 2017; here by what a byte saves). A newcomer is kept in a window first. When it leaves that, it is weighed against
 * those in the main part that were used least recently; the one found wanting goes.
 */
import { LRUCache } from 'lru-cache'
import type { Stored } from '../../model.ts'
import { type Claim, costOf, divided, FIRST_DIVISION, outweighs } from './admission.ts'
import { FrequencySketch } from './frequency-sketch.ts'

export type Departure = 'size' | 'replaced' | 'purged' | 'rejected'

export interface AdmittingLruOptions {
  readonly maxBytes: number
  /** Of the hash that keys are counted by. */
  readonly seed: number
  /** Something went, or did not get in. */
  readonly departed: (why: Departure) => void
}

interface Held {
  readonly key: string
  readonly stored: Stored
  readonly bytes: number
  /** Of the key: a hit is counted without reading the key again. */
  readonly hash: number
  readonly costMs: number
}

type Part = LRUCache<string, Held>

/** Counts are halved after this many look-ups for each thing held; the window is changed as often. */
const LOOK_UPS_PER_PERIOD = 12
const LEAST_PERIOD = 10_000
/** Keys that are counted even where few are held, unless they would take too much of a small store. */
const LEAST_COUNTED = { keys: 1_024, storeBytesEach: 4_096 }
/** A window that has become too large gives up no more than this at a time: nobody waits for all of it. */
const MOST_LEAVE_AT_ONCE = 16
/** Requests that a newcomer is given credit for: less than one, more than for what nobody asks for any more. */
const UNASKED = 0.5
/** How much one measured origin time bears on the typical one. */
const WEIGHT = 1 / 64

export class AdmittingLru {
  readonly #maxBytes: number
  readonly #departed: (why: Departure) => void
  readonly #sketch: FrequencySketch
  /** Both without a limit of their own: they share one. */
  readonly #window: Part = new LRUCache({ maxSize: Number.MAX_SAFE_INTEGER })
  readonly #main: Part = new LRUCache({ maxSize: Number.MAX_SAFE_INTEGER })
  #division = FIRST_DIVISION
  #lookUps = 0
  #hits = 0
  #typicalMs = 100

  constructor({ maxBytes, seed, departed }: AdmittingLruOptions) {
    this.#maxBytes = maxBytes
    this.#departed = departed
    this.#sketch = new FrequencySketch(seed)
    this.#sketch.fit(Math.min(LEAST_COUNTED.keys, maxBytes / LEAST_COUNTED.storeBytesEach))
  }

  get size(): number {
    return this.#main.size + this.#window.size
  }

  /** What is held, and what is remembered of how often it was asked for. */
  get bytes(): number {
    return this.#main.calculatedSize + this.#window.calculatedSize + (this.size === 0 ? 0 : this.#sketch.bytes)
  }

  get(key: string): Stored | undefined {
    const held = this.#main.get(key) ?? this.#window.get(key)
    this.#sketch.add(held === undefined ? this.#sketch.hashOf(key) : held.hash)
    this.#lookUps++
    if (held !== undefined) this.#hits++
    if (this.#lookUps >= this.#period) this.#beginPeriod()
    return held?.stored
  }

  /** What stands at the key goes in any case. */
  set(key: string, stored: Stored, bytes: number): void {
    const before = this.#main.peek(key)
    if (bytes > this.#capacity) {
      this.delete(key)
      this.#departed('rejected')
    } else if (before !== undefined) {
      this.#main.set(key, this.#held(key, stored, bytes, before.hash), { size: bytes })
      this.#departed('replaced')
      this.#makeRoom()
    } else {
      this.#setNew(key, stored, bytes)
    }
  }

  #setNew(key: string, stored: Stored, bytes: number): void {
    const before = this.#window.peek(key)
    const held = this.#held(key, stored, bytes, before?.hash ?? this.#sketch.hashOf(key))
    if (before !== undefined) this.#departed('replaced')
    if (bytes <= this.#windowBytes) {
      this.#window.set(key, held, { size: bytes })
      this.#leaveWindow()
    } else {
      this.#window.delete(key)
      // What replaces a copy, and what tells how to find copies, is not weighed.
      if (before !== undefined || isMarker(stored)) this.#main.set(key, held, { size: bytes })
      else this.#weigh(held)
    }
    this.#makeRoom()
    this.#sketch.fit(this.size)
  }

  delete(key: string): void {
    if (this.#main.delete(key) || this.#window.delete(key)) this.#departed('purged')
  }

  clear(): void {
    for (let left = this.size; left > 0; left--) this.#departed('purged')
    this.#main.clear()
    this.#window.clear()
  }

  // ------------------------------------------------------------------------------------------------ who stays

  #leaveWindow(): void {
    for (let left = 0; left < MOST_LEAVE_AT_ONCE && this.#window.calculatedSize > this.#windowBytes; left++) {
      const held = this.#window.pop()
      if (held !== undefined) this.#weigh(held)
    }
  }

  /** Puts it into the main part if it is worth those that have to go for it; else they have proved their worth. */
  #weigh(held: Held): void {
    // What is too much in the window leaves it as well: nobody has to make room for that.
    const victims = this.#popped(held.bytes - Math.max(0, this.#free))
    if (victims.length > 0 && !outweighs(this.#newcomer(held), this.#resident(victims))) {
      for (const victim of victims) this.#main.set(victim.key, victim, { size: victim.bytes })
      this.#departed('rejected')
      return
    }
    for (let left = victims.length; left > 0; left--) this.#departed('size')
    this.#main.set(held.key, held, { size: held.bytes })
  }

  /** Takes so many bytes out of the main part, least recently used first. */
  #popped(bytes: number): Held[] {
    const victims: Held[] = []
    for (let lacking = bytes; lacking > 0; ) {
      const victim = this.#main.pop()
      if (victim === undefined) break
      victims.push(victim)
      lacking -= victim.bytes
    }
    return victims
  }

  /**
   * The request that brought it does not count: in a loop over more than fits, whoever comes was asked for once more than
   * those whose turn has yet to come, and everything would go round.
   */
  #newcomer({ bytes, hash, costMs }: Held): Claim {
    return { bytes, savesMs: Math.max(this.#sketch.estimate(hash) - 1, UNASKED) * costMs }
  }

  #resident(held: readonly Held[]): Claim {
    let [bytes, savesMs] = [0, 0]
    for (const each of held) {
      bytes += each.bytes
      savesMs += this.#sketch.estimate(each.hash) * each.costMs
    }
    return { bytes, savesMs }
  }

  #makeRoom(): void {
    while (this.#free < 0) {
      // What has just been let in is the last of the main part to go.
      const gone = this.#main.size > 1 ? this.#main.pop() : (this.#window.pop() ?? this.#main.pop())
      if (gone === undefined) return
      this.#departed('size')
    }
  }

  #held(key: string, stored: Stored, bytes: number, hash: number): Held {
    const costMs = stored.kind === 'response' || stored.kind === 'value' ? stored.costMs : undefined
    if (costMs !== undefined) this.#typicalMs += (costOf(costMs, costMs) - this.#typicalMs) * WEIGHT
    return { key, stored, bytes, hash, costMs: costOf(costMs, this.#typicalMs) }
  }

  // ------------------------------------------------------------------------------------------------- its shape

  get #capacity(): number {
    return this.#maxBytes - this.#sketch.bytes
  }

  get #windowBytes(): number {
    return this.#capacity * this.#division.window
  }

  get #free(): number {
    return this.#capacity - this.#main.calculatedSize - this.#window.calculatedSize
  }

  get #period(): number {
    return Math.max(LEAST_PERIOD, this.size * LOOK_UPS_PER_PERIOD)
  }

  #beginPeriod(): void {
    this.#sketch.age()
    this.#division = divided(this.#division, this.#hits / this.#lookUps)
    this.#lookUps = 0
    this.#hits = 0
  }
}

const isMarker = ({ kind }: Stored): boolean => kind === 'varies' || kind === 'unshareable'
