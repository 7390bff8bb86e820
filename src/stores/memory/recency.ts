/** An item in an order of use carries its own links: moving it needs no look-up. */
export interface Used<T> {
  /** Must not change while the item is in an order. */
  bytes: number
  earlier: T | undefined
  later: T | undefined
}

/** Items in the order of their last use, and their bytes in all. An item is in one order at a time. */
export class Recency<T extends Used<T>> {
  #oldest: T | undefined
  #latest: T | undefined
  #size = 0
  #bytes = 0

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The least recently used item; from there `later` leads to the others. */
  get oldest(): T | undefined {
    return this.#oldest
  }

  /** Adds an item that is in no order, as the most recently used. */
  add(thing: T): void {
    this.#size++
    this.#bytes += thing.bytes
    this.#append(thing)
  }

  /** Removes an item of this order. */
  remove(thing: T): void {
    this.#size--
    this.#bytes -= thing.bytes
    this.#unlink(thing)
  }

  /** Makes an item of this order the most recently used. */
  use(thing: T): void {
    if (thing === this.#latest) return
    this.#unlink(thing)
    this.#append(thing)
  }

  /** Removes the least recently used item, and returns it. */
  takeOldest(): T | undefined {
    const oldest = this.#oldest
    if (oldest !== undefined) this.remove(oldest)
    return oldest
  }

  clear(): void {
    this.#oldest = this.#latest = undefined
    this.#size = this.#bytes = 0
  }

  #append(thing: T): void {
    const before = this.#latest
    thing.earlier = before
    thing.later = undefined
    if (before === undefined) this.#oldest = thing
    else before.later = thing
    this.#latest = thing
  }

  #unlink(thing: T): void {
    const { earlier, later } = thing
    if (earlier === undefined) this.#oldest = later
    else earlier.later = later
    if (later === undefined) this.#latest = earlier
    else later.earlier = earlier
  }
}
