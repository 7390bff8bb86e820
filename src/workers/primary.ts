/** The primary of `herdgate serve --workers N`: the admin port, and what its workers share. Serves no request itself. */
import { extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAdmin } from '../ports/admin-port.ts'
import { createChaos } from '../chaos/create-chaos.ts'
import { systemClock } from '../clock.ts'
import type { Config } from '../config.ts'
import { DEFAULT_REDIS } from '../config/defaults.ts'
import { createCache } from '../library/embed.ts'
import { HerdgateError } from '../errors.ts'
import { Events } from '../events.ts'
import { listenOn } from '../ports/listen.ts'
import { createMetrics } from '../metrics.ts'
import { renderReports } from '../metrics/reports.ts'
import type { CacheRequest, Store } from '../model.ts'
import { Reloader } from '../server/reload.ts'
import { Routing } from '../server/routing.ts'
import type { Server, ServerOptions } from '../server.ts'
import { logRequests } from '../logging/access-log.ts'
import { logStates } from '../logging/state-log.ts'
import { openLog } from '../server/tiers.ts'
import { REVISION, VERSION } from '../version.ts'
import type { Member } from './member.ts'
import { Pool } from './pool.ts'
import { Reports } from './reports.ts'
import { originsOf, shareOf } from './share.ts'
import { SharedParts } from './shared-parts.ts'
import { sumOfStatistics, sumOfTiers } from './statistics.ts'
import { WorkersLive } from './workers-live.ts'

const WORKER = join(import.meta.dirname, `worker${extname(import.meta.filename)}`)
/** A worker that has not applied a record for two leases is taken for hung: no node uses what was purged longer ago. */
const PATIENCE_IN_LEASES = 2
/** With short leases: a collection of garbage, or a busy machine, is no reason to end it. */
const LEAST_PATIENCE_MS = 2_000

/** By then a signal to the whole process group has reached this process too. */
const GROUP_SIGNAL_MS = 500

export interface PrimaryOptions extends Omit<ServerOptions, 'adminExtension'> {
  /** More than one. */
  readonly workers: number
}

export async function createPrimary(
  config: Config,
  { logger, adminToken, workers, pretty = false, readConfig = () => ({ ok: true, config }) }: PrimaryOptions,
): Promise<Server> {
  const clock = systemClock
  const events = new Events()
  logStates(events, logger) // first: the log tells of faults while it is opened
  const redisDeadlineMs = (config.store.redis ?? DEFAULT_REDIS).deadline
  const chaos = createChaos(config.chaos, { clock, events, redisDeadlineMs, codec: {} })
  const routing = new Routing(config, { clock, chaos })
  const shared = new SharedParts(config, { clock, events })
  let current: Pick<Config, 'origins' | 'routes'> = config
  let draining = false

  const pool = new Pool({
    module: WORKER,
    size: workers,
    clock,
    logger,
    serve: (member) => ({
      ...shared.serve(member),
      hello: () => begin(member),
      happened: (snapshot) => live.told(member, snapshot),
      terminated: () =>
        void clock.after(GROUP_SIGNAL_MS, () => {
          if (!draining) pool.replace(member)
        }),
    }),
    left(member) {
      shared.leave(member)
      void reports.ended(member)
    },
  })
  const patienceMs = Math.max(PATIENCE_IN_LEASES * config.lease, LEAST_PATIENCE_MS)
  const reports = new Reports({ pool, clock })
  const begin = (member: Member) => {
    const log = shared.follow(member, async (record) => {
      const applied = member.calls.call('hear', record).then(() => true)
      return (await pool.answer(member, applied, patienceMs)) === true
    })
    member.hasBegun = true
    const routes = { origins: originsOf(current, workers), routes: current.routes }
    member.calls.tell('begin', { config: { ...shareOf(config, workers), ...routes }, processes: workers + 1, log })
    if (draining) member.calls.tell('drain', undefined)
  }

  const { log, sayWhat } = openLog(config, { clock, events, chaos }, shared.log)
  const store = storeOfWorkers(pool, shared)
  const cache = createCache({ store, log, clock, events, routes: routing.routes })
  logRequests(events, logger, { pretty }) // of purges: requests are logged where they are answered

  const stats = () => sumOfStatistics(cache.stats(), reports.stats)
  const live = new WorkersLive({
    clock,
    stats,
    want: (wanted) => pool.begun.forEach(({ calls }) => calls.tell('watch', wanted)),
  })
  const metrics = createMetrics({
    events,
    usage: () => sumOfTiers([...store.usage(), ...stats().tiers.filter(({ tier }) => tier !== 'memory')]),
    tiers: store.usage().map(({ tier }) => tier),
    routes: [],
    origins: [],
    log: () => ({ position: log.position, synced: log.synced }),
    lastReload: () => reloader.last,
    build: { version: VERSION, revision: REVISION },
  })

  let applied: Promise<unknown> = Promise.resolve()
  const apply = (next: Config) => {
    current = next
    routing.apply(next)
    const share = { origins: originsOf(next, workers), routes: next.routes }
    applied = Promise.all(pool.begun.map((member) => pool.answer(member, member.calls.call('apply', share))))
  }
  const reloader = new Reloader(config, { apply }, readConfig, Date.now)
  const reload = async () => {
    const outcome = reloader.reload()
    await applied
    return outcome
  }
  let started = false
  void log.started.then(() => {
    started = true
  })
  const ready = () => ({
    ready: started && pool.listening.length > 0 && !draining,
    degraded: [
      ...new Set([
        ...reports.degraded,
        ...(log.synced ? [] : ['log']),
        ...sayWhat(),
        ...(pool.listening.length < workers ? ['workers'] : []),
      ]),
    ],
  })
  const admin = createAdmin({
    cache: {
      purge: (targets) => cache.purge(targets),
      invalidate: (targets) => cache.invalidate(targets),
      explain: (request) => explain(pool, request),
      async stats() {
        await reports.hearAll()
        return stats()
      },
    },
    metrics: {
      async render(accept) {
        await reports.hearAll()
        return renderReports([await metrics.report(), ...reports.metrics], accept)
      },
    },
    live,
    token: adminToken,
    logger,
    ready,
    version: VERSION,
    reload,
  })

  return {
    async listen() {
      const adminUrl = await listenOn(admin, config.admin)
      try {
        const data = await pool.start()
        await reports.start()
        await log.started
        return { data, admin: adminUrl }
      } catch (error) {
        await admin.close()
        throw error
      }
    },
    reload,
    async drain() {
      draining = true
      for (const { calls } of pool.begun) calls.tell('drain', undefined)
      if (config.listen.drainDelay > 0) await sleep(config.listen.drainDelay)
    },
    async close() {
      draining = true
      reports.stop()
      await pool.close()
      await admin.close()
      await routing.close()
      await cache.close()
    },
  }
}

/** Holds nothing that could be looked up here; purging everything gives back the memory of all. */
function storeOfWorkers(pool: Pool, { memory }: SharedParts): Store {
  return {
    get: () => undefined,
    getMany: (keys) => keys.map(() => undefined),
    set() {},
    setMany() {},
    delete() {},
    deleteMany() {},
    async clear() {
      await Promise.all(pool.begun.map((member) => pool.answer(member, member.calls.call('clear', undefined))))
    },
    close() {},
    usage: () => (memory === undefined ? [] : [memory.usage()]),
  }
}

/** Any worker knows: what it does not have, it has from those that share. */
async function explain(pool: Pool, { method, url, fields }: CacheRequest) {
  const [member] = pool.listening
  const explanation = member && (await pool.answer(member, member.calls.call('explain', { method, url, fields })))
  if (explanation === undefined) throw new HerdgateError('overloaded', 'no worker could be asked')
  return explanation
}
