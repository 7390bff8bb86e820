/** The cache as an embedder makes it: every part has a default fit for one process. */
import { type Cache, type CacheOptions, createCache as assemble } from '../cache/create-cache.ts'
import { DEFAULT_MEMORY_BYTES } from '../config/defaults.ts'
import { Events } from '../events.ts'
import type { InvalidationLog, Store, Tier } from '../model.ts'
import { checkOptions } from './given-options.ts'
import { localLog } from '../stores/memory/log.ts'
import { memoryStore } from '../stores/memory/store.ts'
import { estimateBytes } from '../stores/value-size.ts'

export type { Cache }

export type EmbedOptions = { readonly [Name in keyof CacheOptions]?: CacheOptions[Name] | undefined }

/**
 * A cache for values (`getOrSet`) and, where `routes` are given, for HTTP (`handle`).
 * @throws TypeError or RangeError naming what is no option, or none of its kind
 */
export function createCache(options: EmbedOptions = {}): Cache {
  checkOptions(options)
  const events = options.events ?? new Events()
  const store = options.store ?? memoryStore({ maxBytes: DEFAULT_MEMORY_BYTES, events })
  return assemble({
    ...options,
    events,
    store,
    log: options.log ?? logOfThisProcess(store),
    sizeOf: options.sizeOf ?? estimateBytes,
  })
}

/**
 * A store that other processes can share is not refused without a log: it also serves to hold more than memory does.
 * But who left the log out most likely meant to share, and would never learn that nothing is shared.
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
  /** How it is given. */
  readonly given: string
}

/** The widest first: that of Redis is also one for the disks of all who use it. */
const SHARED_LOGS: readonly SharedLog[] = [
  { tier: 'redis', given: 'redisLog({ url })' },
  { tier: 'disk', given: 'diskLog({ path })' },
]

const withoutLog = ({ tier, given }: SharedLog): string =>
  `createCache() got a store with ${tier} and no log: what other processes put there, or this one before it was ` +
  `restarted, is never used. Give it log: ${given}, or log: localLog() where nothing is to be shared.`
