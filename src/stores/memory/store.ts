import { randomInt } from 'node:crypto'
import { CountedContent, MAX_SMALL_BYTES } from '../../body.ts'
import type { EventPayloads, Events, StoreEvent } from '../../events.ts'
import { checkNames, type Names, shown } from '../../given.ts'
import type { Yielding } from '../../heap/memory-pressure.ts'
import type { Clock, Store, Stored, TierUsage } from '../../model.ts'
import { size } from '../../units.ts'
import { AdmittingLru, type MemoryEvictionReason, type OnEviction } from './admitting-lru.ts'
import { PlainLru } from './plain-lru.ts'
import { bytesOf } from './size.ts'
import { type Limited, YieldingLimit } from './yielding-limit.ts'

export interface MemoryStoreOptions {
  /** Memory limit, in bytes or as text (`256MiB`): for keys, fields, tags, bodies and the bookkeeping around them. */
  readonly maxBytes: number | string
  /**
   * `on`, the default: when the store is full, a newcomer has to save more origin time per byte than what it would push
   * out. `off`: every entry is admitted, and the least recently used is evicted.
   */
  readonly admission?: 'on' | 'off' | undefined
  /** Seed of the hash by which requests are counted, a whole number; random by default. */
  readonly seed?: number | undefined
  readonly events?: Events | undefined
  /** Times operations for the `store` event; without it, they are not timed. */
  readonly clock?: Clock | undefined
}

const OPTIONS: Names<MemoryStoreOptions> = { maxBytes: true, admission: true, seed: true, events: true, clock: true }

/** Where entries are kept, within a limit. */
interface Index extends Limited {
  readonly size: number
  get(key: string): Stored | undefined
  /** The same, without counting as a use. */
  peek(key: string): Stored | undefined
  /** What was at the key is removed, even if the new entry is not admitted. */
  set(key: string, stored: Stored, bytes: number): void
  delete(key: string): void
  clear(): void
}

/** A memory store that can give up memory when the process runs short of it. */
export type MemoryStore = Store & Yielding

/** One operation in this many is timed: reading the clock takes longer than a look-up. */
const TIMED_ONE_IN = 64

/**
 * A store in this process's memory, bounded in bytes. When it is full, the entries that save least are evicted or not
 * admitted; with `admission: 'off'`, the least recently used are evicted.
 * @throws RangeError when `maxBytes` is not a size, or `admission` is neither `'on'` nor `'off'`; TypeError for an
 * unknown option
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
  const counted = new CountedContent()
  const onEviction: OnEviction = (reason, stored, count) => {
    const content = stored && largeContentOf(stored)
    if (content !== undefined) counted.delete(content)
    evicted?.(count === undefined ? EVICTED[reason] : { ...EVICTED[reason], count })
  }
  const index: Index =
    admission === 'on' ? new AdmittingLru({ maxBytes, seed, onEviction }) : new PlainLru({ maxBytes, onEviction })
  const yielding = new YieldingLimit(maxBytes, index)

  const get = (key: string): Stored | undefined => {
    const startedAt = report.start()
    const found = index.get(key)
    report.end(found === undefined ? MISS : HIT, startedAt)
    return found
  }

  const set = (key: string, stored: Stored): void => {
    const startedAt = report.start()
    index.set(key, stored, Math.ceil(bytesOf(key, stored)))
    const content = largeContentOf(stored)
    if (content !== undefined && index.peek(key) === stored) counted.add(content)
    report.end(SET, startedAt)
  }

  const remove = (key: string): void => {
    const startedAt = report.start()
    index.delete(key)
    report.end(DELETED, startedAt)
  }

  const clear = (): void => {
    index.clear()
    counted.clear()
  }

  return {
    get,
    getMany: (keys) => keys.map(get),
    peek: (key) => ({ kept: index.peek(key), tier: 'memory' }),
    set,
    setMany(writes) {
      for (const { key, stored } of writes) set(key, stored)
    },
    delete: remove,
    deleteMany(keys) {
      for (const key of keys) remove(key)
    },

    clear,
    close: clear,

    giveWay: () => yielding.giveWay(),
    regain: () => yielding.regain(),

    usage(): readonly TierUsage[] {
      return [{ tier: 'memory', bytes: index.bytes, maxBytes: yielding.maxBytes, objects: index.size }]
    },
  }
}

/** Content in large memory, all of which stays for as long as any of it is used. */
function largeContentOf(stored: Stored): Buffer | undefined {
  const content = stored.kind === 'response' ? stored.body.bytes : undefined
  return content !== undefined && content.buffer.byteLength > MAX_SMALL_BYTES ? content : undefined
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

/** Emits an event for every operation; for one in many it says how long that took. */
class Report {
  readonly #emit: ((done: StoreEvent) => void) | undefined
  readonly #clock: Clock | undefined
  #turn = 0

  constructor(events: Events | undefined, clock: Clock | undefined) {
    this.#emit = events?.emitter('store')
    this.#clock = clock
  }

  /** When the operation began; undefined when it is not timed. */
  start(): number | undefined {
    if (this.#clock === undefined) return undefined
    this.#turn = (this.#turn + 1) % TIMED_ONE_IN
    return this.#turn === 0 ? this.#clock.now() : undefined
  }

  end(event: StoreEvent, startedAt: number | undefined): void {
    if (this.#emit === undefined) return
    const timed = startedAt !== undefined && this.#clock !== undefined
    this.#emit(timed ? { ...event, ms: this.#clock.now() - startedAt } : event)
  }
}
