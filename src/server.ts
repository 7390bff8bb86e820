/** The composition root: a Config becomes stores, origins, a cache, and the two listeners. Does not listen by itself. */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { proxyEverything } from '../routes/proxy.ts'
import { logRequests } from './access-log.ts'
import { type AdminExtension, createAdmin } from './admin.ts'
import { createChaos } from './chaos/create-chaos.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { createDataPort } from './data-port.ts'
import { DEFAULT_REDIS } from './defaults.ts'
import { createCache } from './embed.ts'
import { HerdgateError } from './errors.ts'
import { Events } from './events.ts'
import { createLive } from './live.ts'
import { createMetrics } from './metrics.ts'
import type { Origin, Route } from './model.ts'
import { createOrigin, type PoolOrigin } from './origin/pool-origin.ts'
import { createPeers } from './peers.ts'
import { logStates } from './state-log.ts'
import { openTiers } from './tiers.ts'
import { passUpgrades, type UpgradeOptions } from './upgrade.ts'
import { VERSION } from './version.ts'

export interface ServerOptions {
  readonly logger: Logger
  readonly adminToken: string
  /** One human line per request instead of JSON. */
  readonly pretty?: boolean
  readonly adminExtension?: AdminExtension
}

export interface Server {
  /** @returns base URLs of the data and the admin port */
  listen(): Promise<{ data: string; admin: string }>
  /** Stops accepting, finishes what is in flight, and closes everything. */
  close(): Promise<void>
}

export async function createServer(
  config: Config,
  { logger, adminToken, pretty = false, adminExtension }: ServerOptions,
): Promise<Server> {
  const clock = systemClock
  const events = new Events()
  const origins = new Map<string, PoolOrigin>()
  for (const options of config.origins) origins.set(options.name, createOrigin(options, clock))
  const redisDeadlineMs = (config.store.redis ?? DEFAULT_REDIS).deadline
  const codec = { hmacKey: config.store.redis?.secret }
  const chaos = createChaos(config.chaos, { clock, events, redisDeadlineMs, codec })
  const asked = new Map(
    config.origins.map((options) => [options.name, chaos.origin(originOf(origins, options.name), options)]),
  )
  const routes = config.routes.map(
    ({ name, match, origin, rules }): Route => ({ name, match, origin: originOf(asked, origin), rules }),
  )
  const tiers = openTiers(config, { clock, events, chaos })
  const { store, log, sharing } = tiers
  const cache = createCache({ store, log, sharing, clock, events, routes, limits: config.limits })
  const originUsage = () => [...origins].map(([origin, pool]) => ({ origin, ...pool.usage() }))
  const live = createLive({ events, clock, stats: () => cache.stats(), synced: () => log.synced, originUsage })
  const metrics = createMetrics({
    events,
    usage: () => store.usage(),
    routes: routes.map((route) => route.name),
    origins: [...origins.keys()],
    originUsage,
    log: () => ({ position: log.position, synced: log.synced }),
    version: VERSION,
  })
  const originNames = new Map(routes.map((route) => [route.name, route.origin.name]))
  logStates(events, logger)
  logRequests(events, logger, { pretty, origins: originNames })

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
  proxyEverything(data, { cache, peerOf })
  const tunnels = passUpgrades(data.server, {
    routes,
    transport: createTransports(config, origins),
    peerOf,
    clock,
    events,
  })
  const parts = { cache, metrics, live, token: adminToken, logger, ready, version: VERSION }
  const admin = createAdmin({ ...parts, extension: adminExtension })

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
    async close() {
      draining = true
      tunnels.close()
      await data.close()
      await admin.close()
      // Every answer has gone out: what is still being fetched nobody waits for.
      await Promise.all([...origins.values()].map((origin) => origin.close(AbortSignal.abort())))
      await cache.close()
    },
  }
}

async function listenOn(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<string> {
  await app.listen({ host, port })
  const { address, family, port: bound } = app.server.address() as AddressInfo
  const any = address === '0.0.0.0' || address === '::'
  const shown = any ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `http://${shown}:${bound}`
}

/** Where the next tunnel of a route goes: its origin's URLs in turns, those that could not be reached last. */
function createTransports(config: Config, origins: ReadonlyMap<string, PoolOrigin>): UpgradeOptions['transport'] {
  return ({ origin: { name } }) => {
    const options = config.origins.find((candidate) => candidate.name === name)
    if (options === undefined) throw new HerdgateError('internal', `no origin ${name}`)
    const { url, unreachable } = originOf(origins, name).nextUrl()
    const { connectTimeout, headersTimeout } = options
    return { url, connectTimeout, headersTimeout, onUnreachable: unreachable }
  }
}

function originOf<O extends Origin>(origins: ReadonlyMap<string, O>, name: string): O {
  const origin = origins.get(name)
  if (origin === undefined) throw new HerdgateError('internal', `route names the unknown origin ${name}`)
  return origin
}
