/** Chaos by configuration: wraps the parts a server is made of, so that they go wrong as configured. */
import type { Events } from '../events.ts'
import type { Clock, FetchLeases, InvalidationLog, Origin, Store, Tier } from '../model.ts'
import type { CodecOptions } from '../stores/codec/codec.ts'
import { type ChaosRules, createFates, type Fates } from './fate.ts'
import { faultyLeases } from './faulty-leases.ts'
import { faultyLog } from './faulty-log.ts'
import { faultyOrigin, type FaultyOriginOptions } from './faulty-origin.ts'
import { faultyStore } from './faulty-store.ts'
import { seededRandom } from './random.ts'

export interface ChaosConfig {
  /** The same seed gives the same faults for the same order of operations. */
  readonly seed: number
  readonly store: { readonly [T in Tier]?: ChaosRules | undefined }
  /** By the origin's name. */
  readonly origins: Readonly<Record<string, ChaosRules>>
}

export interface ChaosParts {
  readonly clock: Clock
  readonly events: Events
  /** For one command to Redis, in milliseconds. */
  readonly redisDeadlineMs: number
  /** With which the tiers outside this process seal what they keep. */
  readonly codec?: CodecOptions | undefined
}

/** Parts without rules are returned as they are. */
export interface Chaos {
  store(tier: Tier, store: Store): Store
  origin(origin: Origin, timeouts: Pick<FaultyOriginOptions, 'connectTimeout' | 'headersTimeout'>): Origin
  /** For a log in Redis. */
  log(log: InvalidationLog): InvalidationLog
  /** For leases in Redis. */
  leases(leases: FetchLeases): FetchLeases
}

/** @param config undefined: nothing goes wrong */
export function createChaos(config: ChaosConfig | undefined, parts: ChaosParts): Chaos {
  const { clock, events, redisDeadlineMs, codec } = parts
  const { seed, store: tiers, origins } = config ?? NONE
  const fatesOf = (rules: ChaosRules, name: string): Fates => createFates(rules, clock, seededRandom(seed, name))
  return {
    store(tier, store) {
      const rules = tiers[tier]
      if (rules === undefined) return store
      const deadlineMs = tier === 'redis' ? redisDeadlineMs : undefined
      return faultyStore(store, { tier, fates: fatesOf(rules, `store ${tier}`), clock, events, deadlineMs, codec })
    },
    origin(origin, { connectTimeout, headersTimeout }) {
      const rules = Object.hasOwn(origins, origin.name) ? origins[origin.name] : undefined
      if (rules === undefined) return origin
      const fates = fatesOf(rules, `origin ${origin.name}`)
      return faultyOrigin(origin, { fates, clock, connectTimeout, headersTimeout })
    },
    log: (log) =>
      tiers.redis === undefined ? log : faultyLog(log, fatesOf(tiers.redis, 'log'), clock, redisDeadlineMs),
    leases: (leases) =>
      tiers.redis === undefined ? leases : faultyLeases(leases, fatesOf(tiers.redis, 'leases'), clock, redisDeadlineMs),
  }
}

const NONE: ChaosConfig = { seed: 0, store: {}, origins: {} }
