import { BodyBudget } from '../body.ts'
import { systemClock } from '../clock.ts'
import { Events } from '../events.ts'
import type { CacheRequest, Clock, InvalidationLog, Receipt, Route, Sharing, Store } from '../model.ts'
import { Engine } from './engine/engine.ts'
import type { EngineLimits, Pressure } from './engine/shedding.ts'
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
  readonly store: Store
  readonly log: InvalidationLog
  /** For `handle`: which requests go to which origin, by which rules. First match wins. */
  readonly routes?: readonly Route[] | undefined
  /** For values: what a call does not say. */
  readonly defaults?: ValueOptions | undefined
  readonly events?: Events | undefined
  readonly clock?: Clock | undefined
  readonly limits?: CacheLimits | undefined
  /** One fetch per key among all who share the store. Absent: one per key in this cache. */
  readonly sharing?: Sharing | undefined
  /** While memory is short, what is stored is served and nothing is fetched: 503 for HTTP, `overloaded` for values. */
  readonly pressure?: Pressure | undefined
  /** Bytes of memory a value holds. */
  readonly sizeOf: (value: unknown) => number
}

/** What requests may hold, all together. */
export interface CacheLimits extends EngineLimits {
  /** Bytes of memory for content that is being received to be stored; what comes beyond is passed on and not stored. */
  readonly maxBodiesInProgress?: number | undefined
}

export interface Cache extends Values {
  /** The HTTP door. Never rejects. */
  handle(request: CacheRequest): Reply | Promise<Reply>
  /** For the hit lane: finds fresh copies that answer a request at once. Asks the stores, never an origin. */
  readonly hits: Hits
  /**
   * Never served again, not even stale; beats a fetch in flight. Rejects when it could not be logged, and with a
   * RangeError when nothing is selected.
   */
  purge(targets: Targets): Promise<Receipt>
  /** Revalidated before the next use; grace still applies. Rejects when it could not be logged. */
  invalidate(targets: Targets): Promise<Receipt>
  /** Forgets everything. Settles when what the stores held is given back. */
  clear(): Promise<void>
  explain(request: CacheRequest): Promise<Explanation>
  stats(): Statistics
  /**
   * Values under keys of their own: `namespace('users')` keeps `1` as `users/1`; its clear() leaves the rest alone, but
   * for a key `users`.
   */
  namespace(name: string): Namespace
  readonly events: Events
  close(): Promise<void>
}

const MOST_BYTES_IN_PROGRESS = 256 * 2 ** 20

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
  const budget = new BodyBudget(limits?.maxBodiesInProgress ?? MOST_BYTES_IN_PROGRESS)
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
