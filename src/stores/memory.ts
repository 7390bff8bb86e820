import { LRUCache } from 'lru-cache'
import type { Events, StoreEvent } from '../events.ts'
import type { Clock, Store, Stored, TierUsage } from '../model.ts'
import { size } from '../units.ts'
import { bytesOf } from './size.ts'

export interface MemoryStoreOptions {
  /** Everything counted: keys, fields, tags, bodies and the bookkeeping around them. */
  readonly maxBytes: number | string
  readonly events?: Events | undefined
  /** To time operations with, for the `store` event. */
  readonly clock?: Clock | undefined
}

/** One operation in so many is timed: reading the clock takes longer than a look-up. */
const TIMED_ONE_IN = 64

/** Stored things in this process's memory, least recently used out first, bounded in bytes. */
export function memoryStore({ maxBytes: limit, events, clock }: MemoryStoreOptions): Store {
  const maxBytes = size(limit)
  const report = createReport(events, clock)
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

  const get = (key: string): Stored | undefined => {
    const startedAt = report.start()
    const found = lru.get(key)
    report.end(found === undefined ? MISS : HIT, startedAt)
    return found
  }

  const set = (key: string, stored: Stored): void => {
    const startedAt = report.start()
    const bytes = Math.ceil(bytesOf(key, stored))
    if (bytes <= maxBytes) {
      lru.set(key, stored, { size: bytes })
    } else {
      lru.delete(key) // what stood there is older than what was refused
      events?.emit('eviction', { tier: 'memory', reason: 'rejected' })
    }
    report.end(SET, startedAt)
  }

  const remove = (key: string): void => {
    const startedAt = report.start()
    lru.delete(key)
    report.end(DELETED, startedAt)
  }

  return {
    get,
    getMany: (keys) => keys.map(get),
    set,
    setMany(writes) {
      for (const { key, stored } of writes) set(key, stored)
    },
    delete: remove,
    deleteMany(keys) {
      for (const key of keys) remove(key)
    },

    clear: () => lru.clear(),
    close: () => lru.clear(),

    usage(): readonly TierUsage[] {
      return [{ tier: 'memory', bytes: lru.calculatedSize, maxBytes, objects: lru.size }]
    },
  }
}

const HIT: StoreEvent = { tier: 'memory', op: 'get', outcome: 'hit' }
const MISS: StoreEvent = { tier: 'memory', op: 'get', outcome: 'miss' }
const SET: StoreEvent = { tier: 'memory', op: 'set', outcome: 'ok' }
const DELETED: StoreEvent = { tier: 'memory', op: 'delete', outcome: 'ok' }

/** Tells of every operation, and of one in many how long it took. */
function createReport(events: Events | undefined, clock: Clock | undefined) {
  let turn = 0
  return {
    /** When the operation began, if it is one of those that are timed. */
    start(): number | undefined {
      turn = (turn + 1) % TIMED_ONE_IN
      return turn === 0 ? clock?.now() : undefined
    },
    end(event: StoreEvent, startedAt: number | undefined): void {
      const timed = startedAt !== undefined && clock !== undefined
      events?.emit('store', timed ? { ...event, ms: clock.now() - startedAt } : event)
    },
  }
}
