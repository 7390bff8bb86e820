import { CollectableMap } from '../../collectable.ts'
import {
  type Awaitable,
  type Clock,
  type InvalidationLog,
  type Kept,
  known,
  type Store,
  type Stored,
  type StoredValue,
} from '../../model.ts'
import type { Counts } from '../statistics.ts'
import { invalidKey } from './key.ts'
import { TurnTime } from './turn-time.ts'

export interface FreshValuesParts {
  readonly store: Store
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly counts: Counts
}

/** A look-up in further tiers. */
interface LookUp {
  /** The copy at hand when it began. */
  readonly past: Stored
  readonly result: Promise<Kept>
}

/** Reads fresh values. If the nearest tier's value is no longer usable, a further tier may have a newer one. */
export class FreshValues {
  readonly #store: Store
  readonly #log: InvalidationLog
  readonly #clock: Clock
  readonly #time: TurnTime
  readonly #counts: Counts
  readonly #isTiered: boolean
  /** Look-ups in further tiers, one per key at a time unless another copy has come to hand meanwhile. */
  readonly #lookingAnew = new CollectableMap<string, LookUp>()

  constructor({ store, log, clock, counts }: FreshValuesParts) {
    this.#store = store
    this.#log = log
    this.#clock = clock
    this.#time = new TurnTime(clock)
    this.#counts = counts
    this.#isTiered = store.usage().length > 1
  }

  /** The fresh value under a key, or undefined. */
  get(key: string): Promise<unknown> {
    if (typeof key !== 'string') return Promise.reject(invalidKey(key))
    const kept = this.#store.get(key)
    return kept instanceof Promise ? kept.then((later) => this.#valueNow(key, later)) : this.#valueNow(key, kept)
  }

  /** Fresh values in the order of the keys (see `keysOf`); each look-up is counted as a hit or miss. */
  async getMany(keys: readonly string[]): Promise<(StoredValue | undefined)[]> {
    const all = await this.peekMany(keys)
    for (const stored of all) this.#count(stored)
    return all
  }

  /** The same, but not counted. */
  async peekMany(keys: readonly string[]): Promise<(StoredValue | undefined)[]> {
    const all = await this.#store.getMany(keys)
    const now = this.#clock.now()
    const found = all.map((kept) => this.ifFresh(kept, now))
    if (!this.#isTiered) return found
    const late = [...found.keys()].filter((at) => found[at] === undefined && known(all[at]) !== undefined)
    const lookAgain = async (at: number) => {
      found[at] = this.ifFresh(await this.anew(keys[at] ?? '', all[at]), this.#clock.now())
    }
    await Promise.all(late.map(lookAgain))
    return found
  }

  /** The time at which to judge what a synchronous store returned. */
  now(kept: Kept): number {
    const stored = known(kept)
    return this.#time.now(stored?.kind === 'value' ? stored.bornAt : 0)
  }

  /** What a store returned, if it is a fresh value. */
  ifFresh(kept: Kept, now: number): StoredValue | undefined {
    const stored = known(kept)
    if (stored?.kind !== 'value' || now >= stored.freshUntil) return undefined
    return this.#log.verdict(stored) === 'valid' ? stored : undefined
  }

  /** Looks in further tiers if the copy at hand is not usable: another process may have stored a newer one there. */
  anew(key: string, kept: Kept): Awaitable<Kept> {
    const past = this.#isTiered ? known(kept) : undefined
    if (past === undefined) return kept
    const current = this.#lookingAnew.get(key)
    if (current?.past === past) return current.result
    const result = this.#store.get(key, { past, generation: this.#log.generation })
    if (!(result instanceof Promise)) return result
    const lookUp = { past, result }
    this.#lookingAnew.set(key, lookUp)
    void result.finally(() => {
      if (this.#lookingAnew.get(key) === lookUp) this.#lookingAnew.delete(key)
    })
    return result
  }

  #valueNow(key: string, kept: Kept): Promise<unknown> {
    const hit = this.ifFresh(kept, this.now(kept))
    if (hit === undefined && this.#isTiered && known(kept) !== undefined) return this.#valueAnew(key, kept)
    this.#count(hit)
    return hit === undefined ? NOTHING : promiseOf(hit)
  }

  async #valueAnew(key: string, kept: Kept): Promise<unknown> {
    const hit = this.ifFresh(await this.anew(key, kept), this.#clock.now())
    this.#count(hit)
    return hit?.value
  }

  #count(hit: StoredValue | undefined): void {
    if (hit === undefined) this.#counts.countValueAnswer('miss')
    else this.#counts.countValueHit()
  }
}

/** The value's promise is kept: making one would check whether the value is thenable, which takes longer than a hit. */
export const promiseOf = (stored: StoredValue): Promise<unknown> => (stored.promise ??= Promise.resolve(stored.value))

const NOTHING = Promise.resolve(undefined)
