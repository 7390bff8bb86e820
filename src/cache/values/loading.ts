import { shown } from '../../given.ts'
import type { Awaitable, Kept, Store } from '../../model.ts'
import type { Engine } from '../engine/engine.ts'
import { known } from '../engine/lookup.ts'
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
    if (kept instanceof Promise || options?.forceFresh === true) return this.#resolve(key, kept, load, options)
    if (kept === undefined) return this.#shared(key, load, options) ?? this.#resolve(key, kept, load, options)
    const now = this.#fresh.now(kept)
    const hit = this.#fresh.ifFresh(kept, now)
    if (hit === undefined) return this.#resolveAnew(key, kept, load, options, now)
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

  /** For when the value at hand is not fresh. */
  async #resolveAnew<T>(
    key: string,
    kept: Kept,
    load: AnyLoad<T>,
    options: GetOrSetOptions | undefined,
    now: number,
  ): Promise<T> {
    const latest = this.#waitsForNothing(key, kept, options, now) ? kept : this.#fresh.anew(key, kept)
    return this.#resolve(key, latest, load, options)
  }

  /** Whether a load is in progress, or the stale value may be returned immediately. */
  #waitsForNothing(key: string, kept: Kept, options: GetOrSetOptions | undefined, now: number): boolean {
    if (this.#engine.isFetching(key)) return true
    const stored = known(kept)
    if (stored?.kind !== 'value') return false
    const { rules, grace } = this.#optionsOf(options)
    return rules.softTimeout === 0 && now < standsInUntil(stored, rules, grace)
  }

  /** @param kept what the store returned for the key */
  async #resolve<T>(
    key: string,
    kept: Awaitable<Kept>,
    load: AnyLoad<T>,
    options: GetOrSetOptions | undefined,
  ): Promise<T> {
    if (typeof load !== 'function') throw new TypeError(`expected a function that loads, got ${shown(load)}`)
    const question = new ValueQuestion<T>(key, load, this.#optionsOf(options), this.#parts)
    const answer = this.#engine.resolveWith(question, kept)
    const resolution = answer instanceof Promise ? await answer : answer
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
    return { rules, grace, force: options?.forceFresh ?? false }
  }
}
