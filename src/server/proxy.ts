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
import type { Awaitable, Clock, Peer, Route, TierUsage } from '../model.ts'
import { openData } from './data.ts'
import { Routing, type RoutingConfig } from './routing.ts'
import { logOrigins } from '../logging/origin-log.ts'
import { logStates } from '../logging/state-log.ts'
import { type MemoryWatch, watchMemory } from './memory.ts'
import { memoryStore } from '../stores/memory/store.ts'
import { openTiers, type PrimaryParts, type Tiers } from './tiers.ts'
import { NO_TRACING, type Tracing } from '../tracing/tracing.ts'
import { explainByHead } from '../ports/explain-by-head.ts'
import { explainUpgrade } from '../ports/upgrade.ts'
import { REVISION, VERSION } from '../version.ts'

export interface ProxyOptions {
  readonly logger: Logger
  /** One human line per request instead of JSON. */
  readonly pretty: boolean
  /** Share of the container's memory, from 0 to 1; default: 1. */
  readonly containerShare?: number
  /** In a worker, what it gets from its primary. */
  readonly primary?: PrimaryParts | undefined
  /** For metrics: selects the tiers whose usage this process reports. */
  readonly reportsUsage?: (usage: TierUsage) => boolean
  /** For metrics. */
  readonly lastReload?: MetricsParts['lastReload']
  /** None by default. */
  readonly tracing?: Tracing | undefined
}

export interface Proxy {
  readonly cache: Cache
  readonly metrics: Metrics
  readonly live: Live
  /** Replaces routes and origins by those of another configuration. */
  apply(config: RoutingConfig): void
  /** Whether it knows what has been purged, or has tried for long enough to find out. */
  isStarted(): boolean
  readonly started: Promise<void>
  /** What works worse than configured, in a few words each. */
  degraded(): readonly string[]
  /** @returns the base URL of the data port */
  listen(): Promise<string>
  /** Makes each response from now on the last of its connection. */
  drain(): void
  /** Clears all tiers. */
  clear(): Awaitable<void>
  /** Stops accepting, and finishes what is in flight. */
  stop(): Promise<void>
  /** Closes everything, without waiting for what is in progress. */
  close(): Promise<void>
}

export function createProxy(config: Config, options: ProxyOptions): Proxy {
  const { tracing = NO_TRACING } = options
  const parts = { config, options, clock: systemClock, events: new Events(), tracing }
  logStates(parts.events, options.logger) // first: stores report faults while they are opened
  const endOriginLog = logOrigins(parts.events, options.logger, parts.clock)
  const opened = openCache(parts)
  const { routing, tiers, memory, cache } = opened
  const reports = openReports(parts, opened)
  const { pressure } = memory
  const data = openData(config, { ...parts, cache, routing, pressure })

  let started = false
  void tiers.log.started.then(() => {
    started = true
  })
  return {
    cache: { ...cache, explain: explainFor(operatorOf(config), cache, routing.routes) },
    ...reports,
    apply(next) {
      routing.apply(next)
      parts.events.emit('routing', routing.names)
    },
    isStarted: () => started,
    started: tiers.log.started,
    degraded: () => [...tiers.degraded(), ...(config.chaos === undefined ? [] : ['chaos'])],
    listen: () => data.listen(),
    drain: () => data.drain(),
    clear: () => tiers.store.clear(),
    async stop() {
      data.drain()
      await data.close()
      endOriginLog()
      memory.close()
    },
    async close() {
      await routing.close()
      await cache.close()
      await tracing.close()
    },
  }
}

/** What every part is made with. */
interface Parts {
  readonly config: Config
  readonly options: ProxyOptions
  readonly clock: Clock
  readonly events: Events
  readonly tracing: Tracing
}

/** The cache, and what is behind it. */
interface OpenedCache {
  readonly routing: Routing
  readonly tiers: Tiers
  readonly memory: MemoryWatch
  readonly cache: Cache
}

function openCache({ config, options, clock, events, tracing }: Parts): OpenedCache {
  const { logger, containerShare = 1, primary } = options
  const redisDeadlineMs = (config.store.redis ?? DEFAULT_REDIS).deadline
  const codec = { hmacKey: config.store.redis?.secret }
  const chaos = createChaos(config.chaos, { clock, events, redisDeadlineMs, codec })
  const routing = new Routing(config, { clock, chaos, tracing })
  const { maxBytes, admission } = config.store.memory
  const inMemory = memoryStore({ maxBytes, admission, events, clock })
  const whileShort = 'what is not stored gets 503'
  const whileExhausted = 'connections beyond those open are closed as they arrive'
  const memory = watchMemory({ clock, logger, store: inMemory, containerShare, whileShort, whileExhausted })
  const { pressure } = memory
  const tiers = openTiers(config, { clock, events, chaos, memory: inMemory, pressure, primary })
  const { store, log, sharing } = tiers
  const { maxWaiting, maxBodiesInProgress } = config.limits
  const limits = { maxWaiting, maxBodiesInProgress }
  const { routes } = routing
  const cache = createCache({ store, log, sharing, clock, events, routes, limits, pressure })
  return { routing, tiers, memory, cache }
}

/** Opens everything that reports events: the dashboard, metrics, the log, traces. */
function openReports(
  { options, clock, events, tracing }: Parts,
  { routing, tiers, cache }: OpenedCache,
): Pick<Proxy, 'live' | 'metrics'> {
  const { logger, pretty, reportsUsage = () => true, lastReload } = options
  const { store, log } = tiers
  const originUsage = () => routing.usage()
  const live = createLive({ events, clock, stats: () => cache.stats(), synced: () => log.synced, originUsage })
  const metrics = createMetrics({
    events,
    usage: () => store.usage().filter(reportsUsage),
    tiers: store.usage().map(({ tier }) => tier),
    ...routing.names,
    originUsage,
    log: () => ({ position: log.position, synced: log.synced }),
    ...(lastReload && { lastReload }),
    build: { version: VERSION, revision: REVISION },
  })
  logRequests(events, logger, { pretty, origins: routing.originNames, members: tracing.logMembers })
  tracing.observe(events)
  return { live, metrics }
}

/** Fields that only trusted peers may send are explained as if one had sent them, if any are configured. */
const operatorOf = ({ listen }: Config): Peer => ({ address: '127.0.0.1', trusted: listen.trustProxy.length > 0 })

function explainFor(peer: Peer, cache: Cache, routes: readonly Route[]): Cache['explain'] {
  return async (request) =>
    explainByHead({ ...request, peer }, (checked) => explainUpgrade(checked, routes) ?? cache.explain(checked))
}
