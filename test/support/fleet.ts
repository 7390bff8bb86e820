/** Herdgate processes that share a Redis, each by a way of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { type Herdgate, isWhole, startHerdgate } from './herdgate.ts'
import { until } from './waiting.ts'

export interface FleetOptions {
  /** URL of the origin. */
  readonly origin: string
  readonly redisPort: number
  readonly prefix?: string
  /** Of coherence, in ms. */
  readonly leaseMs?: number
  /** After which a node goes on without Redis, in ms. */
  readonly deadlineMs?: number
  /** Keys of the one route. */
  readonly route?: Readonly<Record<string, unknown>>
}

export interface FleetNode extends AsyncDisposable {
  readonly herdgate: Herdgate
  /** Between it and Redis. */
  readonly link: FaultProxy
  /** Ends it; by SIGKILL at once. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Starts one more node. */
export async function startFleetNode(options: FleetOptions): Promise<FleetNode> {
  const { origin, redisPort, prefix = 'test', leaseMs = 5_000, deadlineMs = 50, route = {} } = options
  const link = await startFaultProxy({ port: redisPort })
  const folder = mkdtempSync(join(tmpdir(), 'herdgate-node-'))
  const config = join(folder, 'herdgate.yaml')
  const url = `redis://127.0.0.1:${link.port}`
  const document = {
    version: 1,
    origins: { api: { urls: [origin] } },
    routes: [{ name: 'default', origin: 'api', ...route }],
    store: { redis: { url, deadline: `${deadlineMs}ms` } },
    coherence: { lease: `${leaseMs}ms` },
  }
  writeFileSync(config, JSON.stringify(document))
  const redis = ['--redis', url, '--redis-prefix', prefix]
  const herdgate = await startHerdgate(['--config', config, '--log-level', 'warn', ...redis])
  const stop = async (signal?: NodeJS.Signals) => {
    await herdgate.stop(signal)
    await link.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { herdgate, link, stop, [Symbol.asyncDispose]: () => stop() }
}

export interface Fleet extends AsyncDisposable {
  readonly nodes: readonly FleetNode[]
}

/** Starts so many nodes, and waits until each has found Redis: one listens before. */
export async function startFleet(count: number, options: FleetOptions): Promise<Fleet> {
  const nodes = await Promise.all(Array.from({ length: count }, () => startFleetNode(options)))
  const stop = async () => void (await Promise.all(nodes.map((node) => node.stop())))
  try {
    for (const { herdgate } of nodes) await until(() => isWhole(herdgate), 'nothing is degraded', 60_000)
  } catch (error) {
    await stop()
    throw error
  }
  return { nodes, [Symbol.asyncDispose]: stop }
}
