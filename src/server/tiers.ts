/** Opens what a configuration asks for: stores, the invalidation log, and the leases by which one fetches for all. */
import type { Chaos } from '../chaos/create-chaos.ts'
import type { Config } from '../config.ts'
import { copiesUnderway } from '../config/memory-shares.ts'
import type { Events } from '../events.ts'
import type { Clock, FetchLeases, InvalidationLog, Pressure, Sharing, Store } from '../model.ts'
import { diskLog } from '../stores/disk/log.ts'
import { diskStore } from '../stores/disk/store.ts'
import { localLog } from '../stores/memory/log.ts'
import { redisLeases } from '../stores/redis/leases.ts'
import { redisLog } from '../stores/redis/log.ts'
import { redisStore } from '../stores/redis/store.ts'
import { soleLeases } from '../stores/sole-leases.ts'
import { createTiered } from '../stores/tiered.ts'

export interface Tiers {
  readonly store: Store
  readonly log: InvalidationLog
  readonly sharing: Sharing | undefined
  /** What works worse than configured, in a few words each. */
  degraded(): readonly string[]
}

export interface TierParts {
  readonly clock: Clock
  readonly events: Events
  readonly chaos: Chaos
  /** The store in this process's memory. */
  readonly memory: Store
  /** Whether memory is short. */
  readonly pressure: Pressure
  /** What a worker gets from its primary; each part is used if neither disk nor Redis provides it. */
  readonly primary?: PrimaryParts | undefined
}

export interface PrimaryParts {
  readonly leases: FetchLeases
  /** Its name among the nodes of a log in Redis. */
  readonly node: string
  /** Undefined if disk or Redis is shared. */
  readonly memory:
    | { readonly store: (pressure: Pressure | undefined) => Store; readonly log: InvalidationLog }
    | undefined
}

/** Opens disk and Redis if they are configured, behind memory, without waiting for Redis to be reached. */
export function openTiers(config: Pick<Config, 'store' | 'lease' | 'limits'>, parts: TierParts): Tiers {
  const { store: tiers } = config
  const { clock, chaos, memory } = parts
  const store = createTiered(
    [chaos.store('memory', memory), ...primaryTier(parts), ...diskTier(config, parts), ...redisTier(tiers, parts)],
    clock,
  )
  const { log, degradedReasons } = openLog(config, parts, parts.primary?.memory?.log)
  return {
    store,
    log,
    sharing: sharingOf(tiers, parts),
    degraded: () => [
      ...store.usage().flatMap(({ tier, degraded }) => (degraded === true ? [tier] : [])),
      ...(log.synced ? [] : ['log']),
      ...degradedReasons(),
    ],
  }
}

type Stores = Config['store']

const primaryTier = ({ primary, pressure }: TierParts): Store[] =>
  primary?.memory === undefined ? [] : [primary.memory.store(pressure)]

function diskTier({ store: { disk }, limits }: Pick<Config, 'store' | 'limits'>, parts: TierParts): Store[] {
  const { chaos, pressure, clock, events } = parts
  if (disk === undefined) return []
  const maxWaitingBytes = copiesUnderway(limits).toDisk
  return [chaos.store('disk', diskStore({ ...disk, maxWaitingBytes, pressure, events, clock }))]
}

function redisTier({ redis }: Stores, { chaos, pressure, clock, events }: TierParts): Store[] {
  if (redis === undefined) return []
  const { secret: hmacKey, ...where } = redis
  return [chaos.store('redis', redisStore({ ...where, hmacKey, pressure, events, clock }))]
}

interface OpenLog {
  readonly log: InvalidationLog
  /** What works worse than it should, one sentence per problem. */
  readonly degradedReasons: () => readonly string[]
  /** Reports that a process that shared the log under that name has ended. */
  readonly hasEnded: (node: string) => void
}

/** The log in Redis if there is one, for all nodes; else on disk, for all processes that share it; else `own`. */
export function openLog(
  { store: { disk, redis }, lease }: Pick<Config, 'store' | 'lease'>,
  { chaos, clock, events, primary }: Omit<TierParts, 'memory' | 'pressure'>,
  own: InvalidationLog | undefined,
): OpenLog {
  if (redis !== undefined) {
    const { url, prefix } = redis
    const log = redisLog({ url, prefix, lease, clock, events, node: primary?.node })
    return { log: chaos.log(log), degradedReasons: () => log.degraded(), hasEnded: (node) => log.hasEnded(node) }
  }
  const log = disk === undefined ? (own ?? localLog()) : diskLog({ path: disk.path, clock, events })
  return { log, degradedReasons: () => [], hasEnded: () => {} }
}

function sharingOf({ memory, disk, redis }: Stores, { chaos, clock, primary }: TierParts): Sharing | undefined {
  if (redis !== undefined) {
    const { url, prefix, deadline, maxObjectBytes } = redis
    return { leases: chaos.leases(redisLeases({ url, prefix, deadline, clock })), maxObjectBytes }
  }
  if (disk !== undefined) return { leases: primary?.leases ?? soleLeases, maxObjectBytes: Number.POSITIVE_INFINITY }
  return primary && { leases: primary.leases, maxObjectBytes: memory.maxObjectBytes }
}
