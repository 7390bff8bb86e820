/** The library door: values under keys, on the same engine as HTTP. */
import type { Clock, InvalidationLog, Store } from '../../model.ts'
import type { Engine } from '../engine/engine.ts'
import type { Counts } from '../statistics.ts'
import { FreshValues } from './fresh-values.ts'
import { keysOf } from './key.ts'
import { type GetOrSetOptions, Loading } from './loading.ts'
import { rulesOf, UNLIMITED, type ValueOptions, type ValueToSet } from './options.ts'
import type { Load } from './question.ts'
import { Writing } from './writing.ts'

/** Values under keys. */
export interface Values {
  /**
   * The value under `key`, loaded by `load` if it is missing or no longer fresh. One load per key runs at a time, for
   * all callers that wait for it. Unless a value within grace can stand in, rejects with what `load` threw, or with a
   * HerdgateError `overloaded` if `limits.maxWaiting` callers wait already or memory is short.
   * Values are kept by reference: treat them as immutable.
   */
  getOrSet<T, Stale = T>(key: string, load: Load<T, Stale>, options?: GetOrSetOptions): Promise<T>
  /** The fresh value under `key`, or undefined. */
  get<T>(key: string): Promise<T | undefined>
  /**
   * Stores a value; a load in progress in this process does not replace it. Rejects with a TypeError or RangeError for
   * an invalid key or option.
   */
  set(key: string, value: unknown, options?: ValueOptions): Promise<void>
  /**
   * Removes a value; a load in progress does not bring it back. Rejects if that could not be logged.
   * @returns whether there was a fresh value
   */
  delete(key: string): Promise<boolean>
  /** Whether there is a fresh value under `key`. */
  has(key: string): Promise<boolean>
  /** Fresh values, or undefined, in the order of the keys. */
  getMany<T>(keys: readonly string[]): Promise<(T | undefined)[]>
  /** Stores all values, or none if an entry is invalid. */
  setMany(entries: readonly ValueToSet[]): Promise<void>
  /**
   * Removes several values. Rejects if that could not be logged.
   * @returns how many of the keys held a fresh value
   */
  deleteMany(keys: readonly string[]): Promise<number>
}

export interface ValuesParts {
  readonly engine: Engine
  readonly store: Store
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly counts: Counts
  readonly sizeOf: (value: unknown) => number
  readonly defaults: ValueOptions
}

export function createValues({ defaults, ...parts }: ValuesParts): Values {
  const withRules = { ...parts, defaultRules: rulesOf(defaults, UNLIMITED) }
  const fresh = new FreshValues(parts)
  const loading = new Loading({ ...withRules, fresh })
  const writing = new Writing(withRules)

  return {
    getOrSet: (key, load, options) => loading.getOrSet(key, load, options),
    get: <T>(key: string) => fresh.get(key) as Promise<T | undefined>,
    set: (key, value, options) => writing.set(key, value, options),
    setMany: (entries) => writing.setMany(entries),

    async has(key) {
      const [found] = await fresh.getMany(keysOf([key]))
      return found !== undefined
    },

    async getMany<T>(keys: readonly string[]) {
      const all = await fresh.getMany(keysOf(keys))
      return all.map((found) => found?.value as T | undefined)
    },

    async delete(key) {
      const keys = keysOf([key])
      const [found] = await fresh.peekMany(keys)
      await writing.remove(keys)
      return found !== undefined
    },

    async deleteMany(given) {
      const keys = keysOf(given)
      const found = await fresh.peekMany(keys)
      await writing.remove(keys)
      return found.filter((stored) => stored !== undefined).length
    },
  }
}
