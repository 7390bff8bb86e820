import { LRUCache } from 'lru-cache'
import type { MemoryEvictionReason } from './admitting-lru.ts'

export interface PlainLruOptions {
  readonly maxBytes: number
  /** Called when an entry leaves or is not admitted; with `count`, for that many at once. */
  readonly onEviction: (why: MemoryEvictionReason, count?: number) => void
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
  readonly #onEviction: PlainLruOptions['onEviction']

  constructor({ maxBytes, onEviction }: PlainLruOptions) {
    this.#maxBytes = maxBytes
    this.#onEviction = onEviction
    this.#empty = () =>
      new LRUCache({
        maxSize: maxBytes,
        dispose(_stored, _key, reason) {
          const why = EVICTION_REASONS[reason]
          if (why !== undefined) onEviction(why)
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
      this.#onEviction('rejected')
    }
  }

  delete(key: string): void {
    this.#lru.delete(key)
  }

  clear(): void {
    const { size } = this
    this.#lru = this.#empty() // its own clear() disposes of the entries one by one
    if (size > 0) this.#onEviction('purged', size)
  }

  #makeRoom(): void {
    while (this.#lru.calculatedSize > this.#maxBytes) this.#lru.pop()
  }
}
