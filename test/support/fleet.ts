/** Herdgate processes that share a Redis, each by a way of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { type Herdgate, startHerdgate } from './herdgate.ts'

export interface FleetOptions {
  /** URL of the origin. */
  readonly origin: string
  readonly redisPort: number
  readonly prefix?: string
  /** Of coherence, in ms. */
  readonly leaseMs?: number
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
  const { origin, redisPort, prefix = 'test', leaseMs = 5_000, route = {} } = options
  const link = await startFaultProxy({ port: redisPort })
  const folder = mkdtempSync(join(tmpdir(), 'herdgate-node-'))
  const config = join(folder, 'herdgate.yaml')
  const document = {
    version: 1,
    origins: { api: { urls: [origin] } },
    routes: [{ name: 'default', origin: 'api', ...route }],
    coherence: { lease: `${leaseMs}ms` },
  }
  writeFileSync(config, JSON.stringify(document))
  const redis = ['--redis', `redis://127.0.0.1:${link.port}`, '--redis-prefix', prefix]
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

export async function startFleet(count: number, options: FleetOptions): Promise<Fleet> {
  const nodes = await Promise.all(Array.from({ length: count }, () => startFleetNode(options)))
  return {
    nodes,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}
