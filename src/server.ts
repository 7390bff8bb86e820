/** The composition root: makes a proxy and an admin port of a Config. Does not listen by itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { type AdminExtension, createAdmin } from './ports/admin-port.ts'
import type { Config } from './config.ts'
import { listenBeside } from './ports/listen.ts'
import { createProxy } from './server/proxy.ts'
import { type ReadConfig, type ReloadedBy, Reloader, type Reloading } from './server/reload.ts'
import type { RoutingConfig } from './server/routing.ts'
import type { Tracing } from './tracing/tracing.ts'
import { VERSION } from './version.ts'

export interface ServerOptions {
  readonly logger: Logger
  readonly adminToken: string
  /** One human-readable line per request instead of JSON. */
  readonly pretty?: boolean
  readonly adminExtension?: AdminExtension
  /** For `reload`; by default the configuration never changes. */
  readonly readConfig?: ReadConfig
  /** None by default. */
  readonly tracing?: Tracing
}

export interface Server {
  /** Resolves when ready. @returns base URLs of the data and the admin port */
  listen(): Promise<{ data: string; admin: string }>
  /** Rereads the configuration: origins and routes are replaced atomically if all of it is valid. */
  reload(by: ReloadedBy): Promise<Reloading>
  /**
   * Reports not ready, but keeps serving for `listen.drainDelay` so that load balancers notice. From now on each
   * response closes its connection.
   */
  drain(): Promise<void>
  /** Stops accepting connections, finishes requests in flight, and closes everything. */
  close(): Promise<void>
}

export function createServer(config: Config, options: ServerOptions): Server {
  const { logger, adminToken, pretty = false, adminExtension, tracing } = options
  const { readConfig = () => ({ ok: true, config }) } = options
  const proxy = createProxy(config, { logger, pretty, lastReload: () => reloader.last, tracing })
  const { cache, metrics, live } = proxy
  const apply = (next: RoutingConfig) => proxy.apply(next)
  const reloader = new Reloader(config, { read: readConfig, apply, logger, now: Date.now })
  let draining = false
  const ready = () => ({ ready: proxy.isStarted() && !draining, degraded: proxy.degraded() })
  const admin = createAdmin({
    cache,
    metrics,
    live,
    token: adminToken,
    limitedTokens: config.admin.tokens,
    logger,
    ready,
    version: VERSION,
    reload: () => reloader.reload('admin'),
    extension: adminExtension,
  })

  return {
    listen() {
      return listenBeside(admin, config.admin, async () => {
        const url = await proxy.listen()
        await proxy.started
        return url
      })
    },
    reload: (by) => reloader.reload(by),
    async drain() {
      draining = true
      proxy.drain()
      if (config.listen.drainDelay > 0) await sleep(config.listen.drainDelay)
    },
    async close() {
      draining = true
      await proxy.stop()
      await admin.close()
      // All responses have been sent: nobody waits for fetches still in progress.
      await proxy.close()
    },
  }
}
