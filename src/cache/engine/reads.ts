import type { Awaitable, Kept, Store } from '../../model.ts'

/** The part of a store that look-ups use. */
export type Reads = Pick<Store, 'get'>

/**
 * Remembers what a store returned in this turn of the event loop. If a request looked up by the hit lane is no hit, the
 * usual path continues with the same results, so that the store is read once and counts one look-up.
 */
export class RememberedReads implements Reads {
  readonly #store: Reads
  /** The first key read: most questions read only one. */
  #key: string | undefined
  #kept: Awaitable<Kept>
  #others: Map<string, Awaitable<Kept>> | undefined

  constructor(store: Reads) {
    this.#store = store
  }

  get(key: string): Awaitable<Kept> {
    if (this.#key === key) return this.#kept
    if (this.#key === undefined) {
      this.#key = key
      this.#kept = this.#store.get(key)
      return this.#kept
    }
    if (this.#others?.has(key)) return this.#others.get(key)
    const kept = this.#store.get(key)
    this.#others = (this.#others ?? new Map()).set(key, kept)
    return kept
  }
}
