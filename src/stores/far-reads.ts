import { CollectableMap } from '../collectable.ts'
import type { Awaitable, Kept } from '../model.ts'

/** A read of the far store in progress. */
export interface FarRead {
  result: Promise<Kept> | undefined
  /** Something was written meanwhile, or found by a later read: this result must not be copied over it. */
  overtaken: boolean
}

/** Tracks the reads and writes of the far store that are in progress. */
export class FarReads {
  readonly #byKey = new CollectableMap<string, FarRead[]>()
  /** The number of writes in progress, by key. */
  readonly #writes = new Map<string, number>()
  /** The number of writes in progress that affect every key. */
  #writesOfAll = 0

  /** The result of a read in progress that later callers may share. */
  inProgress(key: string): Promise<Kept> | undefined {
    return this.#byKey.get(key)?.find(({ overtaken, result }) => !overtaken && result !== undefined)?.result
  }

  begin(key: string): FarRead {
    const read: FarRead = { result: undefined, overtaken: false }
    const reads = this.#byKey.get(key)
    if (reads === undefined) this.#byKey.set(key, [read])
    else reads.push(read)
    return read
  }

  /**
   * @param found whether there was something
   * @returns whether nothing was written meanwhile, nor found by a read that began later
   */
  end(key: string, read: FarRead, found: boolean): boolean {
    const reads = this.#byKey.get(key) ?? []
    const isLatest = !read.overtaken && !this.isWritten(key)
    if (isLatest && found) for (const earlier of reads.slice(0, reads.indexOf(read))) earlier.overtaken = true
    const rest = reads.filter((other) => other !== read)
    if (rest.length === 0) this.#byKey.delete(key)
    else this.#byKey.set(key, rest)
    return isLatest
  }

  /** Whether the key is being written: a read may find what was there before. */
  isWritten(key: string): boolean {
    return this.#writesOfAll > 0 || (this.#writes.size > 0 && this.#writes.has(key))
  }

  /** Runs a write, which overtakes the reads in progress and those that begin before it has ended. */
  during<T>(keys: readonly string[] | 'all', write: () => Awaitable<T>): Awaitable<T> {
    this.#overtake(keys)
    const written = write()
    if (!(written instanceof Promise)) return written
    this.#count(keys, 1)
    const end = () => {
      this.#count(keys, -1)
      this.#overtake(keys)
    }
    written.then(end, end)
    return written
  }

  #overtake(keys: readonly string[] | 'all'): void {
    for (const key of keys === 'all' ? this.#byKey.keys() : keys) {
      for (const read of this.#byKey.get(key) ?? []) read.overtaken = true
    }
  }

  #count(keys: readonly string[] | 'all', by: 1 | -1): void {
    if (keys === 'all') this.#writesOfAll += by
    for (const key of keys === 'all' ? [] : keys) {
      const count = (this.#writes.get(key) ?? 0) + by
      if (count > 0) this.#writes.set(key, count)
      else this.#writes.delete(key)
    }
  }
}
