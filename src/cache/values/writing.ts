import type { Clock, InvalidationLog, Store, StoredValue, Write } from '../../model.ts'
import { isList, shown } from '../../given.ts'
import type { Engine } from '../engine/engine.ts'
import { invalidKey } from './key.ts'
import { rulesOf, rulesOfEntry, type ValueOptions, type ValueRules, type ValueToSet } from './options.ts'
import { sizeIn, type ValueParts } from './question.ts'
import { ValueEntry } from './value-entry.ts'

export interface WritingParts extends Pick<ValueParts, 'sizeOf'> {
  readonly engine: Engine
  readonly store: Store
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly defaultRules: ValueRules
}

/** Stores and removes values. A load in progress in this process undoes neither. */
export class Writing {
  readonly #parts: WritingParts

  constructor(parts: WritingParts) {
    this.#parts = parts
  }

  set(key: string, value: unknown, options: ValueOptions | undefined): Promise<void> {
    const { engine, store, clock, defaultRules } = this.#parts
    try {
      const now = clock.now()
      const stored = this.#newEntry(key, value, rulesOf(options, defaultRules), now)
      engine.supersede(key)
      const done = store.set(key, stored, stored.keepUntil - now)
      return done instanceof Promise ? done.then(() => {}) : DONE
    } catch (thrown) {
      return Promise.reject(thrown)
    }
  }

  /** Stores all entries, or none if one is invalid. */
  async setMany(entries: readonly ValueToSet[]): Promise<void> {
    const { engine, store, clock, defaultRules } = this.#parts
    if (!isList(entries)) throw new TypeError(`expected a list of entries, got ${shown(entries)}`)
    const now = clock.now()
    const writes = entries.map((entry): Write => {
      const rules = rulesOfEntry(entry, defaultRules)
      const stored = this.#newEntry(entry.key, entry.value, rules, now)
      return { key: entry.key, stored, keepForMs: stored.keepUntil - now }
    })
    for (const { key } of writes) engine.supersede(key)
    await store.setMany(writes)
  }

  /** Through the log, so that a load in progress cannot bring the value back. */
  async remove(keys: readonly string[]): Promise<void> {
    const { log, store } = this.#parts
    if (keys.length === 0) return
    try {
      await log.append('purge', { urls: keys })
    } finally {
      await store.deleteMany(keys)
    }
  }

  #newEntry(key: string, value: unknown, rules: ValueRules, now: number): StoredValue {
    if (typeof key !== 'string') throw invalidKey(key)
    const { log } = this.#parts
    // Not `beginningAt`: the call would not be inlined, and `set` would take 5% longer.
    const beginning = { generation: log.generation, position: log.position, startedAt: now }
    return new ValueEntry(key, value, sizeIn(this.#parts, value), rules, beginning)
  }
}

/** For synchronous stores. */
const DONE = Promise.resolve()
