import { systemClock } from '../clock.ts'
import { hasFunctions, shown } from '../given.ts'
import {
  type Anew,
  type Awaitable,
  type Clock,
  isNewer,
  type Kept,
  type Peeked,
  peekInto,
  type Store,
  type Stored,
  type TierUsage,
  type Write,
  type Written,
} from '../model.ts'
import { FarReads } from './far-reads.ts'

/**
 * Combines stores into one, the nearest first. What is found in a farther store is copied to the nearer ones, with its
 * original times and log position. Writes go to all of them and are done when the last one is; a write that the
 * farthest store loses is not seen by others who share it.
 * @throws TypeError if an argument is not a store, or there is none
 */
export function tiered(...stores: readonly [Store, ...Store[]]): Store {
  const isStore = (given: unknown) => hasFunctions(given, ['get', 'set', 'usage'])
  if (stores.length === 0 || !stores.every(isStore)) {
    const given = stores.find((store) => !isStore(store))
    throw new TypeError(`expected stores, the nearest first, as arguments of tiered, got ${shown(given)}`)
  }
  return createTiered(stores, systemClock)
}

/** The same, on the given clock. */
export function createTiered(stores: readonly [Store, ...Store[]], clock: Clock): Store {
  return stores.reduceRight((far, near) => new Pair(near, far, clock))
}

/** A near store, and a far one that is asked for what the near one lacks. */
class Pair implements Store {
  readonly #near: Store
  readonly #far: Store
  readonly #clock: Clock
  readonly #reads = new FarReads()

  constructor(near: Store, far: Store, clock: Clock) {
    this.#near = near
    this.#far = far
    this.#clock = clock
  }

  get(key: string, anew?: Anew): Awaitable<Kept> {
    const near = this.#near.get(key, anew)
    return near instanceof Promise
      ? near.then((kept) => this.#lookFurther(key, kept, anew))
      : this.#lookFurther(key, near, anew)
  }

  #lookFurther(key: string, near: Kept, anew: Anew | undefined): Awaitable<Kept> {
    if (!looksBeyond(anew) && isWanted(near, anew)) return near
    const toFill = anewToFill(near, anew)
    const latest = (far: Kept) => latestOf(near, far, anew)
    // A read in progress may have begun before the newer copy was put there.
    const far = (anew === undefined ? this.#reads.inProgress(key) : undefined) ?? this.#read(key, anew, toFill)
    return far instanceof Promise ? far.then(latest) : latest(far)
  }

  /** @param toFill which results are to be copied to the near store */
  #read(key: string, anew: Anew | undefined, toFill: Anew | undefined): Awaitable<Kept> {
    const far = this.#far.get(key, anew)
    if (!(far instanceof Promise)) {
      if (!this.#reads.isWritten(key)) this.#fill(key, far, toFill)
      return far
    }
    const read = this.#reads.begin(key)
    read.result = far.then((kept) => {
      if (this.#reads.end(key, read, isThere(kept))) this.#fill(key, kept, toFill)
      return kept
    })
    return read.result
  }

  /** Copies what was found in the far store to the near one, unless that has something as new. */
  #fill(key: string, kept: Kept, toFill: Anew | undefined): void {
    if (!isWanted(kept, toFill)) return
    const keepForMs = kept.keepUntil - this.#clock.now()
    if (keepForMs > 0) void this.#near.set(key, kept, keepForMs)
  }

  getMany(keys: readonly string[]): Awaitable<readonly Kept[]> {
    const near = this.#near.getMany(keys)
    return near instanceof Promise ? near.then((kept) => this.#rest(keys, kept)) : this.#rest(keys, near)
  }

  #rest(keys: readonly string[], near: readonly Kept[]): Awaitable<readonly Kept[]> {
    const missing = keys.filter((_, at) => !isWanted(near[at], undefined))
    if (missing.length === 0) return near
    const reads = missing.map((key) => this.#reads.begin(key))
    const merge = (far: readonly Kept[]): readonly Kept[] => {
      for (const [at, read] of reads.entries()) {
        const key = missing[at] ?? ''
        const kept = far[at]
        if (this.#reads.end(key, read, isThere(kept))) this.#fill(key, kept, undefined)
      }
      const rest = far.values()
      return near.map((kept) => (isWanted(kept, undefined) ? kept : firstFound(rest.next().value, kept)))
    }
    const far = this.#far.getMany(missing)
    return far instanceof Promise ? far.then(merge) : merge(far)
  }

  set(key: string, stored: Stored, keepForMs: number): Awaitable<Written> {
    return this.#reads.during([key], () => {
      const near = this.#near.set(key, stored, keepForMs)
      const far = this.#far.set(key, stored, keepForMs)
      return near instanceof Promise ? near.then(() => far) : far
    })
  }

  setMany(writes: readonly Write[]): Awaitable<void> {
    const keys = writes.map(({ key }) => key)
    return this.#reads.during(keys, () => both(this.#near.setMany(writes), this.#far.setMany(writes)))
  }

  delete(key: string): Awaitable<void> {
    return this.#reads.during([key], () => both(this.#near.delete(key), this.#far.delete(key)))
  }

  deleteMany(keys: readonly string[]): Awaitable<void> {
    return this.#reads.during(keys, () => both(this.#near.deleteMany(keys), this.#far.deleteMany(keys)))
  }

  clear(): Awaitable<void> {
    return this.#reads.during('all', () => both(this.#near.clear(), this.#far.clear()))
  }

  close(): Awaitable<void> {
    return both(this.#near.close(), this.#far.close())
  }

  usage(): readonly TierUsage[] {
    return [...this.#near.usage(), ...this.#far.usage()]
  }

  async peek(key: string, anew?: Anew): Promise<Peeked> {
    const near = await peekInto(this.#near, key, anew)
    if (!looksBeyond(anew) && isWanted(near.kept, anew)) return near
    const far = await peekInto(this.#far, key, anew)
    const kept = latestOf(near.kept, far.kept, anew)
    return kept === near.kept && isThere(kept) ? near : { kept, tier: far.tier }
  }
}

/** Asking anew without a copy at hand means that a farther store is known to have one. */
const looksBeyond = (anew: Anew | undefined): anew is Anew => anew !== undefined && anew.past === undefined

/** Which results of the far store are to be copied to the near one. */
const anewToFill = (near: Kept, anew: Anew | undefined): Anew | undefined =>
  looksBeyond(anew) && isThere(near) ? { ...anew, past: near } : anew

const latestOf = (near: Kept, far: Kept, anew: Anew | undefined): Kept =>
  looksBeyond(anew) && !isWanted(far, anewToFill(near, anew)) ? firstFound(near, far) : firstFound(far, near)

/** Is it there, and of another kind or newer than the copy at hand? */
function isWanted(kept: Kept, anew: Anew | undefined): kept is Stored {
  if (!isThere(kept)) return false
  if (anew?.past === undefined) return true
  return kept.kind !== anew.past.kind || isNewer(kept, anew.past, anew.generation)
}

const isThere = (kept: Kept): kept is Stored => kept !== undefined && kept !== 'unknown'

/** What the first store has, else what is known from the second. */
function firstFound(first: Kept, second: Kept): Kept {
  if (first === undefined) return second
  return first === 'unknown' ? (second ?? first) : first
}

const both = (one: Awaitable<void>, other: Awaitable<void>): Awaitable<void> => {
  if (!(one instanceof Promise)) return other
  return other instanceof Promise ? Promise.all([one, other]).then(() => undefined) : one
}
