/** Builds a member as `herdgate serve --redis` does. */
import { memoryStore } from '../../src/stores/memory/store.ts'
import { redisLeases } from '../../src/stores/redis/leases.ts'
import { type RedisLog, redisLog, type RedisLogOptions } from '../../src/stores/redis/log.ts'
import { redisStore } from '../../src/stores/redis/store.ts'
import { createTiered } from '../../src/stores/tiered.ts'
import type { Store } from '../../src/model.ts'
import type { Parts, Place } from './in-process.ts'

const MAX_OBJECT_BYTES = 2 ** 20

/** For mutants: replacements of parts. */
export interface Changes {
  readonly logOptions?: Partial<RedisLogOptions>
  log?(log: RedisLog, place: Place): RedisLog
  shared?(store: Store, log: RedisLog, place: Place): Store
}

export function build(place: Place, changes: Changes = {}): Parts {
  const { url, prefix, leaseMs, clock, events } = place
  const real = redisLog({
    url,
    prefix,
    lease: leaseMs,
    appendTimeout: leaseMs / 2, // so short that no later purge hides a missing one
    purgeTimeout: 6 * leaseMs,
    clock,
    events,
    ...changes.logOptions,
  })
  const log = changes.log?.(real, place) ?? real
  const redis = redisStore({ url, prefix, maxObjectBytes: MAX_OBJECT_BYTES, clock, events })
  const shared = changes.shared?.(redis, log, place) ?? redis
  return {
    store: createTiered([memoryStore({ maxBytes: '8MiB', events }), shared], clock),
    log,
    sharing: { leases: redisLeases({ url, prefix, clock }), maxObjectBytes: MAX_OBJECT_BYTES },
  }
}
