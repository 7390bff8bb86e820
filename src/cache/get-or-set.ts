/** The library door: values under keys, on the same engine as HTTP. */
import type { Awaitable, Clock, InvalidationLog, Kept, Store, StoredValue, Write } from '../model.ts'
import { duration } from '../units.ts'
import type { Engine } from './engine.ts'
import { known } from './lookup.ts'
import type { Counts } from './statistics.ts'
import {
  type Loader,
  type LoaderContext,
  type ValueParts,
  ValueQuestion,
  type ValueRules,
  type ValueMaking,
  valueEntry,
} from './value-question.ts'

/** A duration: milliseconds, or text such as `5m`. */
export type Duration = number | string

export interface ValueOptions {
  /** How long the value is fresh. Absent: until it is evicted, deleted or purged. */
  readonly ttl?: Duration
  /** How long past that it may still be used when loading fails, or takes longer than `softTimeout`. Absent: not at all. */
  readonly grace?: Duration
  /** Within grace, how long to wait for a load before the stale value is returned; `0` returns it at once. */
  readonly softTimeout?: Duration
  /** Share of `ttl` (0 to 1) after which a hit loads anew in the background. */
  readonly refreshAhead?: number
  readonly tags?: readonly string[]
}

export interface GetOrSetOptions extends ValueOptions {
  /** Load even though a fresh value is there. */
  readonly forceFresh?: boolean
}

/** What a loader is told, and what it may say beside the value. */
export interface LoadControls<T> {
  /** The value that is about to be replaced, if there is one. */
  readonly stale: T | undefined
  /** Lifetime or tags that turned out only while loading; they replace those of the call. */
  setOptions(options: ValueOptions): void
  /** The value is for this caller alone: it is returned, not stored and not shared. */
  skip(): void
}

export type Load<T> = (controls: LoadControls<T>) => Promise<T> | T

export interface Values {
  /**
   * The value at `key`, loaded by `load` when it is not there or no longer fresh. One load per key runs at a time,
   * however many callers wait for it. Rejects with what `load` threw, unless a value within grace can stand in.
   * Values are kept by reference: treat them as immutable.
   */
  getOrSet<T>(key: string, load: Load<T>, options?: GetOrSetOptions): Promise<T>
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
  const valueParts: ValueParts = { clock, sizeOf: parts.sizeOf }
  const defaultRules = rulesOf(defaults, UNLIMITED)

  return {
    getOrSet<T>(key: string, load: Load<T>, options?: GetOrSetOptions): Promise<T> {
      const at = store.get(key)
      const now = clock.now()
      const hit = at instanceof Promise || options?.forceFresh === true ? undefined : freshValue(at, now)
      if (hit === undefined || now >= hit.refreshAt) return resolve(key, load, options)
      counts.requests.hit++
      return Promise.resolve(hit.value as T)
    },

    get<T>(key: string): Promise<T | undefined> {
      const there = peek(key)
      const value = there instanceof Promise ? there.then(valueOf) : Promise.resolve(there?.value)
      return value as Promise<T | undefined>
    },

    async set(key, value, options) {
      const { stored, keepForMs } = written(key, value, options)
      const done = store.set(key, stored, keepForMs)
      if (done instanceof Promise) await done
    },

    async delete(key) {
      const held = (await peek(key)) !== undefined
      await remove([key])
      return held
    },

    async has(key) {
      return (await peek(key)) !== undefined
    },

    async getMany<T>(keys: readonly string[]): Promise<(T | undefined)[]> {
      const entries = await peekMany(keys)
      return entries.map(valueOf) as (T | undefined)[]
    },

    async setMany(entries) {
      await store.setMany(entries.map((entry) => written(entry.key, entry.value, entry)))
    },

    async deleteMany(keys) {
      const held = await peekMany(keys)
      await remove(keys)
      return held.filter((entry) => entry !== undefined).length
    },
  }

  async function resolve<T>(key: string, load: Load<T>, options: GetOrSetOptions = {}): Promise<T> {
    const rules = rulesOf(options, defaultRules)
    const timed: Loader<T> = async (context) => {
      const startedAt = clock.now()
      const value = await load(controls(context))
      counts.sampleOrigin('library', clock.now() - startedAt)
      return value
    }
    const question = new ValueQuestion<T>(key, timed, rules, options.forceFresh ?? false, valueParts)
    const resolution = await engine.resolve(question)
    counts.requests[resolution.outcome.result]++
    switch (resolution.kind) {
      case 'entry':
        return resolution.entry.value as T
      case 'direct':
        return resolution.reply
      case 'error':
        throw resolution.error.cause ?? resolution.error
    }
  }

  function peek(key: string): Awaitable<StoredValue | undefined> {
    const stored = store.get(key)
    return stored instanceof Promise
      ? stored.then((there) => counted(freshValue(there, clock.now())))
      : counted(freshValue(stored, clock.now()))
  }

  function peekMany(keys: readonly string[]): Awaitable<(StoredValue | undefined)[]> {
    const judged = (all: readonly Kept[]): (StoredValue | undefined)[] => {
      const now = clock.now()
      return all.map((kept) => counted(freshValue(kept, now)))
    }
    const stored = store.getMany(keys)
    return stored instanceof Promise ? stored.then(judged) : judged(stored)
  }

  function counted(entry: StoredValue | undefined): StoredValue | undefined {
    counts.requests[entry === undefined ? 'miss' : 'hit']++
    return entry
  }

  function freshValue(kept: Kept, now: number): StoredValue | undefined {
    const stored = known(kept)
    if (stored?.kind !== 'value' || now >= stored.freshUntil) return undefined
    return log.verdict(stored) === 'valid' ? stored : undefined
  }

  /** What is to be put into the store. A fetch in progress may not replace it. */
  function written(key: string, value: unknown, options: ValueOptions = {}): Write {
    const { generation, position } = log
    const now = clock.now()
    const making: ValueMaking = {
      url: key,
      generation,
      position,
      checked: position,
      startedAt: now,
      bornAt: now,
      costMs: undefined,
    }
    const stored = valueEntry(value, rulesOf(options, defaultRules), making, parts.sizeOf)
    engine.supersede(key)
    return { key, stored, keepForMs: stored.keepUntil - now }
  }

  /** Through the log, so that a load in progress cannot bring the value back. */
  async function remove(keys: readonly string[]): Promise<void> {
    await log.append('purge', { urls: keys })
    await store.deleteMany(keys)
  }
}

function controls<T>(context: LoaderContext<T>): LoadControls<T> {
  return {
    stale: context.stale,
    setOptions: (options) => context.set(partialRulesOf(options)),
    skip: () => context.skip(),
  }
}

const valueOf = (entry: StoredValue | undefined): unknown => entry?.value

const UNLIMITED: ValueRules = {
  ttl: Number.POSITIVE_INFINITY,
  grace: 0,
  softTimeout: undefined,
  refreshAhead: undefined,
  tags: [],
}

function rulesOf({ ttl, grace, softTimeout, refreshAhead, tags }: ValueOptions, otherwise: ValueRules): ValueRules {
  return {
    ttl: ttl === undefined ? otherwise.ttl : duration(ttl),
    grace: grace === undefined ? otherwise.grace : duration(grace),
    softTimeout: softTimeout === undefined ? otherwise.softTimeout : duration(softTimeout),
    refreshAhead: refreshAhead ?? otherwise.refreshAhead,
    tags: tags ?? otherwise.tags,
  }
}

function partialRulesOf({ ttl, grace, softTimeout, refreshAhead, tags }: ValueOptions): Partial<ValueRules> {
  return {
    ...(ttl !== undefined && { ttl: duration(ttl) }),
    ...(grace !== undefined && { grace: duration(grace) }),
    ...(softTimeout !== undefined && { softTimeout: duration(softTimeout) }),
    ...(refreshAhead !== undefined && { refreshAhead }),
    ...(tags !== undefined && { tags }),
  }
}
