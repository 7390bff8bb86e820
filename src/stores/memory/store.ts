import { randomInt } from 'node:crypto'
import type { EventPayloads, Events, StoreEvent } from '../../events.ts'
import { checkNames, type Names, shown } from '../../given.ts'
import type { Yielding } from '../../heap/memory-pressure.ts'
import type { Clock, Store, Stored, TierUsage } from '../../model.ts'
import { size } from '../../units.ts'
import { AdmittingLru, type MemoryEvictionReason } from './admitting-lru.ts'
import { PlainLru } from './plain-lru.ts'
import { bytesOf } from './size.ts'
import { type Limited, YieldingLimit } from './yielding-limit.ts'

export interface MemoryStoreOptions {
  /** Everything counted: keys, fields, tags, bodies and the bookkeeping around them. */
  readonly maxBytes: number | string
  /** `off`: whatever comes gets in, and what was used least recently goes. `on` unless said. */
  readonly admission?: 'on' | 'off' | undefined
  /** Of the hash that requests are counted by, a whole number; random unless said. */
  readonly seed?: number | undefined
  readonly events?: Events | undefined
  /** To time operations with, for the `store` event. */
  readonly clock?: Clock | undefined
}

const OPTIONS: Names<MemoryStoreOptions> = { maxBytes: true, admission: true, seed: true, events: true, clock: true }

/** Where things are kept; it holds no more than its limit. */
interface Index extends Limited {
  readonly size: number
  get(key: string): Stored | undefined
  /** The same, and it counts as no use. */
  peek(key: string): Stored | undefined
  /** What stands at the key goes, even if the new one does not get in. */
  set(key: string, stored: Stored, bytes: number): void
  delete(key: string): void
  clear(): void
}

/** One that can do with less memory. */
export type MemoryStore = Store & Yielding

/** One operation in so many is timed: reading the clock takes longer than a look-up. */
const TIMED_ONE_IN = 64

/**
 * Stored things in this process's memory, bounded in bytes. When it is full, what saves least goes or does not get in;
 * with `admission: 'off'`, what was used least recently goes.
 * @throws RangeError when `maxBytes` is no size, or `admission` neither of the two; TypeError for what is no option
 */
export function memoryStore(options: MemoryStoreOptions): MemoryStore {
  checkNames(options, OPTIONS, 'memoryStore')
  const { maxBytes: limit, admission = 'on', seed = randomInt(2 ** 32), events, clock } = options
  const maxBytes = size(limit)
  if (admission !== 'on' && admission !== 'off') {
    throw new RangeError(`expected 'on' or 'off' as admission, got ${shown(admission)}`)
  }
  const report = new Report(events, clock)
  const evicted = events?.emitter('eviction')
  const departed = (reason: MemoryEvictionReason, count?: number) =>
    evicted?.(count === undefined ? EVICTED[reason] : { ...EVICTED[reason], count })
  const kept: Index =
    admission === 'on' ? new AdmittingLru({ maxBytes, seed, departed }) : new PlainLru({ maxBytes, departed })
  const yielding = new YieldingLimit(maxBytes, kept)

  const get = (key: string): Stored | undefined => {
    const startedAt = report.start()
    const found = kept.get(key)
    report.end(found === undefined ? MISS : HIT, startedAt)
    return found
  }

  const set = (key: string, stored: Stored): void => {
    const startedAt = report.start()
    kept.set(key, stored, Math.ceil(bytesOf(key, stored)))
    report.end(SET, startedAt)
  }

  const remove = (key: string): void => {
    const startedAt = report.start()
    kept.delete(key)
    report.end(DELETED, startedAt)
  }

  return {
    get,
    getMany: (keys) => keys.map(get),
    peek: (key) => ({ kept: kept.peek(key), tier: 'memory' }),
    set,
    setMany(writes) {
      for (const { key, stored } of writes) set(key, stored)
    },
    delete: remove,
    deleteMany(keys) {
      for (const key of keys) remove(key)
    },

    clear: () => kept.clear(),
    close: () => kept.clear(),

    giveWay: () => yielding.giveWay(),
    regain: () => yielding.regain(),

    usage(): readonly TierUsage[] {
      return [{ tier: 'memory', bytes: kept.bytes, maxBytes: yielding.maxBytes, objects: kept.size }]
    },
  }
}

const EVICTED = {
  size: { tier: 'memory', reason: 'size' },
  replaced: { tier: 'memory', reason: 'replaced' },
  purged: { tier: 'memory', reason: 'purged' },
  rejected: { tier: 'memory', reason: 'rejected' },
} as const satisfies Record<MemoryEvictionReason, EventPayloads['eviction']>

const HIT: StoreEvent = { tier: 'memory', op: 'get', outcome: 'hit' }
const MISS: StoreEvent = { tier: 'memory', op: 'get', outcome: 'miss' }
const SET: StoreEvent = { tier: 'memory', op: 'set', outcome: 'ok' }
const DELETED: StoreEvent = { tier: 'memory', op: 'delete', outcome: 'ok' }

/** Tells of every operation, and of one in many how long it took. */
class Report {
  readonly #tell: ((done: StoreEvent) => void) | undefined
  readonly #clock: Clock | undefined
  #turn = 0

  constructor(events: Events | undefined, clock: Clock | undefined) {
    this.#tell = events?.emitter('store')
    this.#clock = clock
  }

  /** When the operation began, if it is one of those that are timed. */
  start(): number | undefined {
    if (this.#clock === undefined) return undefined
    this.#turn = (this.#turn + 1) % TIMED_ONE_IN
    return this.#turn === 0 ? this.#clock.now() : undefined
  }

  end(event: StoreEvent, startedAt: number | undefined): void {
    if (this.#tell === undefined) return
    const timed = startedAt !== undefined && this.#clock !== undefined
    this.#tell(timed ? { ...event, ms: this.#clock.now() - startedAt } : event)
  }
}
