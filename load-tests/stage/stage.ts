/** Origin, Redis, nodes and balancer for one scenario, and the control server that makes some of them fail. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Redis, startRedis } from '../lib/redis.ts'
import { portOf } from '../lib/herdgate.ts'
import { type Server, startServer } from '../lib/processes.ts'
import { startBalancer } from './balancer.ts'
import { type Node, startNode } from './node.ts'
import type { Plan } from './plans.ts'

/** Longer than the balancer takes to notice, even on a busy machine. */
const DRAIN_DELAY = '3s'
const ADMIN_TOKEN = 'the-token-of-the-load-tests'

export interface Stage extends AsyncDisposable {
  /** Environment variables for the scenario. */
  readonly variables: Readonly<Record<string, string>>
}

export async function startStage({ nodes: count, redis: wantsRedis, balanced, memory, ...plan }: Plan): Promise<Stage> {
  await using started = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'herdgate-load-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const origin = started.use(await startOrigin(plan.originDelayMs))
  const redis = wantsRedis ? started.use(await startRedisOnDemand()) : undefined
  const shared = { folder, origin: origin.url, redis: redis?.url, memory, adminToken: ADMIN_TOKEN }
  const nodes: Node[] = []
  for (let number = 0; number < count; number++) {
    const options = { ...shared, name: `node-${number}`, drainDelay: balanced ? DRAIN_DELAY : '0s' }
    nodes.push(started.use(await startNode(options)))
  }
  const balancer = balanced ? started.use(await startBalancer(nodes)) : undefined
  const control = started.use(await startControl(faultsOf(origin, redis, nodes)))
  const stack = started.move()
  return {
    variables: {
      NODES: balancer?.url ?? nodes.map(({ url }) => url).join(','),
      ADMINS: nodes.map(({ admin }) => admin).join(','),
      ADMIN_TOKEN,
      ORIGIN: origin.url,
      ORIGIN_DELAY_MS: String(plan.originDelayMs),
      CONTROL: control.url,
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** A server that can be stopped, and started again at the same address. */
interface OnDemand extends AsyncDisposable {
  readonly url: string
  start(): Promise<void>
  /** Stops it at once, like a crash. */
  stop(): Promise<void>
}

async function startOrigin(delayMs: number): Promise<OnDemand> {
  const startAt = (port: number) => startServer('generator', ['load-tests/stage/origin.ts', `${delayMs}`, `${port}`])
  let running: Server = await startAt(0)
  const url = running.urls[0] ?? ''
  const stop = async () => void (await running.stop('SIGKILL'))
  const start = async () => void (running = await startAt(portOf(url)))
  return { url, start, stop, [Symbol.asyncDispose]: stop }
}

async function startRedisOnDemand(): Promise<OnDemand> {
  const startAt = async (port?: number): Promise<Redis> => {
    const redis = await startRedis(port)
    if (redis === undefined) throw new Error('this scenario needs redis-server (Redis 7 or newer) on the PATH')
    return redis
  }
  let running = await startAt()
  const { url } = running
  const stop = async () => running[Symbol.asyncDispose]()
  const start = async () => void (running = await startAt(portOf(url)))
  return { url, start, stop, [Symbol.asyncDispose]: stop }
}

type Faults = Readonly<Record<string, () => Promise<void>>>

function faultsOf(origin: OnDemand, redis: OnDemand | undefined, nodes: readonly Node[]): Faults {
  return {
    '/origin/stop': () => origin.stop(),
    '/origin/start': () => origin.start(),
    ...(redis !== undefined && { '/redis/stop': () => redis.stop(), '/redis/start': () => redis.start() }),
    ...Object.fromEntries(nodes.map((node, number) => [`/nodes/${number}/restart`, () => node.restart()])),
  }
}

/** Lets scenarios trigger faults, by one POST each. */
async function startControl(faults: Faults): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    const make = faults[request.url ?? '']
    if (make === undefined) return void response.writeHead(404).end()
    make().then(
      () => response.writeHead(204).end(),
      (error: unknown) => {
        console.error(error)
        response.writeHead(500).end()
      },
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}
