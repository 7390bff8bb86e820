/** Nodes that share an origin and a Redis, with injected faults. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Server, startServer } from '../lib/processes.ts'

export interface FleetOptions {
  readonly nodes: number
  readonly origin: string
  /** URL; undefined if there is none. */
  readonly redis: string | undefined
  /** Prefix of the keys in Redis, so that fleets are separate. */
  readonly name: string
  readonly memory: string
  readonly memoryErrorRate: number
  readonly originErrorRate: number
  readonly seed: number
}

export interface Fleet extends AsyncDisposable {
  /** Base URLs of the nodes. */
  readonly urls: readonly string[]
  readings(): Promise<Readings>
}

export interface Readings {
  /** Fetches that ended without a response, or with an error of the origin. */
  readonly failedFetches: number
  /** Operations of stores that failed or found damage. */
  readonly storeErrors: number
  /** Of the node with the most, in bytes. */
  readonly residentBytes: number
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const folder = await mkdtemp(join(tmpdir(), 'herdgate-chaos-'))
  const started = await Promise.allSettled(
    Array.from({ length: options.nodes }, (_, node) => startNode(options, node, folder)),
  )
  const nodes = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
    await rm(folder, { recursive: true, force: true })
  }
  const failed = started.find((result) => result.status === 'rejected')
  if (failed !== undefined) {
    await stop()
    throw failed.reason
  }
  const admins = nodes.map(({ urls }) => urls[1] ?? '')
  return {
    urls: nodes.map(({ urls }) => urls[0] ?? ''),
    readings: async () => sum(await Promise.all(admins.map(read))),
    [Symbol.asyncDispose]: stop,
  }
}

async function startNode(options: FleetOptions, node: number, folder: string): Promise<Server> {
  const file = join(folder, `node-${node}.yaml`)
  await writeFile(file, stringify(configuration(options, node)))
  return startServer('server', ['src/cli.ts', 'serve', '--chaos', '--config', file, '--log-level', 'error'])
}

/** Redis fails, is slow, returns damaged entries, and is out of reach for half a second of every five. */
function configuration(options: FleetOptions, node: number): object {
  const { origin, redis, name, memory, memoryErrorRate, originErrorRate, seed } = options
  const away = { every: '5s', for: '500ms' }
  const redisFaults = { errorRate: 0.05, delay: '0ms..5ms', corruption: 0.02, partition: away }
  return {
    version: 1,
    listen: { host: '127.0.0.1', port: 0 },
    admin: { port: 0 },
    origins: { api: { urls: [origin] } },
    store: { memory: { maxBytes: memory }, ...(redis !== undefined && { redis: { url: redis, prefix: name } }) },
    chaos: {
      seed: seed + node,
      store: { memory: { errorRate: memoryErrorRate }, ...(redis !== undefined && { redis: redisFaults }) },
      origins: { api: { errorRate: originErrorRate } },
    },
  }
}

async function read(admin: string): Promise<Readings> {
  const metrics = await (await fetch(`${admin}/metrics`)).text()
  return {
    failedFetches: total(metrics, 'herdgate_origin_requests_total', (labels) => !/code="[23]/.test(labels)),
    storeErrors: total(metrics, 'herdgate_store_operations_total', (labels) => labels.includes('outcome="error"')),
    residentBytes: total(metrics, 'process_resident_memory_bytes', () => true),
  }
}

function total(metrics: string, name: string, counts: (labels: string) => boolean): number {
  const samples = metrics.matchAll(new RegExp(`^${name}(\\{.*\\})? (\\S+)$`, 'gm'))
  return [...samples].filter(([, labels = '']) => counts(labels)).reduce((sum, [, , value]) => sum + Number(value), 0)
}

const sum = (readings: readonly Readings[]): Readings => ({
  failedFetches: readings.reduce((all, { failedFetches }) => all + failedFetches, 0),
  storeErrors: readings.reduce((all, { storeErrors }) => all + storeErrors, 0),
  residentBytes: Math.max(...readings.map(({ residentBytes }) => residentBytes)),
})
