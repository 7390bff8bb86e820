/**
 * The calls that purge and invalidate: each is a record in the log, and where it names everything, memory is given
 * back.
 */
import type { InvalidationMode, Receipt, Route, Selectors, Store } from '../model.ts'
import { append, type PurgingParts } from './purging.ts'
import { selectorsOf, type Targets } from './targets.ts'

export interface PurgesParts extends PurgingParts {
  readonly store: Store
  readonly routes: readonly Route[]
}

/** Who purges, where a program that embeds the cache does not say. */
const BY_PROGRAM = 'library'

export class Purges {
  readonly #parts: PurgesParts

  constructor(parts: PurgesParts) {
    this.#parts = parts
  }

  /** No `async` function around another: a promise takes longer than most of what it is about. */
  append(mode: InvalidationMode, targets: Targets): Promise<Receipt> {
    try {
      return this.#appendSelected(mode, selectorsOf(targets, this.#parts.routes), targets.by)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Values whose keys begin with `name/`, and that of the key `name`. */
  async purgeBelow(name: string): Promise<void> {
    await this.#appendSelected('purge', { prefixes: [name] })
  }

  /** Settles when what the stores held is given back. */
  async clear(): Promise<void> {
    await append({ mode: 'purge', selectors: { all: true }, by: BY_PROGRAM }, this.#parts)
    await this.#parts.store.clear()
  }

  #appendSelected(mode: InvalidationMode, selectors: Selectors, by?: string): Promise<Receipt> {
    const appended = append({ mode, selectors, by: by ?? BY_PROGRAM }, this.#parts)
    if (mode !== 'purge' || selectors.all !== true) return appended
    // Who operates the cache (`by`) does not wait until its memory is given back.
    return appended.then(async (receipt) => {
      const emptied = this.#empty()
      if (by === undefined) await emptied
      return receipt
    })
  }

  /** What is in the store is dead already. Who has awaited the purge may put things there, which are to stay. */
  async #empty(): Promise<void> {
    try {
      await this.#parts.store.clear()
    } catch {
      // It costs room, until that is needed for something else.
    }
  }
}
