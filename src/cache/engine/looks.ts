import type { Awaitable, Kept, Store } from '../../model.ts'

/** Of a store, what a question is looked up in. */
export type Reads = Pick<Store, 'get'>

/**
 * Remembers what a store has said in this turn of the event loop. The hit lane looks a request up; where that is no
 * hit, the usual way goes on with the same answers. So the store is asked once, and counts one look-up.
 */
export class Looks implements Reads {
  readonly #store: Reads
  /** Most questions are about one key. */
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
