import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { type Config, loadConfig } from '../config.ts'
import { HerdgateError } from '../errors.ts'
import { systemClock } from '../clock.ts'
import { createServer } from '../server.ts'
import { createSlowApi } from './slow-api.ts'
import { demoSwitches } from './switches.ts'
import { createTraffic } from './traffic.ts'

export interface DemoOptions {
  /** Ports of Herdgate and of the slow API, all on loopback; 0 takes any free one. */
  readonly port: number
  readonly adminPort: number
  readonly originPort: number
  /** Takes each line that tells the visitor what is running and what to try. */
  readonly out: (line: string) => void
  /** Prints a line for each request on standard output. Default: if that is a terminal. */
  readonly pretty?: boolean
}

export interface Demo {
  /** Base URLs. */
  readonly data: string
  readonly admin: string
  readonly origin: string
  readonly adminToken: string
  /** Stops Herdgate, then the slow API. */
  close(): Promise<void>
}

/**
 * Starts the slow API and Herdgate in front of it, and says what to try. Reads neither environment nor file.
 * Rejects if a port is taken, leaving nothing running.
 */
export async function runDemo(options: DemoOptions): Promise<Demo> {
  const { out, pretty = process.stdout.isTTY } = options
  let data = ''
  let admin = ''
  const { random } = Math
  const api = createSlowApi({ dashboard: () => `${admin}/dashboard` })
  const origin = await api.listen(options.originPort)
  const traffic = createTraffic({ url: () => data, clock: systemClock, random })
  const extras = { origin: () => origin, data: () => data, hits: (path: string) => api.hits(path), traffic, random }
  const adminToken = randomBytes(18).toString('base64url')
  const stack = new AsyncDisposableStack()
  stack.defer(() => api.close())
  try {
    const logger = pino({ level: pretty ? 'info' : 'warn' })
    const config = demoConfig(origin, adminToken, options)
    const adminExtension = demoSwitches(extras)
    const server = createServer(config, { logger, adminToken, pretty, adminExtension })
    stack.defer(() => server.close())
    stack.defer(() => traffic.stop())
    const urls = await server.listen()
    data = urls.data
    admin = urls.admin
    for (const line of welcome({ data, admin, origin, adminToken })) out(line)
    return { data, admin, origin, adminToken, close: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

function demoConfig(origin: string, adminToken: string, { port, adminPort }: DemoOptions): Config {
  const flags = {
    origin: [origin],
    host: '127.0.0.1',
    port: String(port),
    adminPort: String(adminPort),
    adminToken,
  }
  const loaded = loadConfig({ flags, env: {}, readFile: () => '' })
  if (loaded.ok) return loaded.config
  throw new HerdgateError('internal', loaded.faults.map(({ where, message }) => `${where}: ${message}`).join('; '))
}

/** What is running where, and three lines to paste into a shell. */
function welcome({ data, admin, origin, adminToken }: Omit<Demo, 'close'>): string[] {
  return [
    `Herdgate   ${data}   (open this one in a browser)`,
    `Slow API   ${origin}   (the same, without a cache)`,
    `Dashboard  ${admin}/dashboard   token ${adminToken}`,
    `Admin API  ${admin}/docs`,
    '',
    'Slow once, fast after: the same request twice.',
    `  curl -si -w '\\n%{time_total} s\\n\\n' ${data}/products/42 ${data}/products/42`,
    '',
    'A herd of twenty for something new: the API is asked once.',
    `  (for i in $(seq 20); do curl -s -o /dev/null ${data}/products/7 & done; wait; curl -s ${data}/__stats)`,
    '',
    'Purge by tag: the next request is slow again.',
    `  curl -s -X POST -H 'Authorization: Bearer ${adminToken}' ${admin}/v1/purge/tags/products`,
    '',
  ]
}
