/** Runs every command of the documentation, and compares its output with what the page shows. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSlowApi, type SlowApi } from '../../src/demo.ts'
import { RawClient } from '../hostile/client.ts'
import { notShown, type Step, stepsIn } from '../support/documented.ts'
import { newFolder } from '../support/folder.ts'
import { until } from '../support/waiting.ts'

const REPOSITORY = join(import.meta.dirname, '../..')
const pages = globSync(['*.md', 'docs/*.md'], { cwd: REPOSITORY }).sort()
const read = (page: string): string => readFileSync(join(REPOSITORY, page), 'utf8')

/** The addresses in the pages, each with the real one. */
interface Places {
  readonly 'localhost:8080': string
  readonly 'localhost:9090': string
  readonly 'localhost:3000': string
}

const START = 'herdgate --origin http://localhost:3000'
const PAGE_MS = 180_000

let folder: string
let api: SlowApi
let running: ChildProcess | undefined
let origin: string
let places: Places
let token: string

beforeEach(async () => {
  folder = newFolder()
  const command = join(folder, 'herdgate')
  writeFileSync(command, `#!/bin/sh\nexec ${process.execPath} ${join(REPOSITORY, 'src/cli.ts')} "$@"\n`)
  chmodSync(command, 0o755)
  provideModules()
  api = createSlowApi({ latencyMs: 20 })
  origin = new URL(await api.listen()).host
  token = 'the-token-of-the-documentation'
})
afterEach(async () => {
  await stop()
  await api.close()
  await rm(folder, { recursive: true })
})

describe('the commands of the documentation work as shown', () => {
  const withSteps = pages.map((page) => ({ page, steps: stepsIn(read(page)) })).filter(({ steps }) => steps.length > 0)

  test.each(withSteps)(
    '$page',
    async ({ steps }) => {
      if (steps[0]?.kind !== 'server') await start(START)
      for (const step of steps) await take(step)
    },
    PAGE_MS,
  )
})

test('the webhook of docs/purging.md purges what a signed request names, and nothing else', async () => {
  const [, program = ''] = /^```ts\n([^]*?)^```$/m.exec(read('docs/purging.md')) ?? []
  writeFileSync(join(folder, 'webhook.ts'), program)
  await start(START)
  const admin = `http://${places['localhost:9090']}`
  const environs = { ...environment(), HERDGATE_ADMIN: admin, WEBHOOK_SECRET: 'shared', PORT: String(await freePort()) }
  const webhook = spawn(process.execPath, ['webhook.ts'], { cwd: folder, env: environs, stdio: 'inherit' })
  try {
    const post = (signature: string) =>
      fetch(`http://127.0.0.1:${environs.PORT}`, { method: 'POST', body, headers: { 'x-signature': signature } })
    const body = '{"product":42}'
    const product = async () =>
      (await fetch(`http://${places['localhost:8080']}/products/42`)).headers.get('cache-status')
    await until(async () => (await post('none').catch(() => undefined))?.status === 401, 'the webhook listens')
    await product()
    expect((await post('00'.repeat(32))).status).toBe(401)
    expect(await product()).toContain('hit')
    const answer = await post(createHmac('sha256', 'shared').update(body).digest('hex'))
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status: 200,
      body: { nodes: { acked: 1 } },
    })
    expect(await product()).toContain('fwd=uri-miss')
  } finally {
    webhook.kill()
    await once(webhook, 'exit')
  }
})

test('the server of docs/library.md sends a pipelined answer after the 100 Continue of its request, not around it', async () => {
  const program = stepsIn(read('docs/library.md')).find(({ name }) => name === 'handle.ts')
  writeFileSync(join(folder, 'handle.ts'), (program?.text ?? '').replace('localhost:3000', origin))
  await start('node handle.ts')
  using client = await RawClient.connect(Number(places['localhost:8080'].split(':')[1]))
  const asking = (fields: string) => `GET /products/42 HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`
  client.send(asking('') + asking('Expect: 100-continue\r\n'))
  const { responses, interim, rest } = await client.receive(2)
  expect([responses.map(({ body }) => JSON.parse(body).id), interim, rest]).toEqual([[42, 42], [100], ''])
})

describe('the application of docs/embedding-in-fastify.md', () => {
  const command = 'SLOW_API=http://localhost:3000 TOKEN=secret node app.ts'
  beforeEach(() => {
    const application = stepsIn(read('docs/embedding-in-fastify.md')).find(({ name }) => name === 'app.ts')
    writeFileSync(join(folder, 'app.ts'), application?.text ?? '')
  })

  test.each(['TOKEN=', 'env -u TOKEN'])('does not start without a token: %s', async (without) => {
    await expect(start(command.replace('TOKEN=secret', without))).rejects.toThrow('ended before')
  })

  test('does not store a failure as a value', async () => {
    let status = 503
    const failing = createHttpServer((_, response) => response.writeHead(status).end(`{"status":${status}}`))
    origin = `127.0.0.1:${await portOf(failing.listen(0, '127.0.0.1'))}`
    try {
      await start(command)
      const busiest = () => fetch(`http://${places['localhost:8080']}/busiest`)
      expect((await busiest()).status).toBe(500)
      status = 200
      await until(async () => (await busiest()).ok, 'it is requested again')
      expect(await (await busiest()).json()).toEqual({ status: 200 })
    } finally {
      failing.close()
    }
  })
})

test('docs/configuration.md has each flag of `herdgate serve`', async () => {
  const { output } = await shell('herdgate serve --help')
  const flags = (text: string) => new Set([...text.matchAll(/^(?: +|\| `)(--[a-z-]+)/gm)].map(([, flag]) => flag))
  expect(flags(read('docs/configuration.md'))).toEqual(flags(output))
})

async function take({ text, name, kind, shown, line }: Step): Promise<void> {
  if (kind === 'server') return start(text)
  if (kind === 'file') return writeFileSync(join(folder, name), atPlaces(text))
  const { code, output } = await shell(atPlaces(text))
  const said = `line ${line}:\n${text}\nended with ${code} and said\n${output}`
  expect(code === 0, said).toBe(kind === 'run')
  expect(notShown(shown.map(atPlaces), output), said).toBeUndefined()
}

const atPlaces = (text: string): string =>
  Object.entries(places).reduce(
    (so, [told, real]) => so.replaceAll(told, real),
    text.replaceAll('127.0.0.1:', 'localhost:'),
  )

// --------------------------------------------------------------------------------------------------- processes

function environment(): Record<string, string | undefined> {
  const others = Object.entries(process.env).filter(([name]) => !/^(?:HERDGATE_|REDIS_URL$|PORT$)/.test(name))
  return {
    ...Object.fromEntries(others),
    PATH: [folder, dirname(process.execPath), process.env['PATH'], join(REPOSITORY, 'test/support/bin')].join(
      delimiter,
    ),
    TOKEN: token,
    HERDGATE_ADMIN_TOKEN: token,
    HERDGATE_HOST: '127.0.0.1',
  }
}

async function shell(script: string): Promise<{ code: number | null; output: string }> {
  const admin = new URL(`http://${places['localhost:9090']}`).port
  const child = spawn('sh', ['-c', `exec 2>&1; set -e; ${script}`], {
    cwd: folder,
    env: { ...environment(), HERDGATE_ADMIN_PORT: admin },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  const port = await portOf(server)
  await new Promise((closed) => server.close(closed))
  return port
}

async function portOf(server: Server): Promise<number> {
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** What programs import: the sources, as if they were installed, and Fastify. */
function provideModules(): void {
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, 'herdgate'), { recursive: true })
  symlinkSync(join(REPOSITORY, 'node_modules/fastify'), join(modules, 'fastify'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(modules, 'herdgate/package.json'), '{"type":"module","exports":"./index.js"}')
  writeFileSync(join(modules, 'herdgate/index.js'), `export * from '${join(REPOSITORY, 'src/index.ts')}'\n`)
}

/** Runs the script with free ports, and finds out which they are. */
async function start(script: string): Promise<void> {
  await stop()
  places = { 'localhost:8080': 'no-data-port', 'localhost:9090': 'no-admin-port', 'localhost:3000': origin }
  const anyPorts = 'herdgate demo --port 0 --admin-port 0 --origin-port 0'
  const child = spawn('sh', ['-c', atPlaces(script).replace(/^herdgate demo$/m, anyPorts)], {
    cwd: folder,
    env: { ...environment(), HERDGATE_PORT: '0', HERDGATE_ADMIN_PORT: '0', PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // a process group of its own, to be killed as a whole
  })
  running = child
  for await (const line of createInterface({ input: child.stdout })) {
    const hosts = (line.match(/http:\/\/[\w.]+:\d+/g) ?? []).map((url) => new URL(url).host)
    note(line, hosts)
    if (/listening on|listening at|^Admin API/.test(line)) return void child.stdout.resume()
  }
  throw new Error(`ended before it was listening: ${script}`)
}

/** Takes addresses and token from a line that `herdgate serve` or `herdgate demo` prints. */
function note(line: string, [first = '', second = '']: readonly string[]): void {
  const [, made] = / token (\S+)/.exec(line) ?? []
  const [, given] = /listening on (\S+)/.exec(line) ?? []
  if (given !== undefined) places = { ...places, 'localhost:8080': first, 'localhost:9090': second }
  if (line.startsWith('Herdgate ') || line.includes('listening at')) places = { ...places, 'localhost:8080': first }
  if (line.startsWith('Slow API ')) places = { ...places, 'localhost:3000': first }
  if (line.startsWith('Dashboard ')) places = { ...places, 'localhost:9090': first }
  if (made !== undefined) token = made
}

async function stop(): Promise<void> {
  const child = running
  running = undefined
  if (child?.pid === undefined || child.exitCode !== null) return
  const ended = once(child, 'exit')
  process.kill(-child.pid, 'SIGKILL')
  await ended
}
