import { LRUCache } from 'lru-cache'
import type { Events } from '../events.ts'
import type { Store, Stored, TierUsage } from '../model.ts'
import { size } from '../units.ts'
import { bytesOf } from './size.ts'

export interface MemoryStoreOptions {
  /** Everything counted: keys, fields, tags, bodies and the bookkeeping around them. */
  readonly maxBytes: number | string
  readonly events?: Events | undefined
}

/** Stored things in this process's memory, least recently used out first, bounded in bytes. */
export function memoryStore({ maxBytes: limit, events }: MemoryStoreOptions): Store {
  const maxBytes = size(limit)
  const lru = new LRUCache<string, Stored>({
    maxSize: maxBytes,
    ...(events && {
      dispose: (_stored, _key, reason) => {
        if (reason === 'evict') events.emit('eviction', { tier: 'memory', reason: 'size' })
        else if (reason === 'set') events.emit('eviction', { tier: 'memory', reason: 'replaced' })
        else if (reason === 'delete') events.emit('eviction', { tier: 'memory', reason: 'purged' })
      },
    }),
  })

  return {
    get: (key) => lru.get(key),

    set(key, stored) {
      const bytes = bytesOf(key, stored)
      if (bytes <= maxBytes) {
        lru.set(key, stored, { size: bytes })
      } else {
        lru.delete(key) // what stood there is older than what was refused
        events?.emit('eviction', { tier: 'memory', reason: 'rejected' })
      }
    },

    delete: (key) => void lru.delete(key),
    clear: () => lru.clear(),
    close: () => lru.clear(),

    usage(): readonly TierUsage[] {
      return [{ tier: 'memory', bytes: lru.calculatedSize, maxBytes, objects: lru.size }]
    },
  }
}
