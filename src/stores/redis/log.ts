import { systemClock } from '../../clock.ts'
import { DEFAULT_LEASE } from '../../config/defaults.ts'
import type { Events } from '../../events.ts'
import type { Clock } from '../../model.ts'
import { checkNames, type Names } from '../../given.ts'
import { count, duration } from '../../units.ts'
import { MAX_TARGETS } from '../log/marks.ts'
import { connectorOf, type RedisConnections } from './connection.ts'
import { prefixOf } from './prefix.ts'
import { type RedisLog, SharedLog } from './shared-log.ts'

export type { RedisLog }

export interface RedisLogOptions extends RedisConnections {
  /** Begins every key. Without braces. */
  readonly prefix?: string | undefined
  /** For how long a node that no longer hears the log trusts its copies. */
  readonly lease?: number | string | undefined
  /** This process among those who share the log: one that starts again under its old name takes its own place. */
  readonly node?: string | undefined
  /** How long `append` waits for the other nodes, beginning with the call. */
  readonly purgeTimeout?: number | string | undefined
  /** How long `append` tries to log the record. */
  readonly appendTimeout?: number | string | undefined
  /** Age that no copy reaches: older records are dropped. */
  readonly keepFor?: number | string | undefined
  /** Distinct targets remembered, in Redis and here; beyond it the oldest raises the floor. */
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
 * Two connections: one reads what is appended as it comes, the other writes, and asks once per third of a lease how
 * long the log is. A node without Redis goes on: its copies count as stale when their fetch began a lease ago.
 * @throws RangeError when an option is none; TypeError for one of another name
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
