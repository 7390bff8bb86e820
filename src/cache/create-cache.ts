import { BodyBudget } from '../body.ts'
import { systemClock } from '../clock.ts'
import { Events } from '../events.ts'
import type { CacheRequest, Clock, InvalidationLog, Pressure, Receipt, Route, Sharing, Store } from '../model.ts'
import { Engine } from './engine/engine.ts'
import type { EngineLimits } from './engine/shedding.ts'
import { type Explanation, explain } from './http/explain.ts'
import { createValues, type Values } from './values/values.ts'
import { createHandle } from './http/handle.ts'
import { createHits, type Hits } from './http/hit.ts'
import type { Reply } from './http/reply.ts'
import { type Namespace, namespaceOf } from './values/namespace.ts'
import type { ValueOptions } from './values/options.ts'
import { Purges } from './purges.ts'
import type { Targets } from './targets.ts'
import { Counts, type Statistics } from './statistics.ts'

export interface CacheOptions {
  /** Where values and responses are kept. */
  readonly store: Store
  /** The record of purges and invalidations. A store that processes share needs a log that they share. */
  readonly log: InvalidationLog
  /** For `handle`: which requests go to which origin, and their rules. The first match wins. */
  readonly routes?: readonly Route[] | undefined
  /** Options for values whose call leaves them out. */
  readonly defaults?: ValueOptions | undefined
  /** Where to report what happens; those of a store are reported here if it was given the same. */
  readonly events?: Events | undefined
  /** The time that the cache goes by; the system's by default. */
  readonly clock?: Clock | undefined
  readonly limits: CacheLimits
  /** One fetch per key among all processes that share the store. Absent: one per key in this cache. */
  readonly sharing?: Sharing | undefined
  /** While memory is short, only stored copies are served: otherwise 503 for HTTP, an `overloaded` error for values. */
  readonly pressure?: Pressure | undefined
  /** Bytes of memory a value takes. */
  readonly sizeOf: (value: unknown) => number
}

/** Limits for all requests together. */
export interface CacheLimits extends EngineLimits {
  /**
   * Bytes of memory for content being received to be stored, and for large content that readers are still receiving
   * although it is not stored; content beyond that is passed on but not stored.
   */
  readonly maxBodiesInProgress: number
}

/** A cache of values (`getOrSet`) and, if it has routes, of HTTP responses (`handle`). */
export interface Cache extends Values {
  /**
   * Answers an HTTP request. Never rejects: errors are `application/problem+json` replies.
   * @throws TypeError if it is given something other than a request
   */
  handle(request: CacheRequest): Reply | Promise<Reply>
  /** For the hit lane: finds fresh copies that can answer a request immediately. Reads the stores, asks no origin. */
  readonly hits: Hits
  /**
   * Purged entries are never served again, not even stale; a fetch in flight cannot bring them back. Rejects with a
   * HerdgateError `not_logged` if the purge could not be logged, and with a RangeError or TypeError if nothing is
   * selected or a selector is invalid.
   */
  purge(targets: Targets): Promise<Receipt>
  /** Invalidated entries are revalidated before the next use; grace still applies. Rejects like `purge`. */
  invalidate(targets: Targets): Promise<Receipt>
  /** Purges everything. Resolves once the stores are empty; rejects if the purge could not be logged. */
  clear(): Promise<void>
  /** What would happen to a request now, and why. Asks no origin and changes nothing. Refuses what `handle` does. */
  explain(request: CacheRequest): Promise<Explanation>
  /** Counters since the cache was made, and what is kept now. */
  stats(): Statistics
  /**
   * Values under a key prefix: `namespace('users')` stores `1` as `users/1`. Its `clear()` affects no other keys except
   * `users` itself and those that begin with `users?`.
   * @throws RangeError if the name cannot be a prefix
   */
  namespace(name: string): Namespace
  /** What happens in the cache, to listen to. */
  readonly events: Events
  /** Closes leases, store and log: their connections, files and timers. */
  close(): Promise<void>
}

export function createCache(options: CacheOptions): Cache {
  const {
    store,
    log,
    routes = [],
    defaults = {},
    events = new Events(),
    clock = systemClock,
    sizeOf,
    limits,
    sharing,
    pressure,
  } = options
  const counts = new Counts(events)
  const engine = new Engine({ store, log, clock, events, limits, sharing, pressure })
  const budget = new BodyBudget(limits.maxBodiesInProgress, pressure)
  const http = { engine, routes, log, clock, events, budget }
  const handle = createHandle(http)
  const values = createValues({ engine, store, log, clock, counts, sizeOf, defaults })
  const purges = new Purges({ store, log, events, clock, routes })

  return {
    ...values,
    handle: (request) => handle(request),
    hits: createHits(http, handle),
    purge: (targets) => purges.append('purge', targets),
    invalidate: (targets) => purges.append('invalidate', targets),
    clear: () => purges.clear(),
    explain: (request) => explain(request, http),
    stats: () => statistics(counts, engine, store, log),
    namespace: (name) => namespaceOf(name, values, () => purges.purgeBelow(name)),
    events,
    async close() {
      await sharing?.leases.close()
      await store.close()
      await log.close()
    },
  }
}

function statistics(counts: Counts, engine: Engine, store: Store, log: InvalidationLog): Statistics {
  const { generation, position } = log
  return {
    requests: { ...counts.requests },
    hitRatio: counts.hitRatio,
    originTimeSavedMs: Math.round(counts.originTimeSavedMs),
    originRequests: counts.originRequests,
    inFlight: engine.inFlight,
    waiting: engine.waiting,
    tiers: store.usage(),
    purges: { ...counts.purges },
    log: { generation, position },
    nodes: log.nodes(),
  }
}
