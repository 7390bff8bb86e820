/** Herdgate processes that share a Redis, each through a fault proxy of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { type Herdgate, isFullyReady, startHerdgate } from './herdgate.ts'
import { until } from './waiting.ts'

export interface FleetOptions {
  /** URL of the origin. */
  readonly origin: string
  readonly redisPort: number
  readonly prefix?: string
  /** Coherence lease, in ms. */
  readonly leaseMs?: number
  /** Redis deadline, in ms: after it a node continues without Redis. */
  readonly deadlineMs?: number
  /** Options of the only route. */
  readonly route?: Readonly<Record<string, unknown>>
}

export interface FleetNode extends AsyncDisposable {
  readonly herdgate: Herdgate
  /** The fault proxy between it and Redis. */
  readonly link: FaultProxy
  /** Stops it; SIGKILL kills it at once. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

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

/** Starts nodes and waits until each is connected to Redis, which may be after it listens. */
export async function startFleet(count: number, options: FleetOptions): Promise<Fleet> {
  const nodes = await Promise.all(Array.from({ length: count }, () => startFleetNode(options)))
  const stop = async () => void (await Promise.all(nodes.map((node) => node.stop())))
  try {
    for (const { herdgate } of nodes) await until(() => isFullyReady(herdgate), 'nothing is degraded', 60_000)
  } catch (error) {
    await stop()
    throw error
  }
  return { nodes, [Symbol.asyncDispose]: stop }
}
