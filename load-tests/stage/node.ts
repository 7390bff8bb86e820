import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { portOf } from '../lib/herdgate.ts'
import { type Server, startServer } from '../lib/processes.ts'

export interface NodeOptions {
  /** Name of its configuration file in `folder`. */
  readonly name: string
  readonly folder: string
  readonly origin: string
  readonly redis: string | undefined
  readonly memory: string
  readonly drainDelay: string
  readonly adminToken: string
}

/** A Herdgate that can be restarted on the same ports. */
export interface Node extends AsyncDisposable {
  readonly url: string
  readonly admin: string
  /** Ends it by SIGTERM, then starts a new one. @throws if the exit code was not 0 */
  restart(): Promise<void>
}

const READY_WITHIN_MS = 60_000

export async function startNode(options: NodeOptions): Promise<Node> {
  let running = await start(options, 0, 0)
  const [url = '', admin = ''] = running.urls
  await untilReady(admin)
  return {
    url,
    admin,
    async restart() {
      const code = await running.stop()
      running = await start(options, portOf(url), portOf(admin))
      await untilReady(admin)
      if (code !== 0) throw new Error(`${options.name} ended with ${code}`)
    },
    [Symbol.asyncDispose]: async () => void (await running.stop()),
  }
}

async function start(options: NodeOptions, port: number, adminPort: number): Promise<Server> {
  const { name, folder, origin, redis, memory, drainDelay, adminToken } = options
  const file = join(folder, `${name}.yaml`)
  const document = {
    version: 1,
    listen: { host: '127.0.0.1', port, drainDelay },
    admin: { port: adminPort, token: adminToken },
    origins: { api: { urls: [origin] } },
    routes: [{ name: 'all', origin: 'api' }],
    store: { memory: { maxBytes: memory }, ...(redis !== undefined && { redis: { url: redis, prefix: 'load' } }) },
  }
  await writeFile(file, stringify(document))
  return startServer('server', ['src/cli.ts', 'serve', '--config', file, '--log-level', 'error'])
}

async function untilReady(admin: string): Promise<void> {
  for (const endsAt = performance.now() + READY_WITHIN_MS; performance.now() < endsAt; await sleep(50)) {
    if ((await fetch(`${admin}/readyz`)).ok) return
  }
  throw new Error(`${admin} is not ready in ${READY_WITHIN_MS} ms`)
}
