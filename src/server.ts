/** The composition root: a Config becomes stores, origins, a cache, and the two listeners. Does not listen by itself. */
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { proxyEverything } from '../routes/proxy.ts'
import { logRequests } from './access-log.ts'
import { type AdminExtension, createAdmin } from './admin.ts'
import { createChaos } from './chaos/create-chaos.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { createDataPort } from './data-port.ts'
import { endConnectionsWhile } from './draining.ts'
import { DEFAULT_REDIS } from './defaults.ts'
import { createCache } from './embed.ts'
import { Events } from './events.ts'
import { openLane } from './lane/lane.ts'
import { createLive } from './live.ts'
import { MemoryPressure, type MemoryUse, memoryCeilings } from './memory-pressure.ts'
import { createMetrics } from './metrics.ts'
import { createPeers } from './peers.ts'
import { type ReadConfig, Reloader, type Reloading } from './reload.ts'
import { Routing } from './routing.ts'
import { logStates } from './state-log.ts'
import { openTiers } from './tiers.ts'
import { passUpgrades } from './upgrade.ts'
import { VERSION } from './version.ts'

export interface ServerOptions {
  readonly logger: Logger
  readonly adminToken: string
  /** One human line per request instead of JSON. */
  readonly pretty?: boolean
  readonly adminExtension?: AdminExtension
  /** For `reload`; by default the configuration stays as it is. */
  readonly readConfig?: ReadConfig
}

export interface Server {
  /** @returns base URLs of the data and the admin port */
  listen(): Promise<{ data: string; admin: string }>
  /** Reads the configuration anew: origins and routes are swapped at once, if all of it is valid. */
  reload(): Reloading
  /**
   * Is not ready any more, and goes on for `listen.drainDelay` all the same, so that load balancers can learn of it.
   * Each answer is now the last of its connection.
   */
  drain(): Promise<void>
  /** Stops accepting, finishes what is in flight, and closes everything. */
  close(): Promise<void>
}

export async function createServer(
  config: Config,
  { logger, adminToken, pretty = false, adminExtension, readConfig = () => ({ ok: true, config }) }: ServerOptions,
): Promise<Server> {
  const clock = systemClock
  const events = new Events()
  const redisDeadlineMs = (config.store.redis ?? DEFAULT_REDIS).deadline
  const codec = { hmacKey: config.store.redis?.secret }
  const chaos = createChaos(config.chaos, { clock, events, redisDeadlineMs, codec })
  const routing = new Routing(config, { clock, chaos })
  const { routes } = routing
  const reloader = new Reloader(config, routing, readConfig, Date.now)
  const tiers = openTiers(config, { clock, events, chaos })
  const { store, log, sharing } = tiers
  const pressure = new MemoryPressure({ clock, ceilings: memoryCeilings(), changed: tellPressure(logger) })
  const cache = createCache({ store, log, sharing, clock, events, routes, limits: config.limits, pressure })
  const originUsage = () => routing.usage()
  const live = createLive({ events, clock, stats: () => cache.stats(), synced: () => log.synced, originUsage })
  const metrics = createMetrics({
    events,
    usage: () => store.usage(),
    routes: routes.map((route) => route.name),
    origins: routing.originsInUse,
    originUsage,
    log: () => ({ position: log.position, synced: log.synced }),
    lastReload: () => reloader.last,
    version: VERSION,
  })
  logStates(events, logger)
  logRequests(events, logger, { pretty, origins: routing.originNames })

  let draining = false
  let started = false
  void log.started.then(() => {
    started = true
  })
  const ready = () => ({
    ready: started && !draining,
    degraded: [...tiers.degraded(), ...(config.chaos === undefined ? [] : ['chaos'])],
  })
  const peerOf = createPeers(config.listen.trustProxy)
  const data = createDataPort(config.limits, clock)
  endConnectionsWhile(data, () => draining)
  proxyEverything(data, { cache, peerOf })
  const lane = config.lane
    ? openLane(data.server, { hit: (request) => cache.hit(request), peerOf, events, ...config.limits })
    : undefined
  const tunnels = passUpgrades(data.server, {
    routes,
    transport: routing.transport,
    peerOf,
    clock,
    events,
  })
  const parts = { cache, metrics, live, token: adminToken, logger, ready, version: VERSION }
  const reload = () => reloader.reload()
  const admin = createAdmin({ ...parts, reload, extension: adminExtension })

  return {
    async listen() {
      const adminUrl = await listenOn(admin, config.admin)
      try {
        return { data: await listenOn(data, config.listen), admin: adminUrl }
      } catch (error) {
        await admin.close()
        throw error
      }
    },
    reload,
    async drain() {
      draining = true
      pressure.close()
      lane?.stop() // it says nothing of a connection's end
      if (config.listen.drainDelay > 0) await sleep(config.listen.drainDelay)
    },
    async close() {
      draining = true
      lane?.stop()
      tunnels.close()
      await data.close()
      await admin.close()
      // Every answer has gone out: what is still being fetched nobody waits for.
      await routing.close()
      await cache.close()
    },
  }
}

const tellPressure = (logger: Logger) => (high: boolean, use: MemoryUse) => {
  if (high) logger.warn(use, 'memory is short: what is not stored gets 503 until it is not')
  else logger.info(use, 'memory is no longer short')
}

async function listenOn(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<string> {
  await app.listen({ host, port })
  const { address, family, port: bound } = app.server.address() as AddressInfo
  const any = address === '0.0.0.0' || address === '::'
  const shown = any ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `http://${shown}:${bound}`
}
