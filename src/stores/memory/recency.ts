/** An item in an order of use carries its own links: moving it needs no look-up. */
export interface Linked<T> {
  /** Must not change while the item is in an order. */
  bytes: number
  earlier: T | undefined
  later: T | undefined
}

/** Items in the order of their last use, and their bytes in all. An item is in one order at a time. */
export class Recency<T extends Linked<T>> {
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
  add(item: T): void {
    this.#size++
    this.#bytes += item.bytes
    this.#append(item)
  }

  /** Removes an item of this order. */
  remove(item: T): void {
    this.#size--
    this.#bytes -= item.bytes
    this.#unlink(item)
  }

  /** Makes an item of this order the most recently used. */
  use(item: T): void {
    if (item === this.#latest) return
    this.#unlink(item)
    this.#append(item)
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

  #append(item: T): void {
    const before = this.#latest
    item.earlier = before
    item.later = undefined
    if (before === undefined) this.#oldest = item
    else before.later = item
    this.#latest = item
  }

  #unlink(item: T): void {
    const { earlier, later } = item
    if (earlier === undefined) this.#oldest = later
    else earlier.later = later
    if (later === undefined) this.#latest = earlier
    else later.earlier = earlier
  }
}
