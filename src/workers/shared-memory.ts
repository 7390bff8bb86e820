import { LRUCache } from 'lru-cache'
import type { Events } from '../events.ts'
import type { TierUsage } from '../model.ts'

/** Map, list and buffer behind each copy, in bytes. */
const RECORD = 400

/** Copies of all workers, as octets in their primary: what one of them fetched the others need not fetch. */
export class SharedMemory {
  readonly #maxBytes: number
  readonly #lru: LRUCache<string, Uint8Array>

  constructor({ maxBytes, events }: { readonly maxBytes: number; readonly events: Events }) {
    this.#maxBytes = maxBytes
    this.#lru = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (octets, key) => octets.length + key.length + RECORD,
      dispose: (_octets, _key, reason) => {
        if (reason === 'evict') events.emit('eviction', { tier: 'memory', reason: 'size' })
      },
    })
  }

  get(key: string): Uint8Array | undefined {
    return this.#lru.get(key)
  }

  /**
   * Keeps a copy of its own: what comes in messages is part of something larger.
   * @returns whether there is room for it
   */
  put(key: string, octets: Uint8Array): boolean {
    this.#lru.set(key, new Uint8Array(octets))
    return this.#lru.has(key)
  }

  forget(keys: readonly string[]): void {
    for (const key of keys) this.#lru.delete(key)
  }

  clear(): void {
    this.#lru.clear()
  }

  usage(): TierUsage {
    const { calculatedSize: bytes, size: objects } = this.#lru
    return { tier: 'memory', bytes, maxBytes: this.#maxBytes, objects }
  }
}
