/**
 * Collections for what is in progress: many members come and go, and few are there at once.
 *
 * When a Map or Set grows, shrinks or has too many gaps, V8 gives it a new table. The former table keeps its members
 * and refers to the next one, for the sake of iterators; and minor collections treat whatever an old table refers to as
 * live. So from the first table that has become old, every later one and all their former members stay in memory until
 * the next major collection (docs/decisions/heap/tables-keep-former-members.md). Here the tables hold places, which are
 * emptied when their members leave.
 */

interface Place<V> {
  member: V | undefined
}

/** A map whose former values can be collected. Its keys should be small: the tables do keep those. */
export class CollectableMap<K extends string | number, V extends object> {
  readonly #places = new Map<K, Place<V>>()

  get size(): number {
    return this.#places.size
  }

  get(key: K): V | undefined {
    return this.#places.get(key)?.member
  }

  set(key: K, member: V): void {
    const place = this.#places.get(key)
    if (place === undefined) this.#places.set(key, { member })
    else place.member = member
  }

  /** @returns whether it was there */
  delete(key: K): boolean {
    const place = this.#places.get(key)
    if (place === undefined) return false
    place.member = undefined
    return this.#places.delete(key)
  }

  clear(): void {
    for (const key of this.#places.keys()) this.delete(key)
  }

  keys(): Iterable<K> {
    return this.#places.keys()
  }

  /** In the order in which they were added; those that are added meanwhile come as well. */
  *values(): IterableIterator<V> {
    for (const { member } of this.#places.values()) if (member !== undefined) yield member
  }
}

/** A set whose former members can be collected. */
export class CollectableSet<T extends object> implements Iterable<T> {
  readonly #members = new CollectableMap<number, T>()
  #added = 0

  get size(): number {
    return this.#members.size
  }

  /** @returns a function that removes it, and says whether it was still there */
  add(member: T): () => boolean {
    const key = this.#added++
    this.#members.set(key, member)
    return () => this.#members.delete(key)
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#members.values()
  }
}
