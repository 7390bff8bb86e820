/** The composition root: a Config becomes a proxy and an admin port in this process. Does not listen by itself. */
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
  /** One human line per request instead of JSON. */
  readonly pretty?: boolean
  readonly adminExtension?: AdminExtension
  /** For `reload`; by default the configuration stays as it is. */
  readonly readConfig?: ReadConfig
  /** None by default. */
  readonly tracing?: Tracing
}

export interface Server {
  /** Settles when it is ready. @returns base URLs of the data and the admin port */
  listen(): Promise<{ data: string; admin: string }>
  /** Reads the configuration anew: origins and routes are swapped at once, if all of it is valid. */
  reload(by: ReloadedBy): Promise<Reloading>
  /**
   * Is not ready any more, and goes on for `listen.drainDelay` all the same, so that load balancers can learn of it.
   * Each answer is now the last of its connection.
   */
  drain(): Promise<void>
  /** Stops accepting, finishes what is in flight, and closes everything. */
  close(): Promise<void>
}

export async function createServer(config: Config, options: ServerOptions): Promise<Server> {
  const { logger, adminToken, pretty = false, adminExtension, tracing } = options
  const { readConfig = () => ({ ok: true, config }) } = options
  const proxy = createProxy(config, { logger, pretty, lastReload: () => reloader.last, ...(tracing && { tracing }) })
  const { cache, metrics, live } = proxy
  const apply = (next: RoutingConfig) => proxy.apply(next)
  const reloader = new Reloader(config, { read: readConfig, apply, logger, now: Date.now })
  let draining = false
  const ready = () => ({ ready: proxy.isStarted() && !draining, degraded: proxy.degraded() })
  const parts = { cache, metrics, live, token: adminToken, logger, ready, version: VERSION }
  const admin = createAdmin({ ...parts, reload: () => reloader.reload('admin'), extension: adminExtension })

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
      // Every answer has gone out: what is still being fetched nobody waits for.
      await proxy.close()
    },
  }
}
