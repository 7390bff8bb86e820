/** Faults of the process: stopped under load, suspended, out of file descriptors, its clock changed. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import http, { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get } from '../support/http.ts'
import { listen } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

const STOPPED_MS = 6_000
/** Timeout of the origin: shorter than the suspension, and long enough for any answer on a slow machine. */
const TIMEOUT_MS = 4_000
const FRESH = { 'Cache-Control': 'max-age=60' }

let server: Server
let herdgate: Herdgate
const targets: string[] = []
/** Pending answers of the origin for paths below `/held/`. */
const held: { readonly request: IncomingMessage; readonly response: ServerResponse }[] = []

beforeEach(async () => {
  targets.length = 0
  held.length = 0
  server = createServer((request, response) => {
    const { url = '' } = request
    targets.push(url)
    if (url.startsWith('/held/')) held.push({ request, response })
    else response.writeHead(200, FRESH).end(`plain ${url}`)
  })
  await listen(server)
})
afterEach(async () => {
  await herdgate.stop()
  server.closeAllConnections()
  server.close()
})

async function start(flags: readonly string[] = [], env: Record<string, string> = {}): Promise<void> {
  herdgate = await startHerdgate(['--origin', originUrl(), ...flags], env)
}

function originUrl(): string {
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

const release = (): void => {
  for (const { request, response } of held.splice(0)) response.writeHead(200, FRESH).end(`held ${request.url}`)
}

async function expectWell(path = '/victim'): Promise<void> {
  for (const result of [/; fwd=uri-miss/, /; hit/]) {
    expect(await get(herdgate.url + path)).toMatchObject({
      status: 200,
      body: `plain ${path}`,
      cacheStatus: expect.stringMatching(result),
    })
  }
  expect(targets.filter((target) => target === path)).toHaveLength(1)
  expect(herdgate.child.exitCode).toBeNull()
}

test('SIGTERM under load: every request is answered completely, and it exits 0', async () => {
  await start()
  const agent = new http.Agent({ keepAlive: true })
  await Promise.all(Array.from({ length: 20 }, (_, number) => get(`${herdgate.url}/kept?${number}`, { agent })))
  const paths = Array.from({ length: 60 }, (_, number) => `/held/${number % 3 === 0 ? 'same' : number}`)
  const answers = paths.map((path) => get(herdgate.url + path, { agent }))
  const distinct = new Set(paths)
  await until(() => held.length === distinct.size, 'all have reached the origin')
  const streaming = held.filter((_, at) => at % 4 === 0)
  for (const { response } of streaming) response.writeHead(200, FRESH).write('held ')

  const exited = once(herdgate.child, 'exit')
  herdgate.child.kill('SIGTERM')
  await until(() => herdgate.lines.some((line) => line.includes('SIGTERM')), 'it has received the signal')
  // Clients that connected before that are still answered.
  await expect.poll(() => get(`${herdgate.url}/late`).catch(String)).toMatch(/ECONNREFUSED|ECONNRESET|hang up/)
  for (const { request, response } of held) {
    if (response.headersSent) response.end(request.url)
    else response.writeHead(200, FRESH).end(`held ${request.url}`)
  }
  expect((await Promise.all(answers)).map(({ status, body }) => `${status} ${body}`)).toEqual(
    paths.map((path) => `200 held ${path}`),
  )
  expect(await exited).toEqual([0, null])
  expect(targets.filter((target) => target.startsWith('/held/'))).toHaveLength(distinct.size)
  agent.destroy()
})

/** Blocks a thread of the process in the kernel, like a stalled disk. */
const HELD_UP = `
import { open } from 'node:fs'
open(process.env.NEVER_WRITTEN, 'r', () => {})
`

test('a second SIGTERM ends it at once, even if a thread is blocked in the kernel', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'held-up-'))
  const pipe = join(directory.path, 'pipe')
  execFileSync('mkfifo', [pipe])
  await start([], {
    NEVER_WRITTEN: pipe,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(HELD_UP)}`,
  })
  const due = get(`${herdgate.url}/held/due`).catch(() => 'broken off')
  await until(() => held.length === 1, 'it has reached the origin')
  herdgate.child.kill('SIGTERM')
  await until(() => herdgate.lines.some((line) => line.includes('SIGTERM')), 'it has received the signal')
  expect(await herdgate.stop()).toBe(1)
  expect(await due).toBe('broken off')
})

test('a process suspended for longer than the origin timeouts answers what arrived meanwhile', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'stopped-'))
  const file = join(directory.path, 'herdgate.yaml')
  await writeFile(
    file,
    `version: 1\norigins: { main: { urls: ["${originUrl()}"], headersTimeout: ${TIMEOUT_MS}ms, bodyTimeout: ${TIMEOUT_MS}ms } }\n`,
  )
  herdgate = await startHerdgate(['--config', file])
  await expectWell('/before')
  const before = get(`${herdgate.url}/held/before`)
  await until(() => held.length === 1, 'it has reached the origin')
  herdgate.child.kill('SIGSTOP')
  release()
  const meanwhile = Array.from({ length: 50 }, (_, number) => get(`${herdgate.url}/${number % 2 ? 'before' : number}`))
  const liveness = herdgate.ask('/livez')
  await new Promise((resolve) => setTimeout(resolve, STOPPED_MS)) // the test is about this duration
  herdgate.child.kill('SIGCONT')
  expect((await before).body).toBe('held /held/before')
  expect(new Set((await Promise.all(meanwhile)).map(({ status }) => status))).toEqual(new Set([200]))
  expect((await liveness).status).toBe(200)
  expect(targets.filter((target) => target === '/before')).toHaveLength(1)
  await expectWell('/after')
})

/** On SIGUSR2 the wall clock of the process jumps by `HOURS`. */
const CLOCK = `
const { now } = Date
const Real = Date
let shift = 0
process.on('SIGUSR2', () => { shift += Number(process.env.HOURS) * 3_600_000; process.stdout.write('{"clock":"set"}\\n') })
globalThis.Date = class extends Real {
  constructor(...given) { given.length === 0 ? super(now() + shift) : super(...given) }
  static now() { return now() + shift }
}
`

describe('a clock change', () => {
  test.each(['1', '-1', '24', '-24'])('by %s hours does not change the age of stored responses', async (hours) => {
    await start(['--log-level', 'warn'], {
      HOURS: hours,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(CLOCK)}`,
    })
    await expectWell('/kept')
    herdgate.child.kill('SIGUSR2')
    await until(() => herdgate.lines.some((line) => line.includes('"clock"')), 'the clock is set')
    const kept = await get(`${herdgate.url}/kept`)
    expect(kept).toMatchObject({ status: 200, cacheStatus: expect.stringMatching(/; hit; ttl=\d+/) })
    expect(Number(kept.headers.age)).toBeLessThan(60)
    expect(targets.filter((target) => target === '/kept')).toHaveLength(1)
    await expectWell('/new')
    expect(Number((await get(`${herdgate.url}/new`)).headers.age)).toBeLessThan(60)
    expect((await herdgate.ask('/v1/purge', { urls: [`${herdgate.url}/kept`] })).status).toBe(200)
    expect((await get(`${herdgate.url}/kept`)).cacheStatus).toMatch(/; fwd=/)
  })
})

test('out of file descriptors: connected clients are served, and everything recovers', async () => {
  await start(['--log-level', 'silent'])
  await expectWell('/kept')
  const port = Number(new URL(herdgate.url).port)
  const own = connect({ port, host: '127.0.0.1' })
  await once(own, 'connect')
  await answered(own, '/kept')

  limitFiles('1:') // below the number already open, so that no more can be opened
  const crowd = Array.from({ length: 200 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}))
  for (const socket of crowd) socket.write(request('/crowd'))
  for (let round = 0; round < 5; round++)
    expect(await answered(own, '/kept')).toMatch(/^HTTP\/1.1 200 .*plain \/kept$/s)
  expect(await answered(own, '/fresh')).toMatch(/^HTTP\/1.1 (?:200|50[234]) /) // over an existing origin connection, or none
  expect(herdgate.child.exitCode).toBeNull()

  limitFiles('4096:')
  for (const socket of crowd) socket.destroy()
  expect(await answered(own, '/kept')).toMatch(/^HTTP\/1.1 200 /)
  own.destroy()
  await until(
    async () => (await get(`${herdgate.url}/again`).catch(() => undefined))?.status === 200,
    'others are served',
  )
  await expectWell()
})

/** @param limits soft and hard limit, in the syntax of prlimit */
function limitFiles(limits: string): void {
  execFileSync('prlimit', [`--pid=${herdgate.child.pid}`, `--nofile=${limits}`])
}

const request = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${new URL(herdgate.url).port}\r\n\r\n`

/** Reads one answer on a keep-alive connection. */
async function answered(socket: Socket, path: string): Promise<string> {
  let text = ''
  const take = (chunk: Buffer) => (text += chunk.toString('latin1'))
  socket.on('data', take)
  socket.write(request(path))
  await until(() => isWhole(text), `an answer to ${path}`)
  socket.off('data', take)
  return text
}

function isWhole(text: string): boolean {
  const [head = '', body] = text.split('\r\n\r\n')
  const length = /^content-length: (\d+)$/im.exec(head)?.[1]
  return length === undefined ? text.endsWith('0\r\n\r\n') : body?.length === Number(length)
}
