import { systemClock } from '../../clock.ts'
import { DEFAULT_LEASE } from '../../config/defaults.ts'
import type { Events } from '../../events.ts'
import type { Clock } from '../../model.ts'
import { checkNames, type Names } from '../../given.ts'
import { count, duration } from '../../units.ts'
import { MAX_TARGETS } from '../log/marks.ts'
import { connectorOf, type RedisConnections } from './connection.ts'
import { prefixOf } from './prefix.ts'
import { type RedisLog, SharedLog } from './log/shared-log.ts'

export type { RedisLog }

export interface RedisLogOptions extends RedisConnections {
  /** What every key begins with, `herdgate` by default: 1 to 64 letters, digits, `.`, `_`, `:` or `-`. */
  readonly prefix?: string | undefined
  /** How long a node that cannot read the log trusts its copies, in ms or as text; `5s` by default, at least 10 ms. */
  readonly lease?: number | string | undefined
  /**
   * Name of this process among the nodes, random by default: one that restarts under its old name takes its old place.
   */
  readonly node?: string | undefined
  /** How long `append` waits for the other nodes, counted from the call, in ms or as text; `3s` by default. */
  readonly purgeTimeout?: number | string | undefined
  /** How long `append` tries to log the record before it rejects, in ms or as text; `1s` by default. */
  readonly appendTimeout?: number | string | undefined
  /** An age that no copy reaches, in ms or as text; `8d` by default. Older records are dropped. */
  readonly keepFor?: number | string | undefined
  /**
   * Distinct tags, URLs and prefixes remembered, in Redis and in this process, 100,000 by default. Beyond that the
   * oldest are forgotten, and entries older than their records count as named by them.
   */
  readonly maxTargets?: number | undefined
  readonly clock?: Clock | undefined
  readonly events?: Events | undefined
}

const OPTIONS: Names<RedisLogOptions> = {
  url: true,
  connect: true,
  prefix: true,
  lease: true,
  node: true,
  purgeTimeout: true,
  appendTimeout: true,
  keepFor: true,
  maxTargets: true,
  clock: true,
  events: true,
}

/**
 * The invalidation log of a fleet, in Redis 7 or newer (docs/guarantees.md, "Guarantees").
 *
 * Two connections: one reads records as they are appended, the other writes, and asks three times per lease how long
 * the log is. Without Redis a node goes on: copies whose fetch began more than a lease ago count as stale.
 * @throws RangeError when an option is not valid, or neither `url` nor `connect` is given; TypeError for an unknown
 * option
 */
export function redisLog(options: RedisLogOptions): RedisLog {
  checkNames(options, OPTIONS, 'redisLog')
  const { maxTargets = MAX_TARGETS } = options
  const connect = connectorOf(options)
  const lease = duration(options.lease ?? DEFAULT_LEASE)
  if (lease < 10) throw new RangeError('expected a lease of at least 10ms')
  return new SharedLog({
    connect,
    prefix: prefixOf(options),
    lease,
    node: options.node ?? crypto.randomUUID(),
    purgeTimeout: duration(options.purgeTimeout ?? '3s'),
    appendTimeout: duration(options.appendTimeout ?? '1s'),
    keepFor: duration(options.keepFor ?? '8d'),
    maxTargets: count('maxTargets', maxTargets),
    clock: options.clock ?? systemClock,
    events: options.events,
  })
}
