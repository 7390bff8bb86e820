/** What a fleet's clients and purges experience during an outage of Redis. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fleet, startFleet } from '../support/fleet.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { conditionOf } from './condition.ts'
import { check, emptyHistory, explain, type Get, type History } from './history.ts'
import { hitRatio, latency, type Load, startLoad } from './load.ts'
import { SITE } from './member.ts'
import { serve } from './origin-server.ts'
import { resource } from './resources.ts'
import { VersionedOrigin } from './versioned-origin.ts'

export interface Scene {
  readonly fleet: Fleet
  readonly redis: RedisServer
  /** Owns what must last until the end. */
  readonly stack: AsyncDisposableStack
}

interface Outage {
  begin(scene: Scene): Promise<unknown>
  end(scene: Scene): Promise<unknown>
  /** Nothing can be logged during the outage. */
  readonly refusesPurges: boolean
}

const setLinks = ({ fleet }: Scene, kind: 'pass' | 'blackhole') => {
  for (const { link } of fleet.nodes) link.set({ kind })
}

export const OUTAGES = {
  killed: {
    begin: ({ redis }) => redis.kill(),
    end: ({ redis }) => redis.restart(),
    refusesPurges: true,
  },
  frozen: {
    begin: async ({ redis }) => redis.pause(),
    end: async ({ redis }) => redis.resume(),
    refusesPurges: true,
  },
  'black-holed': {
    begin: async (scene) => setLinks(scene, 'blackhole'),
    end: async (scene) => setLinks(scene, 'pass'),
    refusesPurges: true,
  },
  'read-only': {
    begin: ({ redis }) => redis.cli('REPLICAOF', '127.0.0.1', '1'), // nothing listens there
    end: ({ redis }) => redis.cli('REPLICAOF', 'NO', 'ONE'),
    refusesPurges: true,
  },
  'out of memory': {
    begin: ({ redis }) => redis.cli('CONFIG', 'SET', 'maxmemory', '1'),
    end: ({ redis }) => redis.cli('CONFIG', 'SET', 'maxmemory', '0'),
    refusesPurges: true,
  },
  flushed: {
    begin: ({ redis }) => redis.cli('FLUSHALL'),
    end: async () => {},
    refusesPurges: false,
  },
  'failed over': {
    async begin({ fleet, redis, stack }) {
      const replica = stack.use(await startRedis({ flags: ['--replicaof', '127.0.0.1', String(redis.port)] }))
      while (!(await replica.cli('INFO', 'replication')).includes('master_link_status:up')) await sleep(50)
      await redis.kill()
      await replica.cli('REPLICAOF', 'NO', 'ONE')
      for (const { link } of fleet.nodes) link.redirect(replica)
    },
    end: async () => {},
    refusesPurges: false,
  },
} satisfies Record<string, Outage>

export type OutageName = keyof typeof OUTAGES

export interface OutageOptions {
  readonly perSecond: number
  /** Clients that arrive while this many wait are dropped; undefined: none is. */
  readonly mostWaiting?: number
  /** Durations before and of the outage, which lasts longer if no purge has been answered by then. */
  readonly beforeMs: number
  readonly duringMs: number
  readonly leaseMs: number
}

export interface OutageReport {
  readonly requests: number
  /** Errors of unanswered requests, and statuses other than 200. */
  readonly failures: readonly string[]
  /** 99th percentile of the latency, in ms. */
  readonly p99: { readonly before: number; readonly during: number; readonly after: number }
  readonly hitRatioBefore: number
  /** From the end of the outage until the hit ratio was nearly restored, in ms; Infinity: it never was. */
  readonly recoveredAfterMs: number
  /** The state of Redis and of each node at that time, one line each. */
  readonly condition: readonly string[]
  /** Statuses of purges called and answered during the outage. */
  readonly purges: readonly number[]
  /** Status of the last purge called after it: the first that all nodes applied, if any was. */
  readonly purgeAfter: number
  /** Answers that should not have been given, explained. */
  readonly violations: readonly string[]
}

const NODES = 3
const KEYS = Array.from({ length: 60 }, (_, at) => `/load/${at}`)
const RESOURCES = KEYS.map((key) => resource(key, { 'Cache-Control': 'max-age=600' }))
const PURGE_EVERY_MS = 200
const RECOVERED = 0.95
const WINDOW_MS = 1_000
const MAX_RECOVERY_MS = 90_000
const LATELY_MS = 5_000

/** A fleet under load before, during and after an outage. */
export async function runOutage(name: OutageName, options: OutageOptions): Promise<OutageReport> {
  await using stack = new AsyncDisposableStack()
  const outage: Outage = OUTAGES[name]
  const { leaseMs, perSecond, mostWaiting, beforeMs, duringMs } = options
  const history = emptyHistory()
  const origin = new VersionedOrigin(history, { pauses: () => ({ head: 5, body: 0 }), fails: () => false }, RESOURCES)
  const { url } = stack.use(await serve(origin))
  const redis = stack.use(await startRedis())
  const fleet = stack.use(await startFleet(NODES, { origin: url, redisPort: redis.port, leaseMs }))
  const scene = { fleet, redis, stack }
  const urls = fleet.nodes.map(({ herdgate }) => herdgate.url)
  const load = startLoad({ urls, keys: KEYS, perSecond, mostWaiting, history })

  while (history.gets.length < 2 * KEYS.length * NODES) await sleep(10) // a miss and a hit for every key at every node
  const startedAt = performance.now()
  await sleep(beforeMs)
  const beganAt = performance.now()
  await load.answered()
  await outage.begin(scene)
  const purger = startPurging(scene, origin, history)
  await sleep(duringMs)
  while (!history.purges.some(({ call, answer }) => beganAt <= call && answer !== undefined)) await sleep(10)
  const endsAt = performance.now()
  await outage.end(scene)
  const endedAt = performance.now()
  await purger.stop()
  const hitRatioBefore = hitRatio(history.gets, startedAt, beganAt) ?? 0
  const recoveredAt = await recovery(history, endedAt, RECOVERED * hitRatioBefore)
  const condition = await conditionOf(fleet, redis, lately(history))
  const lastStatus = () => history.purges.at(-1)?.answer?.status ?? 0
  do await startPurging(scene, origin, history).stop()
  while (lastStatus() !== 200 && performance.now() < endedAt + MAX_RECOVERY_MS)
  await sleep(2 * WINDOW_MS)
  await load.stop()

  const p99 = (from: number, to: number) => latency(history.gets, from, to, 0.99)
  const during = history.purges.filter(({ call, answer }) => beganAt <= call && (answer?.at ?? 0) < endsAt)
  return {
    requests: history.gets.length + load.failures.length,
    failures: failuresOf(load, history),
    p99: { before: p99(startedAt, beganAt), during: p99(beganAt, endsAt), after: p99(endsAt, performance.now()) },
    hitRatioBefore,
    recoveredAfterMs: recoveredAt - endedAt,
    condition,
    purges: during.map(({ answer }) => answer?.status ?? 0),
    purgeAfter: lastStatus(),
    violations: check(history).map((violation) => explain(history, violation)),
  }
}

function lately({ gets }: History): Get[] {
  const from = performance.now() - LATELY_MS
  return gets.filter(({ start }) => start >= from)
}

const failuresOf = ({ failures }: Load, { gets }: History): string[] =>
  failures.concat(
    gets.filter(({ status }) => status !== 200).map(({ status, cacheStatus }) => `${status} ${cacheStatus}`),
  )

/** Changes a key and purges it at regular intervals, through one node after another. */
function startPurging({ fleet }: Scene, origin: VersionedOrigin, history: History): { stop(): Promise<void> } {
  const asked: Promise<void>[] = []
  const once = () => {
    const at = history.purges.length
    const key = KEYS[at % KEYS.length] ?? '/'
    const node = at % NODES
    origin.write(key)
    const record = {
      mode: 'purge' as const,
      node: String(node),
      keys: [key],
      call: performance.now(),
      answer: undefined,
    }
    history.purges.push(record)
    const answered = fleet.nodes[node]?.herdgate.ask('/v1/purge', { urls: [SITE + key] }).then(({ status }) => {
      Object.assign(record, { answer: { at: performance.now(), status } })
    })
    if (answered !== undefined) asked.push(answered)
  }
  once()
  const timer = setInterval(once, PURGE_EVERY_MS)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(asked)
    },
  }
}

/** When the first window with enough hits begins; Infinity if there is none in time. */
async function recovery({ gets }: History, from: number, least: number): Promise<number> {
  for (let begins = from; performance.now() < from + MAX_RECOVERY_MS; begins += WINDOW_MS / 10) {
    while (performance.now() < begins + WINDOW_MS) await sleep(WINDOW_MS / 10)
    const ratio = hitRatio(gets, begins, begins + WINDOW_MS)
    if (ratio !== undefined && ratio >= least) return begins
  }
  return Number.POSITIVE_INFINITY
}
