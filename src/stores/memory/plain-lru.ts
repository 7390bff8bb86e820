import { LRUCache } from 'lru-cache'
import type { MemoryEvictionReason, OnEviction } from './admitting-lru.ts'

export interface PlainLruOptions<T> {
  readonly maxBytes: number
  readonly onEviction: OnEviction<T>
}

const EVICTION_REASONS: Readonly<Partial<Record<LRUCache.DisposeReason, MemoryEvictionReason>>> = {
  evict: 'size',
  set: 'replaced',
  delete: 'purged',
}

/** Admits every entry that fits the limit, and evicts the least recently used to make room. */
export class PlainLru<T extends object> {
  readonly #empty: () => LRUCache<string, T>
  #lru: LRUCache<string, T>
  #maxBytes: number
  readonly #onEviction: OnEviction<T>

  constructor({ maxBytes, onEviction }: PlainLruOptions<T>) {
    this.#maxBytes = maxBytes
    this.#onEviction = onEviction
    this.#empty = () =>
      new LRUCache({
        maxSize: maxBytes,
        dispose(stored, _key, reason) {
          const why = EVICTION_REASONS[reason]
          if (why !== undefined) onEviction(why, stored)
        },
      })
    this.#lru = this.#empty()
  }

  get size(): number {
    return this.#lru.size
  }

  get bytes(): number {
    return this.#lru.calculatedSize
  }

  /** Holds no more than that from now on; never more than the size it was created with. */
  limit(maxBytes: number): void {
    this.#maxBytes = maxBytes
    this.#makeRoom()
  }

  get(key: string): T | undefined {
    return this.#lru.get(key)
  }

  peek(key: string): T | undefined {
    return this.#lru.peek(key)
  }

  set(key: string, stored: T, bytes: number): void {
    if (bytes <= this.#maxBytes) {
      this.#lru.set(key, stored, { size: bytes })
      this.#makeRoom()
    } else {
      this.#lru.delete(key) // what was there is older than what was rejected
      this.#onEviction('rejected', stored)
    }
  }

  delete(key: string): void {
    this.#lru.delete(key)
  }

  clear(): void {
    const { size } = this
    this.#lru = this.#empty() // its own clear() disposes of the entries one by one
    if (size > 0) this.#onEviction('purged', undefined, size)
  }

  #makeRoom(): void {
    while (this.#lru.calculatedSize > this.#maxBytes) this.#lru.pop()
  }
}
