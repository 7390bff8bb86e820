/** The primary of `herdgate serve --workers N`: the admin port, and what its workers share. Serves no requests. */
import { extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AdminParts, createAdmin } from '../ports/admin-port.ts'
import { backlogAccepted } from '../ports/draining.ts'
import type { Statistics } from '../cache/statistics.ts'
import { createChaos } from '../chaos/create-chaos.ts'
import { systemClock } from '../clock.ts'
import type { Config } from '../config.ts'
import { DEFAULT_REDIS } from '../config/defaults.ts'
import { type Cache, createCache } from '../library/embed.ts'
import { Events } from '../events.ts'
import type { InvalidationLog } from '../model.ts'
import { listenBeside } from '../ports/listen.ts'
import { createMetrics, type Metrics } from '../metrics.ts'
import { renderReports } from '../metrics/reports.ts'
import { watchMemory } from '../server/memory.ts'
import { type LastReload, Reloader } from '../server/reload.ts'
import { Routing, type RoutingConfig } from '../server/routing.ts'
import type { Server, ServerOptions } from '../server.ts'
import { logRequests } from '../logging/access-log.ts'
import { logStates } from '../logging/state-log.ts'
import { openLog } from '../server/tiers.ts'
import { REVISION, VERSION } from '../version.ts'
import { containerShares } from './primary/share.ts'
import { sumOfStatistics, sumOfTiers } from './primary/statistics.ts'
import { WorkersLive } from './primary/workers-live.ts'
import { Workforce, type WorkforceParts } from './primary/workforce.ts'

const WORKER = join(import.meta.dirname, `worker${extname(import.meta.filename)}`)

export interface PrimaryOptions extends Omit<ServerOptions, 'adminExtension'> {
  /** More than one. */
  readonly workers: number
}

export function createPrimary(
  config: Config,
  { adminToken, readConfig = () => ({ ok: true, config }), ...options }: PrimaryOptions,
): Server {
  const { logger } = options
  const opened = open(config, options)
  const { routing, workforce, log, cache, stats, live } = opened
  const apply = (next: RoutingConfig) => {
    routing.apply(next)
    return workforce.apply(next)
  }
  const reloader = new Reloader(config, { read: readConfig, apply, logger, now: Date.now })
  const metrics = ownMetrics(opened, () => reloader.last)
  const admin = createAdmin({
    cache: cacheOfAll(cache, workforce, stats),
    metrics: metricsOfAll(metrics, workforce),
    live,
    token: adminToken,
    limitedTokens: config.admin.tokens,
    logger,
    ready: readinessOf(opened),
    version: VERSION,
    reload: () => reloader.reload('admin'),
  })

  return {
    listen() {
      return listenBeside(admin, config.admin, async () => {
        const url = await workforce.start()
        await log.started
        return url
      })
    },
    reload: (by) => reloader.reload(by),
    async drain() {
      workforce.drain()
      if (config.listen.drainDelay > 0) await sleep(config.listen.drainDelay)
    },
    async close() {
      await backlogAccepted(() => workforce.connections) // this process accepts connections
      await workforce.close()
      await admin.close()
      await routing.close()
      await cache.close()
    },
  }
}

/** What is behind the admin port. */
interface Opened {
  readonly events: Events
  readonly routing: Routing
  readonly workforce: Workforce
  readonly log: InvalidationLog
  /** What works worse than it should, one sentence per problem. */
  readonly degradedReasons: () => readonly string[]
  /** Holds nothing: for its log, through which purges go. */
  readonly cache: Cache
  /** Those of all workers, as last reported. */
  readonly stats: () => Statistics
  readonly live: WorkersLive
}

function open(config: Config, { logger, workers, pretty = false }: OpenOptions): Opened {
  const clock = systemClock
  const events = new Events()
  logStates(events, logger) // first: opening the log may already report faults
  const redisDeadlineMs = (config.store.redis ?? DEFAULT_REDIS).deadline
  const chaos = createChaos(config.chaos, { clock, events, redisDeadlineMs })
  const routing = new Routing(config, { clock, chaos })
  const onSnapshot: WorkforceParts['onSnapshot'] = (member, snapshot) => live.add(member, snapshot)
  const workforce = new Workforce(config, {
    module: WORKER,
    size: workers,
    clock,
    events,
    logger,
    watchMemory(store) {
      const { primary: containerShare } = containerShares(config, workers)
      return watchMemory({ clock, logger, store, containerShare, whileShort: 'workers share less of what they fetch' })
    },
    onSnapshot,
    ended: ({ node }) => hasEnded(node),
  })
  const { reports, store } = workforce
  const { log, degradedReasons, hasEnded } = openLog(config, { clock, events, chaos }, workforce.shared.log)
  const cache = createCache({ store, log, clock, events, routes: routing.routes })
  logRequests(events, logger, { pretty }) // only purges: requests are logged where they are answered
  const stats = () => sumOfStatistics(cache.stats(), reports.stats)
  const live = new WorkersLive({ clock, stats, setWatched: (wanted) => workforce.watch(wanted) })
  return { events, routing, workforce, log, degradedReasons, cache, stats, live }
}

type OpenOptions = Pick<PrimaryOptions, 'logger' | 'workers' | 'pretty'>

/** What this process counts, and what the stores hold: workers report only what is in their own memory. */
function ownMetrics({ events, workforce, log, stats }: Opened, lastReload: () => LastReload): Metrics {
  const { store } = workforce
  return createMetrics({
    events,
    usage: () => sumOfTiers([...store.usage(), ...stats().tiers.filter(({ tier }) => tier !== 'memory')]),
    tiers: store.usage().map(({ tier }) => tier),
    routes: [],
    origins: [],
    log: () => ({ position: log.position, synced: log.synced }),
    lastReload,
    build: { version: VERSION, revision: REVISION },
  })
}

function readinessOf({ workforce, log, degradedReasons }: Opened): AdminParts['ready'] {
  let started = false
  void log.started.then(() => {
    started = true
  })
  return () => ({
    ready: started && workforce.isReady,
    degraded: [...new Set([...workforce.degraded, ...(log.synced ? [] : ['log']), ...degradedReasons()])],
  })
}

/** What the admin port asks: a purge goes to the log, all else to the workers. */
function cacheOfAll(cache: Cache, workforce: Workforce, stats: () => Statistics): AdminParts['cache'] {
  return {
    purge: (targets) => cache.purge(targets),
    invalidate: (targets) => cache.invalidate(targets),
    explain: (request) => workforce.explain(request),
    async stats() {
      await workforce.collectReports()
      return stats()
    },
  }
}

/** The numbers of this process and of all workers. */
function metricsOfAll(own: Metrics, workforce: Workforce): AdminParts['metrics'] {
  return {
    async render(accept) {
      await workforce.collectReports()
      return renderReports([await own.report(), ...workforce.reports.metrics], accept)
    },
  }
}
