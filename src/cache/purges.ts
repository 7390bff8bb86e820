/** Purge and invalidate calls: each appends a record to the log; a purge of everything also empties the stores. */
import type { InvalidationMode, Receipt, Route, Selectors, Store } from '../model.ts'
import { append, type PurgingParts } from './purging.ts'
import { selectorsOf, type Targets } from './targets.ts'

export interface PurgesParts extends PurgingParts {
  readonly store: Store
  readonly routes: readonly Route[]
}

/** Default for `by`: the embedding program. */
const BY_PROGRAM = 'library'

export class Purges {
  readonly #parts: PurgesParts

  constructor(parts: PurgesParts) {
    this.#parts = parts
  }

  /** Not `async`: another promise would take longer than most of the work here. */
  append(mode: InvalidationMode, targets: Targets): Promise<Receipt> {
    try {
      return this.#appendSelected(mode, selectorsOf(targets, this.#parts.routes), targets.by)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Purges values whose keys begin with `name/`, and the key `name`. */
  async purgeBelow(name: string): Promise<void> {
    await this.#appendSelected('purge', { prefixes: [name] })
  }

  /** Resolves once the stores have been emptied, as far as they could be. */
  async clear(): Promise<void> {
    await this.#appendSelected('purge', { all: true })
  }

  #appendSelected(mode: InvalidationMode, selectors: Selectors, by?: string): Promise<Receipt> {
    const appended = append({ mode, selectors, by: by ?? BY_PROGRAM }, this.#parts)
    if (mode !== 'purge' || selectors.all !== true) return appended
    // An operator (`by`) need not wait until the stores are empty.
    return appended.then(async (receipt) => {
      const emptied = this.#empty()
      if (by === undefined) await emptied
      return receipt
    })
  }

  /** The purged entries are dead already. Embedders await this, as it would remove what they store after the purge. */
  async #empty(): Promise<void> {
    try {
      await this.#parts.store.clear()
    } catch {
      // The dead entries take room until it is needed.
    }
  }
}
