import type { Events } from '../../events.ts'
import type { Clock } from '../../model.ts'
import type { RedisLogCalls } from './log-calls.ts'
import type { NewestRecord } from './newest-record.ts'

export interface UpkeepParts {
  readonly calls: Pick<RedisLogCalls, 'trim' | 'isEvictable'>
  readonly newest: NewestRecord
  readonly clock: Clock
  readonly events: Events | undefined
  /** Age in ms from which records are dropped. */
  readonly keepFor: number
}

const TRIM_EVERY_MS = 60 * 60_000
const EVICTABLE = 'invalidation log: Redis may evict it (maxmemory-policy allkeys-*); use noeviction or volatile-*'

/** Keeps the log in Redis from growing, and sees whether Redis keeps it. */
export class Upkeep {
  readonly #parts: UpkeepParts
  #trimAt: number
  #evictable = false

  constructor(parts: UpkeepParts) {
    this.#parts = parts
    this.#trimAt = parts.clock.now()
  }

  get degraded(): readonly string[] {
    return this.#evictable ? [EVICTABLE] : []
  }

  async trim(): Promise<void> {
    const { calls, newest, clock, keepFor } = this.#parts
    const now = clock.now()
    if (now < this.#trimAt) return
    this.#trimAt = now + TRIM_EVERY_MS
    const dropped = await calls.trim(newest.known, keepFor, TRIM_EVERY_MS).catch(() => 0)
    if (dropped > 0) this.#trimAt = now // there may be more
  }

  async inspect(): Promise<void> {
    const { calls, events } = this.#parts
    const evictable = await calls.isEvictable()
    if (evictable && !this.#evictable) events?.emit('log', { what: 'evictable', detail: EVICTABLE })
    this.#evictable = evictable
  }
}
