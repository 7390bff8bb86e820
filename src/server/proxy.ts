/** Everything behind the data port: stores, origins, a cache, and the listener. Does not listen by itself. */
import type { Logger } from 'pino'
import { logRequests } from '../logging/access-log.ts'
import type { Cache } from '../cache/create-cache.ts'
import { createChaos } from '../chaos/create-chaos.ts'
import { systemClock } from '../clock.ts'
import type { Config } from '../config.ts'
import { DEFAULT_REDIS } from '../config/defaults.ts'
import { createCache } from '../library/embed.ts'
import { Events } from '../events.ts'
import { createLive, type Live } from '../live/live.ts'
import { createMetrics, type Metrics, type MetricsParts } from '../metrics.ts'
import type { Awaitable, Peer, Route, TierUsage } from '../model.ts'
import { openData } from './data.ts'
import { Routing, type RoutingConfig } from './routing.ts'
import { logOrigins } from '../logging/origin-log.ts'
import { logStates } from '../logging/state-log.ts'
import { watchMemory } from './memory.ts'
import { openTiers, type PrimaryParts } from './tiers.ts'
import { NO_TRACING, type Tracing } from '../tracing/tracing.ts'
import { explainByHead } from '../ports/explain-by-head.ts'
import { explainUpgrade } from '../ports/upgrade.ts'
import { REVISION, VERSION } from '../version.ts'

export interface ProxyOptions {
  readonly logger: Logger
  /** One human line per request instead of JSON. */
  readonly pretty: boolean
  /** Of what the container has in memory, from 0 to 1; all of it unless said. */
  readonly containerShare?: number
  /** In a worker, what it has from its primary. */
  readonly primary?: PrimaryParts | undefined
  /** For metrics: what of the tiers' usage this process tells. */
  readonly tells?: (usage: TierUsage) => boolean
  /** For metrics. */
  readonly lastReload?: MetricsParts['lastReload']
  /** None by default. */
  readonly tracing?: Tracing
}

export interface Proxy {
  readonly cache: Cache
  readonly metrics: Metrics
  readonly live: Live
  /** Routes and origins of another configuration take the place of those there are. */
  apply(config: RoutingConfig): void
  /** Whether it knows what has been purged, or has tried for long enough to find out. */
  isStarted(): boolean
  readonly started: Promise<void>
  /** What works worse than configured, a few words each. */
  degraded(): readonly string[]
  /** @returns the base URL of the data port */
  listen(): Promise<string>
  /** From now on each answer is the last of its connection. */
  drain(): void
  /** Gives back the memory of copies. */
  clear(): Awaitable<void>
  /** Stops accepting, and finishes what is in flight. */
  stop(): Promise<void>
  /** Nobody waits for anything any more: closes everything. */
  close(): Promise<void>
}

export function createProxy(config: Config, options: ProxyOptions): Proxy {
  const { logger, pretty, containerShare = 1, primary, tells = () => true, lastReload, tracing = NO_TRACING } = options
  const clock = systemClock
  const events = new Events()
  logStates(events, logger) // first: stores tell of faults while they are opened
  logOrigins(events, logger, clock)
  const redisDeadlineMs = (config.store.redis ?? DEFAULT_REDIS).deadline
  const codec = { hmacKey: config.store.redis?.secret }
  const chaos = createChaos(config.chaos, { clock, events, redisDeadlineMs, codec })
  const routing = new Routing(config, { clock, chaos, tracing })
  const { routes } = routing
  const tiers = openTiers(config, { clock, events, chaos, primary })
  const { store, log, sharing } = tiers
  const { maxWaiting, maxBodiesInProgress } = config.limits
  const whileShort = 'what is not stored gets 503'
  const memory = watchMemory({ clock, logger, store: tiers.memory, containerShare, whileShort })
  const cache = createCache({
    store,
    log,
    sharing,
    clock,
    events,
    routes,
    limits: { maxWaiting, maxBodiesInProgress },
    pressure: memory.pressure,
  })
  const originUsage = () => routing.usage()
  const live = createLive({ events, clock, stats: () => cache.stats(), synced: () => log.synced, originUsage })
  const metrics = createMetrics({
    events,
    usage: () => store.usage().filter(tells),
    tiers: store.usage().map(({ tier }) => tier),
    ...routing.names,
    originUsage,
    log: () => ({ position: log.position, synced: log.synced }),
    ...(lastReload && { lastReload }),
    build: { version: VERSION, revision: REVISION },
  })
  logRequests(events, logger, { pretty, origins: routing.originNames, members: tracing.logMembers })
  tracing.observe(events)

  let started = false
  void log.started.then(() => {
    started = true
  })
  const data = openData(config, { cache, routing, clock, events, tracing })

  return {
    cache: { ...cache, explain: explainingTo(operatorOf(config), cache, routes) },
    metrics,
    live,
    apply(next) {
      routing.apply(next)
      events.emit('routing', routing.names)
    },
    isStarted: () => started,
    started: log.started,
    degraded: () => [...tiers.degraded(), ...(config.chaos === undefined ? [] : ['chaos'])],
    listen: () => data.listen(),
    drain: () => data.drain(),
    clear: () => store.clear(),
    async stop() {
      data.drain()
      await data.close()
      memory.close()
    },
    async close() {
      await routing.close()
      await cache.close()
      await tracing.close()
    },
  }
}

/** What only trusted peers may say is explained as if one had said it, where there are any. */
const operatorOf = ({ listen }: Config): Peer => ({ address: '127.0.0.1', trusted: listen.trustProxy.length > 0 })

function explainingTo(peer: Peer, cache: Cache, routes: readonly Route[]): Cache['explain'] {
  return async (request) =>
    explainByHead({ ...request, peer }, (asked) => explainUpgrade(asked, routes) ?? cache.explain(asked))
}
