/** The library door: values under keys, on the same engine as HTTP. */
import type { Awaitable, Clock, InvalidationLog, Kept, Store, StoredValue, Write } from '../../model.ts'
import type { Engine } from '../engine/engine.ts'
import { known } from '../engine/lookup.ts'
import type { Counts } from '../statistics.ts'
import { rulesOf, UNLIMITED, type ValueOptions } from './options.ts'
import { type AnyLoad, type Load, sizeIn, type ValueParts, ValueQuestion } from './question.ts'
import { ValueEntry } from './value-entry.ts'

export interface GetOrSetOptions extends ValueOptions {
  /** Load even though a fresh value is there. A load that is in progress already will do. */
  readonly forceFresh?: boolean
}

export interface Values {
  /**
   * The value at `key`, loaded by `load` when it is not there or no longer fresh. One load per key runs at a time,
   * however many callers wait for it. Rejects with what `load` threw, unless a value within grace can stand in.
   * Values are kept by reference: treat them as immutable.
   */
  getOrSet<T, Stale = T>(key: string, load: Load<T, Stale>, options?: GetOrSetOptions): Promise<T>
  /** The fresh value at `key`. */
  get<T>(key: string): Promise<T | undefined>
  set(key: string, value: unknown, options?: ValueOptions): Promise<void>
  /** Whether there was a fresh value. A load in progress will not bring the old value back. */
  delete(key: string): Promise<boolean>
  has(key: string): Promise<boolean>
  /** In the order of the keys. */
  getMany<T>(keys: readonly string[]): Promise<(T | undefined)[]>
  setMany(entries: readonly (ValueOptions & { readonly key: string; readonly value: unknown })[]): Promise<void>
  /** How many of the keys held a fresh value. */
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

export function createValues(parts: ValuesParts): Values {
  const { engine, store, log, clock, counts, defaults } = parts
  const valueParts: ValueParts = { clock, counts, sizeOf: parts.sizeOf }
  const defaultRules = rulesOf(defaults, UNLIMITED)
  const isTiered = store.usage().length > 1
  /** Look-ups further away, by key: one at a time, whoever else asks. */
  const lookingAnew = new Map<string, Promise<Kept>>()

  return {
    getOrSet<T>(key: string, load: AnyLoad<T>, options?: GetOrSetOptions): Promise<T> {
      if (typeof key !== 'string') return Promise.reject(noKey(key))
      const kept = store.get(key)
      if (kept instanceof Promise || options?.forceFresh === true) return resolve(key, kept, load, options)
      if (kept === undefined) return shared(key, load, options) ?? resolve(key, kept, load, options)
      const now = clock.now()
      const hit = freshValue(kept, now)
      if (hit === undefined) return resolveAnew(key, kept, load, options, now)
      if (now >= hit.refreshAt) return resolve(key, kept, load, options)
      counts.hitValue()
      return promiseOf(hit) as Promise<T>
    },

    get<T>(key: string): Promise<T | undefined> {
      if (typeof key !== 'string') return Promise.reject(noKey(key))
      const kept = store.get(key)
      const value = kept instanceof Promise ? kept.then((later) => valueNow(key, later)) : valueNow(key, kept)
      return value as Promise<T | undefined>
    },

    set(key, value, options) {
      try {
        const now = clock.now()
        const stored = made(key, value, options, now)
        engine.supersede(key) // a load in progress may not replace it
        const done = store.set(key, stored, stored.keepUntil - now)
        return done instanceof Promise ? done.then(() => {}) : DONE
      } catch (thrown) {
        return Promise.reject(thrown)
      }
    },

    async delete(key) {
      const [held] = await fresh([key])
      await remove([key])
      return held !== undefined
    },

    has,

    async getMany<T>(keys: readonly string[]): Promise<(T | undefined)[]> {
      const all = await fresh(keys)
      return all.map((stored) => counted(stored)?.value as T | undefined)
    },

    async setMany(entries) {
      const now = clock.now()
      const write = (entry: (typeof entries)[number]): Write => {
        const stored = made(entry.key, entry.value, entry, now)
        return { key: entry.key, stored, keepForMs: stored.keepUntil - now }
      }
      const writes = entries.map(write) // all of them, or none
      for (const { key } of writes) engine.supersede(key)
      await store.setMany(writes)
    },

    async deleteMany(keys) {
      const held = (await fresh(keys)).filter((stored) => stored !== undefined).length
      await remove(keys)
      return held
    },
  }

  /** What another caller's load in progress will bring; undefined when there is none to wait for. */
  function shared<T>(key: string, load: AnyLoad<T>, options: GetOrSetOptions | undefined): Promise<T> | undefined {
    return engine.share(key, 'library', (entry) => {
      if (entry?.kind !== 'value') return resolve(key, store.get(key), load, options)
      counts.collapsedValue()
      return entry.value as T
    })
  }

  /** Where what is at hand will not do. */
  async function resolveAnew<T>(
    key: string,
    kept: Kept,
    load: AnyLoad<T>,
    options: GetOrSetOptions | undefined,
    now: number,
  ): Promise<T> {
    const latest = waitsForNothing(key, kept, options, now) ? kept : anew(key, kept)
    return resolve(key, latest, load, options)
  }

  /** @param kept what the store said of the key */
  async function resolve<T>(
    key: string,
    kept: Awaitable<Kept>,
    load: AnyLoad<T>,
    options: GetOrSetOptions | undefined,
  ): Promise<T> {
    const rules = rulesOf(options, defaultRules)
    const question = new ValueQuestion<T>(key, load, rules, options?.forceFresh ?? false, valueParts)
    const answer = engine.resolveWith(question, kept)
    const resolution = answer instanceof Promise ? await answer : answer
    counts.answeredValue(resolution.outcome.result)
    switch (resolution.kind) {
      case 'entry':
        return resolution.entry.value as T
      case 'direct':
        return resolution.reply
      case 'error':
        throw resolution.thrown
    }
  }

  async function has(key: string): Promise<boolean> {
    const [stored] = await fresh([key])
    return counted(stored) !== undefined
  }

  function valueNow(key: string, kept: Kept): Promise<unknown> {
    const hit = freshValue(kept, clock.now())
    if (hit === undefined && isTiered && known(kept) !== undefined) return valueAnew(key, kept)
    counted(hit)
    return hit === undefined ? NOTHING : promiseOf(hit)
  }

  async function valueAnew(key: string, kept: Kept): Promise<unknown> {
    return counted(freshValue(await anew(key, kept), clock.now()))?.value
  }

  /** In the order of the keys. */
  async function fresh(keys: readonly string[]): Promise<(StoredValue | undefined)[]> {
    for (const key of keys) if (typeof key !== 'string') throw noKey(key)
    const all = await store.getMany(keys)
    const now = clock.now()
    const found = all.map((kept) => freshValue(kept, now))
    if (!isTiered) return found
    const late = [...found.keys()].filter((at) => found[at] === undefined && known(all[at]) !== undefined)
    const lookAgain = async (at: number) => {
      found[at] = freshValue(await anew(keys[at] ?? '', all[at]), clock.now())
    }
    await Promise.all(late.map(lookAgain))
    return found
  }

  /** A load is on its way, or what is at hand is returned at once. */
  function waitsForNothing(key: string, kept: Kept, options: GetOrSetOptions | undefined, now: number): boolean {
    if (engine.isFetching(key)) return true
    const stored = known(kept)
    return stored?.kind === 'value' && now < stored.keepUntil && rulesOf(options, defaultRules).softTimeout === 0
  }

  /** What there is further away, where what is at hand will not do: another process may have put it there. */
  function anew(key: string, kept: Kept): Awaitable<Kept> {
    const past = isTiered ? known(kept) : undefined
    if (past === undefined) return kept
    const current = lookingAnew.get(key)
    if (current !== undefined) return current
    const again = store.get(key, { past, generation: log.generation })
    if (!(again instanceof Promise)) return again
    lookingAnew.set(key, again)
    void again.finally(() => lookingAnew.delete(key))
    return again
  }

  function counted(entry: StoredValue | undefined): StoredValue | undefined {
    if (entry === undefined) counts.answeredValue('miss')
    else counts.hitValue()
    return entry
  }

  function freshValue(kept: Kept, now: number): StoredValue | undefined {
    const stored = known(kept)
    if (stored?.kind !== 'value' || now >= stored.freshUntil) return undefined
    return log.verdict(stored) === 'valid' ? stored : undefined
  }

  /** What is to be put into the store. */
  function made(key: string, value: unknown, options: ValueOptions | undefined, now: number): StoredValue {
    if (typeof key !== 'string') throw noKey(key)
    // Not by `beginningAt`: the call would not be inlined, and a value take a twentieth longer to be set.
    const beginning = { generation: log.generation, position: log.position, startedAt: now }
    const stored = new ValueEntry(key, value, sizeIn(valueParts, value), rulesOf(options, defaultRules), beginning)
    return stored
  }

  /** Through the log, so that a load in progress cannot bring the value back. */
  async function remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    try {
      await log.append('purge', { urls: keys })
    } finally {
      await store.deleteMany(keys)
    }
  }
}

/** For callers in JavaScript: what is no text has no length, and the memory it takes could not be counted. */
const noKey = (key: unknown): TypeError => new TypeError(`expected a string as key, got ${typeof key}`)

/** Resolving a promise with an object looks whether that is a promise too, which takes longer than finding it. */
const promiseOf = (stored: StoredValue): Promise<unknown> => (stored.promise ??= Promise.resolve(stored.value))

/** For those who need not wait. */
const DONE = Promise.resolve()
const NOTHING = Promise.resolve(undefined)
