import type { Events } from '../../../events.ts'
import type { Clock } from '../../../model.ts'
import type { RedisLogCalls } from './log-calls.ts'
import type { NewestRecord } from './newest-record.ts'

export interface UpkeepParts {
  readonly calls: Pick<RedisLogCalls, 'trim' | 'isEvictable'>
  readonly newest: Pick<NewestRecord, 'known'>
  readonly clock: Clock
  readonly events: Events | undefined
  /** Age in ms from which records are dropped. */
  readonly keepFor: number
}

const TRIM_EVERY_MS = 60 * 60_000
const INSPECT_EVERY_MS = 60_000
const EVICTABLE = 'invalidation log: Redis may evict it (maxmemory-policy allkeys-*); use noeviction or volatile-*'

/** Keeps the log in Redis from growing, and checks whether Redis may evict it. */
export class Upkeep {
  readonly #parts: UpkeepParts
  #trimAt: number
  #inspectAt = -Infinity
  #evictable = false

  constructor(parts: UpkeepParts) {
    this.#parts = parts
    this.#trimAt = parts.clock.now()
  }

  get degraded(): readonly string[] {
    return this.#evictable ? [EVICTABLE] : []
  }

  /** Does what is due. */
  runDue(): void {
    void this.#trim()
    if (this.#parts.clock.now() >= this.#inspectAt) void this.inspect()
  }

  async #trim(): Promise<void> {
    const { calls, newest, clock, keepFor } = this.#parts
    const now = clock.now()
    if (now < this.#trimAt) return
    this.#trimAt = now + TRIM_EVERY_MS
    const dropped = await calls.trim(newest.known, keepFor, TRIM_EVERY_MS).catch(() => 0)
    if (dropped > 0) this.#trimAt = now // there may be more
  }

  /** Looks at the eviction policy and the replicas, which may have changed. */
  async inspect(): Promise<void> {
    const { calls, clock, events } = this.#parts
    this.#inspectAt = clock.now() + INSPECT_EVERY_MS
    const evictable = (await calls.isEvictable()) ?? this.#evictable
    if (evictable && !this.#evictable) events?.emit('log', { what: 'evictable', detail: EVICTABLE })
    this.#evictable = evictable
  }
}
