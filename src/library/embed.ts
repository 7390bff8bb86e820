/** The cache for embedding: every part has a default that suits one process. */
import { type Cache, type CacheLimits, type CacheOptions, createCache as assemble } from '../cache/create-cache.ts'
import { DEFAULT_LIMITS, DEFAULT_MEMORY_BYTES } from '../config/defaults.ts'
import { Events } from '../events.ts'
import type { InvalidationLog, Sharing, Store, Tier } from '../model.ts'
import { checkOptions } from './given-options.ts'
import { checkRequest } from './given-request.ts'
import { localLog } from '../stores/memory/log.ts'
import { memoryStore } from '../stores/memory/store.ts'
import { soleLeases } from '../stores/sole-leases.ts'
import { estimateBytes } from '../stores/value-size.ts'

export type { Cache }

type Optional<T> = { readonly [Name in keyof T]?: T[Name] | undefined }

/** Limits for all callers together. By default 10,000 may wait at once, and 256 MiB of content be in progress. */
export type EmbedLimits = Optional<CacheLimits>

/** Options of `createCache`. By default values are kept in 256 MiB of this process's memory. */
export interface EmbedOptions extends Optional<Omit<CacheOptions, 'limits'>> {
  readonly limits?: EmbedLimits | undefined
}

/**
 * A cache for values (`getOrSet`) and, if `routes` are given, for HTTP (`handle`).
 * @throws TypeError or RangeError naming an option that is unknown or of the wrong kind
 */
export function createCache(options: EmbedOptions = {}): Cache {
  checkOptions(options)
  const events = options.events ?? new Events()
  const store = options.store ?? memoryStore({ maxBytes: DEFAULT_MEMORY_BYTES, events })
  const cache = assemble({
    ...options,
    events,
    store,
    log: options.log ?? logOfThisProcess(store),
    sharing: options.sharing ?? sharingWithoutLeases(options, store),
    sizeOf: options.sizeOf ?? estimateBytes,
    limits: withDefaults(options.limits),
  })
  return {
    ...cache,
    handle(request) {
      checkRequest(request)
      return cache.handle(request)
    },
    async explain(request) {
      checkRequest(request)
      return cache.explain(request)
    },
  }
}

const withDefaults = ({ maxWaiting, maxBodiesInProgress }: EmbedLimits = {}): CacheLimits => ({
  maxWaiting: maxWaiting ?? DEFAULT_LIMITS.maxWaiting,
  maxBodiesInProgress: maxBodiesInProgress ?? DEFAULT_LIMITS.maxBodiesInProgress,
})

/**
 * For HTTP over several tiers: before the origin is asked, a farther tier is, for what another process has put there
 * since the response in memory was purged. Values are looked for there anyway.
 */
function sharingWithoutLeases({ routes }: EmbedOptions, store: Store): Sharing | undefined {
  const isNeeded = routes !== undefined && store.usage().length > 1
  return isNeeded ? { leases: soleLeases, maxObjectBytes: Number.POSITIVE_INFINITY } : undefined
}

/**
 * A store that other processes can share is accepted without a log, as it may serve only to hold more than memory does.
 * But a caller who left the log out most likely meant to share, and would not notice that nothing is: hence a warning.
 */
function logOfThisProcess(store: Store): InvalidationLog {
  const tiers = new Set(store.usage().map(({ tier }) => tier))
  const shared = SHARED_LOGS.find(({ tier }) => tiers.has(tier))
  if (shared !== undefined)
    process.emitWarning(withoutLog(shared), { type: 'HerdgateWarning', code: 'HERDGATE_NO_LOG' })
  return localLog()
}

interface SharedLog {
  readonly tier: Tier
  /** How to give it as an option. */
  readonly given: string
}

/** The widest first: the log in Redis also serves the disks of all processes that use it. */
const SHARED_LOGS: readonly SharedLog[] = [
  { tier: 'redis', given: 'redisLog({ url })' },
  { tier: 'disk', given: 'diskLog({ path })' },
]

const withoutLog = ({ tier, given }: SharedLog): string =>
  `createCache() got a store with ${tier} and no log: what other processes put there, or this one before it was ` +
  `restarted, is never used. Give it log: ${given}, or log: localLog() where nothing is to be shared.`
