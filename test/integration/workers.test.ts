/** `herdgate serve --workers 2`, as real processes. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, truncateSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { type Herdgate, isFullyReady, startHerdgate } from '../support/herdgate.ts'
import { get, type Origin, startOrigin } from '../support/http.ts'
import { startRedis } from '../support/redis.ts'
import { gate, until } from '../support/waiting.ts'

let origin: Origin
/** The version at the origin, and the newest for which a purge has been acknowledged. */
let version = 1
let acknowledged = 0
let herdgate: Herdgate | undefined

beforeEach(async () => {
  version = 1
  acknowledged = 0
  origin = await startOrigin((request, response) => {
    const delay = request.url?.startsWith('/slow') ? 1_000 : 0
    const body = String(version)
    const fields = { 'Cache-Control': 'max-age=600', 'Surrogate-Key': 'all' }
    setTimeout(() => response.writeHead(200, fields).end(body), delay)
  })
})
afterEach(async () => {
  await herdgate?.stop()
  await origin.kill()
  herdgate = undefined
})

async function start(...flags: string[]): Promise<Herdgate> {
  herdgate = await startHerdgate(['--origin', origin.url, '--workers', '2', ...flags])
  return herdgate
}

const workersOf = async ({ ask }: Herdgate): Promise<number[]> => {
  const { body } = await ask('/v1/stats')
  return body.nodes.map(({ id }: { id: string }) => Number(id))
}

/** Process ids of the workers that answered, from the access log. */
const answerers = ({ lines }: Herdgate): Set<number> =>
  new Set(
    lines
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === 'request')
      .map(({ pid }) => pid),
  )

/** Clients that ask again and again, each time on a new connection, until they are stopped. */
function load(url: string, clients: number, kept: Parameters<typeof get>[1] = {}) {
  const over = new AbortController()
  const answers: { atLeast: number; version: number }[] = []
  const failures: unknown[] = []
  const client = async () => {
    while (!over.signal.aborted) {
      const atLeast = acknowledged
      try {
        const { status, body } = await get(url, { ...kept, signal: AbortSignal.timeout(30_000) })
        if (status === 200) answers.push({ atLeast, version: Number(body) })
        else failures.push(status)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  const running = Array.from({ length: clients }, client)
  return {
    answers,
    failures,
    get old() {
      return answers.filter(({ atLeast, version }) => !(version >= atLeast))
    },
    async stop() {
      over.abort()
      await Promise.all(running)
    },
  }
}

/** Moves the origin to a new version, and purges the old one. */
async function purge(node: Herdgate): Promise<void> {
  expect(await isPurged(node), 'acknowledged by all').toBe(true)
}

/** @returns whether all have acknowledged it */
async function isPurged(node: Herdgate): Promise<boolean> {
  const next = ++version
  const { status, body } = await node.ask('/v1/purge', { tags: ['all'] })
  const { expected, acked } = body.nodes
  expect(status, JSON.stringify(body)).toBe(acked === expected ? 200 : 202)
  if (status === 200) acknowledged = next
  return status === 200
}

test('both workers answer, and what one has fetched the other need not fetch', async () => {
  const node = await start()
  const herd = await Promise.all(Array.from({ length: 20 }, () => get(`${node.url}/slow`)))
  expect(herd.map(({ status }) => status)).toEqual(herd.map(() => 200))
  for (let at = 0; at < 6; at++) expect((await get(`${node.url}/slow`)).cacheStatus).toContain('hit')
  expect(origin.hits()).toBe(1)
  await until(() => answerers(node).size === 2, 'both have answered')
  expect(node.lines.filter((line) => line.includes('listening on'))).toHaveLength(1)
  const { body } = await node.ask(`/v1/explain?url=${encodeURIComponent(`${node.url}/slow`)}`)
  expect(body).toMatchObject({ decision: 'serve' })
})

test('an acknowledged purge applies to every worker: no old answer, under load', async () => {
  const node = await start()
  const clients = load(`${node.url}/x`, 8)
  for (let round = 0; round < 20; round++) await purge(node)
  await clients.stop()
  expect(clients.failures).toEqual([])
  expect(clients.old).toEqual([])
  expect(clients.answers.length).toBeGreaterThan(0)
})

test('a worker that is killed loses only its own connections, and is replaced', async () => {
  const node = await start()
  const before = await workersOf(node)
  expect(before).toHaveLength(2)
  const clients = load(`${node.url}/x`, 8)
  await until(() => clients.answers.length > 20, 'there are answers')
  const { body: counted } = await node.ask('/v1/stats')
  process.kill(before[0] ?? 0, 'SIGKILL')
  await purge(node)
  await until(async () => (await workersOf(node)).every((pid) => pid !== before[0]), 'it is gone')
  await until(async () => (await workersOf(node)).length === 2, 'another has taken its place')
  for (let round = 0; round < 5; round++) await purge(node)
  await clients.stop()
  expect(clients.old).toEqual([])
  // Eight clients have one connection each: no more can have been on it, or on their way to it.
  expect(clients.failures.length).toBeLessThanOrEqual(8)
  const fetched = origin.hits()
  await get(`${node.url}/x`)
  expect((await get(`${node.url}/x`)).cacheStatus).toContain('hit')
  expect(origin.hits()).toBeLessThanOrEqual(fetched + 1)
  const { body: now } = await node.ask('/v1/stats')
  expect(now.requests.hit).toBeGreaterThanOrEqual(counted.requests.hit)
  await expect.poll(async () => (await node.ask('/readyz')).body).toEqual({ status: 'ready' }) // all of them listen
})

test('a hung worker is killed before a purge is acknowledged, and connections handed to it do not hang', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'workers-'))
  const file = join(folder, 'herdgate.yaml')
  await writeFile(file, 'version: 1\ncoherence: { lease: 1s }\n')
  const node = await start('--config', file)
  await get(`${node.url}/x`)
  const [hung = 0] = await workersOf(node)
  process.kill(hung, 'SIGSTOP')
  const clients = load(`${node.url}/x`, 4)
  let purges = 0
  await until(() => (purges++, isPurged(node)), 'a purge is acknowledged by all, not only logged')
  expect(purges).toBeLessThanOrEqual(3)
  expect((await node.ask('/v1/stats')).body.nodes.map(({ id }: { id: string }) => id)).not.toContain(String(hung))
  await until(async () => (await workersOf(node)).length === 2, 'another has taken its place')
  await clients.stop()
  expect(clients.old).toEqual([])
  expect(clients.failures.filter((error) => error instanceof Error && error.name === 'AbortError')).toEqual([])
  await rm(folder, { recursive: true })
})

test('a worker without file descriptors closes what it is handed, and is handed more once it has some again', async () => {
  const node = await start()
  const before = await workersOf(node)
  for (const pid of before) limitFiles(pid, '1:') // below the number already open, so that no more can be opened
  let closed = 0
  const { port } = new URL(node.url)
  for (let at = 0; at < 20; at++) {
    const socket = connect(Number(port), '127.0.0.1').resume()
    socket.on('error', () => {}).on('close', () => closed++)
  }
  await until(() => closed === 20, 'all are closed')
  for (const pid of before) limitFiles(pid, '4096:')
  for (let at = 0; at < 4; at++) expect((await get(`${node.url}/${at}`)).status).toBe(200)
  await until(() => answerers(node).size === 2, 'both have answered')
  expect(answerers(node)).toEqual(new Set(before))
})

/** @param limits soft and hard limit, in the syntax of prlimit */
function limitFiles(pid: number, limits: string): void {
  execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${limits}`])
}

const preloaded = (script: string) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}`,
})

/** Makes a worker throw an error that nobody catches when it gets SIGUSR2. */
const FAULTY = `
import cluster from 'node:cluster'
if (cluster.isWorker) process.on('SIGUSR2', () => { throw new Error('a fault') })
`

test('a worker with an uncaught error finishes what is in flight, while another takes its place', async () => {
  const { open, opened } = gate()
  const held = await startOrigin((_request, response) => {
    response.write('begun, ')
    void opened.then(() => response.end('ended'))
  })
  herdgate = await startHerdgate(['--origin', held.url, '--workers', '2'], preloaded(FAULTY))
  const node = herdgate
  const [failing = 0, other = 0] = await workersOf(node)
  const inFlight = Promise.all([get(`${node.url}/1`), get(`${node.url}/2`)]) // one for each worker
  await until(() => held.hits() === 2, 'both have reached the origin')
  process.kill(failing, 'SIGUSR2')
  await until(async () => (await workersOf(node)).some((pid) => pid !== failing && pid !== other), 'another begins')
  await until(() => isFullyReady(node), 'as many workers as before listen')
  expect(await workersOf(node)).toContain(failing)
  open()
  expect((await inFlight).map(({ body }) => body)).toEqual(['begun, ended', 'begun, ended'])
  await until(async () => !(await workersOf(node)).includes(failing), 'it has ended')
  expect(await workersOf(node)).toHaveLength(2)
  await held.kill()
})

test('while a worker hangs, another explains a request', async () => {
  const node = await start()
  for (const hung of await workersOf(node)) {
    process.kill(hung, 'SIGSTOP')
    const { status, body } = await node.ask(`/v1/explain?url=${encodeURIComponent(`${node.url}/x`)}`)
    expect({ status, decision: body.decision }).toEqual({ status: 200, decision: 'fetch' })
    process.kill(hung, 'SIGCONT')
  }
})

test('metrics are the totals of all workers, including one that has ended', async () => {
  const node = await start()
  for (let at = 0; at < 30; at++) await get(`${node.url}/${at % 3}`)
  const counted = async () => {
    const { body } = await node.ask('/metrics')
    const lines = [...String(body).matchAll(/^herdgate_requests_total\{.*\} (\d+)$/gm)]
    return lines.reduce((sum, [, count]) => sum + Number(count), 0)
  }
  await until(async () => (await counted()) === 30, 'each request is counted once')
  expect((await node.ask('/metrics')).body).toMatch(/^herdgate_origin_requests_total\{.*code="200"\} 3$/m)
  const [pid = 0] = await workersOf(node)
  process.kill(pid, 'SIGKILL')
  await until(async () => !(await workersOf(node)).includes(pid), 'it is gone')
  expect(await counted()).toBe(30)
})

test('SIGTERM lets requests in flight finish, in every worker', async () => {
  const node = await start()
  const inFlight = Promise.all(Array.from({ length: 6 }, (_, at) => get(`${node.url}/slow/${at}`)))
  await until(() => origin.hits() === 6, 'all have reached the origin')
  const workers = await workersOf(node)
  const ended = node.stop()
  expect((await inFlight).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
  expect(await ended).toBe(0)
  for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})

/** Blocks the primary as soon as it gets SIGTERM, as a busy machine may. */
const HELD_UP = `
import cluster from 'node:cluster'
const standStill = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
if (cluster.isPrimary) process.on('SIGTERM', () => setImmediate(standStill))
`

test('SIGTERM: all clients connected by then are answered, even if the primary has not accepted them yet', async () => {
  herdgate = await startHerdgate(['--origin', origin.url, '--workers', '2'], preloaded(HELD_UP))
  const { child, url } = herdgate
  for (let at = 0; at < 6; at++) await get(`${url}/x`) // each worker has a copy: none waits for the primary
  child.kill('SIGSTOP')
  const sockets = Array.from({ length: 20 }, () => connect(Number(new URL(url).port), '127.0.0.1'))
  const answers = sockets.map(async (socket) => Buffer.concat(await socket.toArray()).toString('latin1'))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  for (const socket of sockets) socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n')
  const ended = herdgate.stop()
  child.kill('SIGCONT')
  for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1.1 200 OK[^]*1$/)
  expect(await ended).toBe(0)
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s to one worker: another takes its place, and no request in flight is lost',
  async (signal) => {
    const node = await start()
    const before = await workersOf(node)
    const inFlight = Promise.all(Array.from({ length: 6 }, (_, at) => get(`${node.url}/slow/${at}`)))
    await until(() => origin.hits() === 6, 'all have reached the origin')
    const clients = load(`${node.url}/x`, 12, KEPT_ALIVE)
    for (const pid of before) process.kill(pid, signal)
    await until(async () => {
      const now = await workersOf(node)
      return now.length === 2 && !now.some((pid) => before.includes(pid))
    }, 'two others have taken their places')
    await clients.stop()
    expect(clients.failures).toEqual([])
    expect((await inFlight).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
    expect(node.lines.filter((line) => line.includes('"level":50'))).toEqual([])
    expect((await node.ask('/readyz')).body).toEqual({ status: 'ready' })
  },
)

/** This lasts for two seconds only, and a busy machine may take longer to see that another worker answers. */
test('an idle keep-alive client whose worker is replaced is answered once more, with Connection: close', async () => {
  for (let attempt = 0; attempt < 4; attempt++) {
    if (await isAnsweredOnceMore()) return
    await herdgate?.stop()
  }
  expect.unreachable('never in time')
})

/** @returns false if it was too late, and another connection was opened */
async function isAnsweredOnceMore(): Promise<boolean> {
  const node = await start()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const connections = vi.spyOn(agent, 'createConnection')
  const ask = () => get(`${node.url}/x`, { agent, headers: { connection: 'keep-alive' } })
  expect((await ask()).headers.connection).toBe('keep-alive')
  await until(() => answerers(node).size === 1, 'one process has answered')
  const before = await workersOf(node)
  for (const pid of answerers(node)) process.kill(pid, 'SIGTERM')
  let asked = 0
  await until(async () => {
    await get(`${node.url}/${asked++}`)
    return [...answerers(node)].some((pid) => !before.includes(pid))
  }, 'another answers in its place')
  const again = await ask().catch(() => undefined) // closed while it was being sent
  if (again === undefined || connections.mock.calls.length > 1) return false
  expect(again.headers.connection).toBe('close')
  return true
}

/** A node that takes long to drain, in a process group of its own. */
async function startSlowlyDraining(): Promise<Herdgate> {
  const file = join(temporaryFolder(), 'herdgate.yaml')
  await writeFile(file, 'version: 1\nworkers: 2\nlisten: { drainDelay: 60s }\n')
  herdgate = await startHerdgate(['--config', file, '--origin', origin.url], {}, { detached: true })
  return herdgate
}

const KEPT_ALIVE = { agent: undefined, headers: { connection: 'keep-alive' } }

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s to the whole process group: workers still answer while the primary drains',
  async (signal) => {
    const node = await startSlowlyDraining()
    const workers = await workersOf(node)
    process.kill(-(node.child.pid ?? 0), signal)
    await until(async () => (await node.ask('/readyz')).status === 503, 'it is no longer ready')
    for (let at = 0; at < 6; at++) {
      const { status, headers } = await get(`${node.url}/x`, KEPT_ALIVE)
      expect([status, headers.connection]).toEqual([200, 'close'])
    }
    expect(await workersOf(node)).toEqual(workers)
    expect(node.lines.filter((line) => line.includes('has ended'))).toEqual([])
  },
)

test('a worker that starts while the primary drains answers with Connection: close', async () => {
  const node = await startSlowlyDraining()
  node.child.kill('SIGTERM')
  await until(async () => (await node.ask('/readyz')).status === 503, 'it is no longer ready')
  const before = await workersOf(node)
  expect(before).toHaveLength(2)
  process.kill(before[0] ?? 0, 'SIGKILL')
  const hasAnswered = () => [...answerers(node)].some((pid) => !before.includes(pid))
  let asked = 0
  await until(async () => {
    const answer = await get(`${node.url}/${asked++}`, KEPT_ALIVE).catch(() => undefined) // the killed one may get it
    if (answer !== undefined) expect(answer.headers.connection).toBe('close')
    return hasAnswered()
  }, 'the new one answers')
})

test('a primary that is killed takes its workers with it', async () => {
  const node = await start()
  const workers = await workersOf(node)
  await node.stop('SIGKILL')
  const isGone = (pid: number) => {
    try {
      return !process.kill(pid, 0)
    } catch {
      return true
    }
  }
  await until(() => workers.every(isGone), 'they have ended')
})

test('a worker whose primary dies while handing it a connection ends quietly', async () => {
  const node = await start()
  const workers = await workersOf(node)
  for (const worker of workers) process.kill(worker, 'SIGSTOP')
  for (let at = 0; at < 4; at++) {
    const client = connect(Number(new URL(node.url).port), '127.0.0.1')
    client.on('error', () => {}) // nobody is left to answer it
    await once(client, 'connect')
  }
  await node.ask('/livez') // by then the primary has handed one to each
  const closed = once(node.child, 'close') // with the last process that may log
  await node.stop('SIGKILL')
  for (const worker of workers) process.kill(worker, 'SIGCONT')
  await closed
  expect(node.lines.filter((line) => JSON.parse(line).level >= 50)).toEqual([])
})

test('a reloaded configuration reaches every worker', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'workers-'))
  const file = join(folder, 'herdgate.yaml')
  const other = await startOrigin((_request, response) => response.end('other'))
  const to = (url: string, name = 'api') =>
    writeFile(file, `version: 1\nworkers: 2\norigins: { ${name}: { urls: ["${url}"] } }\n`)
  await to(origin.url)
  herdgate = await startHerdgate(['--config', file])
  const { url } = herdgate
  await to(other.url, 'renamed')
  expect(await herdgate.ask('/v1/config/reload', {})).toEqual({
    status: 200,
    body: { status: 'reloaded', needsRestart: [] },
  })
  for (let at = 0; at < 6; at++) expect((await get(`${url}/${at}`)).body).toBe('other')
  expect((await herdgate.ask('/metrics')).body).toContain(
    'herdgate_origin_requests_total{origin="renamed",reason="uri-miss",code="200"} 6\n',
  )
  const [pid = 0] = await workersOf(herdgate)
  process.kill(pid, 'SIGKILL')
  await until(async () => (await get(`${url}/x`).catch(() => undefined))?.body === 'other', 'one answers')
  await until(async () => (await workersOf(node())).length === 2, 'another has taken its place')
  for (let at = 0; at < 6; at++) expect((await get(`${url}/after/${at}`)).body).toBe('other')
  await other.kill()
  await rm(folder, { recursive: true })
})

/** One fetch for all workers, and no old copy after a purge, whichever worker answers. */
async function expectOneCache(node: Herdgate): Promise<void> {
  await Promise.all(Array.from({ length: 10 }, () => get(`${node.url}/slow`)))
  for (let at = 0; at < 4; at++) expect((await get(`${node.url}/slow`)).body).toBe('1')
  expect(origin.hits()).toBe(1)
  const clients = load(`${node.url}/x`, 4)
  for (let round = 0; round < 5; round++) await purge(node)
  await clients.stop()
  expect(clients.failures).toEqual([])
  expect(clients.old).toEqual([])
}

test('with a disk, all workers share copies and purges', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'workers-'))
  const node = await start('--disk', folder)
  await expectOneCache(node)
  await node.stop()
  await rm(folder, { recursive: true })
})

test('a disk file that crashes one worker takes no other down, and is moved aside', async () => {
  const folder = temporaryFolder()
  const node = await start('--disk', folder)
  for (let number = 0; number < 20; number++) await get(`${node.url}/${number}`)
  await until(() => answerers(node).size > 0, 'a worker has answered')
  const [worker = 0] = answerers(node)
  const stored = async (): Promise<number> =>
    (await node.ask('/v1/stats')).body.tiers.find(({ tier }: { tier: string }) => tier === 'disk').objects
  await until(async () => (await stored()) === 20, 'nobody writes to the file any more')
  const file = readdirSync(folder).find((name) => name.endsWith('.mdb')) ?? ''
  expect(await isFullyReady(node)).toBe(true)
  truncateSync(join(folder, file), 5_000)
  process.kill(worker, 'SIGBUS') // as when it reads beyond the end of the file
  await until(() => node.lines.some((line) => line.includes('has ended with SIGBUS')), 'the worker to end')
  expect((await node.ask('/readyz')).status).toBe(200)
  await expect.poll(() => isFullyReady(node)).toBe(true)
  expect(readdirSync(folder)).toContain(`${file}.damaged`)
  expect((await node.ask('/v1/purge', { tags: ['all'] })).status).toBe(200)
})

test('with Redis each worker is a node, and all share copies and purges', async () => {
  await using redis = await startRedis()
  const file = join(temporaryFolder(), 'herdgate.yaml')
  // With a deadline that a busy machine does not exceed: beyond it, a worker fetches for itself.
  await writeFile(file, JSON.stringify({ version: 1, store: { redis: { url: redis.url, deadline: '20s' } } }))
  const node = await start('--config', file)
  await until(async () => (await node.ask('/v1/stats')).body.nodes.length === 3, 'both workers and the primary follow')
  await until(
    async () => (await redis.cli('pubsub', 'numsub', 'herdgate:fetched')).endsWith('2'),
    'both wait for fetches',
  )
  await until(() => isFullyReady(node), 'nothing is degraded')
  await expectOneCache(node)
  const [worker = 0] = answerers(node)
  process.kill(worker, 'SIGKILL')
  await until(() => node.lines.some((line) => line.includes('has ended with SIGKILL')), 'the worker to end')
  await expect.poll(async () => (await node.ask('/v1/stats')).body.nodes.length).toBe(3)
  const { status, body } = await node.ask('/v1/purge', { tags: ['all'] })
  expect([status, body.nodes]).toEqual([200, { expected: 3, acked: 3 }])
  await node.stop()
})

test('connections beyond the maxConnections of every worker are closed', async () => {
  const file = join(temporaryFolder(), 'herdgate.yaml')
  await writeFile(file, 'version: 1\nlimits: { maxConnections: 4, headTimeout: 10m }\n')
  const node = await start('--config', file)
  const { port } = new URL(node.url)
  let closed = 0
  const sockets = Array.from({ length: 10 }, () => connect(Number(port), '127.0.0.1').resume())
  for (const socket of sockets) socket.once('close', () => closed++)
  await until(() => closed >= 6, 'those beyond the limit are disconnected')
  const { body } = await node.ask('/metrics')
  expect(body).toContain('herdgate_refused_connections_total{reason="limit"} 6\n')
  expect(body).toContain('herdgate_refused_connections_total{reason="memory"} 0\n')
  for (const socket of sockets) socket.destroy()
  await until(async () => (await get(node.url).catch(() => undefined))?.status === 200, 'there is room again')
})

test('the live stream tells what happens in all workers', async () => {
  const node = await start()
  const over = new AbortController()
  const stream = await fetch(`${node.admin}/v1/live`, {
    headers: { authorization: `Bearer ${node.token}` },
    signal: over.signal,
  })
  const decoder = new TextDecoder()
  let told = 0
  let at = 0
  let text = ''
  for await (const chunk of stream.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    const snapshots = events.filter((event) => event.startsWith('data: ')).map((event) => JSON.parse(event.slice(6)))
    for (const { requests } of snapshots) told += requests.miss
    // From the first snapshot on, every worker reports what it does.
    if (snapshots.length > 0) for (let more = 0; at < 10 && more < 10; more++) await get(`${node.url}/${at++}`)
    if (told >= 10) break
  }
  over.abort()
  expect(told).toBe(10)
})

test('a port that is in use fails the start', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  await expect(startHerdgate(['--origin', origin.url, '--workers', '2', '--port', String(port)])).rejects.toThrow(
    'ended with 1',
  )
  taken.close()
})

function node(): Herdgate {
  if (herdgate === undefined) throw new Error('it is not running')
  return herdgate
}
