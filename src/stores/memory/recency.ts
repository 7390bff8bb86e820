/** What is kept in the order of its last use carries its own place in it: moving it there looks nothing up. */
export interface Used<T> {
  /** Not to be changed while it is in an order. */
  bytes: number
  earlier: T | undefined
  later: T | undefined
}

/** Things in the order of their last use, and what they weigh together. A thing is in one order at a time. */
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

  /** The one whose last use is longest ago; from there `later` leads to the others. */
  get oldest(): T | undefined {
    return this.#oldest
  }

  /** Puts a thing in that was in none, as the one that was used last. */
  add(thing: T): void {
    this.#size++
    this.#bytes += thing.bytes
    this.#append(thing)
  }

  /** Takes a thing out that is in it. */
  remove(thing: T): void {
    this.#size--
    this.#bytes -= thing.bytes
    this.#unlink(thing)
  }

  /** A thing that is in it was used. */
  use(thing: T): void {
    if (thing === this.#latest) return
    this.#unlink(thing)
    this.#append(thing)
  }

  /** Takes the oldest out. */
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
