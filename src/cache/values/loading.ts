import { shown } from '../../given.ts'
import { type Awaitable, type Kept, known, type Store, type StoredValue } from '../../model.ts'
import type { Engine } from '../engine/engine.ts'
import type { Resolution } from '../engine/resolution.ts'
import type { Counts } from '../statistics.ts'
import { type FreshValues, promiseOf } from './fresh-values.ts'
import { invalidKey } from './key.ts'
import { rulesOf, type ValueOptions, type ValueRules } from './options.ts'
import { type AnyLoad, type CallOptions, standsInUntil, type ValueParts, ValueQuestion } from './question.ts'

export interface GetOrSetOptions extends ValueOptions {
  /** Load even if there is a fresh value. A load already in progress is joined. */
  readonly forceFresh?: boolean | undefined
}

export interface LoadingParts extends ValueParts {
  readonly engine: Engine
  readonly store: Store
  readonly fresh: FreshValues
  readonly defaultRules: ValueRules
}

/** `getOrSet`: returns the fresh value, or loads it. */
export class Loading {
  readonly #engine: Engine
  readonly #store: Store
  readonly #fresh: FreshValues
  readonly #counts: Counts
  readonly #parts: ValueParts
  readonly #defaultRules: ValueRules

  constructor({ engine, store, fresh, clock, counts, sizeOf, defaultRules }: LoadingParts) {
    this.#engine = engine
    this.#store = store
    this.#fresh = fresh
    this.#counts = counts
    this.#parts = { clock, counts, sizeOf }
    this.#defaultRules = defaultRules
  }

  getOrSet<T>(key: string, load: AnyLoad<T>, options?: GetOrSetOptions): Promise<T> {
    if (typeof key !== 'string') return Promise.reject(invalidKey(key))
    const kept = this.#store.get(key)
    if (kept instanceof Promise || mayForce(options)) return this.#resolve(key, kept, load, options)
    if (kept === undefined) return this.#shared(key, load, options) ?? this.#resolve(key, kept, load, options)
    const now = this.#fresh.now(kept)
    const hit = this.#fresh.ifFresh(kept, now)
    if (hit === undefined) return this.#resolve(key, kept, load, options, now)
    if (now >= hit.refreshAt) return this.#resolve(key, kept, load, options)
    this.#counts.countValueHit()
    return promiseOf(hit) as Promise<T>
  }

  /** Joins another caller's load in progress; undefined if there is none to wait for. */
  #shared<T>(key: string, load: AnyLoad<T>, options: GetOrSetOptions | undefined): Promise<T> | undefined {
    return this.#engine.share(key, 'library', (entry) => {
      if (entry?.kind !== 'value') return this.#resolve(key, this.#store.get(key), load, options)
      this.#counts.countCollapsedValue()
      return entry.value as T
    })
  }

  /**
   * Not an `async` function: a stale value at hand is returned in the promise that is kept with it.
   * @param kept what the store returned for the key
   * @param staleAt when that was found not to be fresh; undefined if it was not judged
   */
  #resolve<T>(
    key: string,
    kept: Awaitable<Kept>,
    load: AnyLoad<T>,
    options: GetOrSetOptions | undefined,
    staleAt?: number,
  ): Promise<T> {
    try {
      if (typeof load !== 'function') throw new TypeError(`expected a function that loads, got ${shown(load)}`)
      const call = this.#optionsOf(options)
      const latest = staleAt === undefined ? kept : this.#latest(key, kept, call, staleAt)
      const answer = this.#engine.resolveWith(new ValueQuestion<T>(key, load, call, this.#parts), latest)
      if (answer instanceof Promise) return answer.then((late) => this.#valueOf(late))
      const value = this.#valueOf(answer)
      return answer.kind === 'entry' ? (promiseOf(answer.entry) as Promise<T>) : Promise.resolve(value)
    } catch (thrown) {
      return Promise.reject(thrown)
    }
  }

  /** What is stored, from a further tier too unless nobody waits for that. */
  #latest(key: string, kept: Awaitable<Kept>, call: CallOptions, now: number): Awaitable<Kept> {
    return kept instanceof Promise || this.#waitsForNothing(key, kept, call, now) ? kept : this.#fresh.anew(key, kept)
  }

  /** Whether a load is in progress, or the stale value may be returned immediately. */
  #waitsForNothing(key: string, kept: Kept, { rules, grace }: CallOptions, now: number): boolean {
    if (this.#engine.isFetching(key)) return true
    const stored = known(kept)
    return stored?.kind === 'value' && rules.softTimeout === 0 && now < standsInUntil(stored, grace)
  }

  /** Counts the answer. @throws what the load threw */
  #valueOf<T>(resolution: Resolution<StoredValue, T>): T {
    this.#counts.countValueAnswer(resolution.outcome.result)
    switch (resolution.kind) {
      case 'entry':
        return resolution.entry.value as T
      case 'direct':
        return resolution.reply
      case 'error':
        throw resolution.thrown
    }
  }

  #optionsOf(options: GetOrSetOptions | undefined): CallOptions {
    const rules = rulesOf(options, this.#defaultRules)
    const grace = options?.grace === undefined ? undefined : rules.grace
    return { rules, grace, force: isForced(options) }
  }
}

/** What is neither true nor false is refused, rather than ignored where there is a fresh value. */
function mayForce(options: GetOrSetOptions | undefined): boolean {
  const given: unknown = options?.forceFresh
  return given !== undefined && given !== false
}

/** @throws TypeError if it is neither true nor false */
function isForced({ forceFresh = false }: GetOrSetOptions = {}): boolean {
  if (typeof forceFresh === 'boolean') return forceFresh
  throw new TypeError(`expected true or false as forceFresh, got ${shown(forceFresh)}`)
}
