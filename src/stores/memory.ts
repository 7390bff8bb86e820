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

  return {
    get: report(
      (key: string) => lru.get(key),
      (found) => (found === undefined ? MISS : HIT),
    ),

    set: report(
      (key: string, stored: Stored) => {
        const bytes = bytesOf(key, stored)
        if (bytes <= maxBytes) {
          lru.set(key, stored, { size: bytes })
        } else {
          lru.delete(key) // what stood there is older than what was refused
          events?.emit('eviction', { tier: 'memory', reason: 'rejected' })
        }
      },
      () => SET,
    ),

    delete: report(
      (key: string) => void lru.delete(key),
      () => DELETED,
    ),

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

/** Makes an operation tell what it did, and now and then how long it took. Without listeners it is left as it is. */
function createReport(events: Events | undefined, clock: Clock | undefined) {
  let turn = 0
  return <Args extends unknown[], Result>(
    operation: (...args: Args) => Result,
    eventOf: (result: Result) => StoreEvent,
  ): ((...args: Args) => Result) => {
    if (events === undefined) return operation
    return (...args) => {
      turn = (turn + 1) % TIMED_ONE_IN
      const startedAt = turn === 0 ? clock?.now() : undefined
      const result = operation(...args)
      const event = eventOf(result)
      events.emit('store', startedAt === undefined || !clock ? event : { ...event, ms: clock.now() - startedAt })
      return result
    }
  }
}
