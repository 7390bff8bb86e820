/**
 * How much memory a stranger can make a process hold (docs/security.md, "Limits"): endless URLs, missing pages,
 * compressed content that expands hugely, many large bodies at once. It stays within the configured limits.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import http from 'node:http'
import { once } from 'node:events'
import { gunzipSync, gzipSync } from 'node:zlib'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WITHOUT_COMPILE_CACHE } from '../support/compile-cache.ts'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get } from '../support/http.ts'
import { listen } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

const MIB = 2 ** 20
const MEMORY_MIB = 8
const IN_PROGRESS_MIB = 16
const HEAP_MIB = 128
/** How far a Node process grows under any load: compiled code and young garbage. */
const SLACK_MIB = 128

let server: Server
let herdgate: Herdgate
let directory: string
let answer: RequestListener
const targets: string[] = []
let atStart: number

beforeAll(async () => {
  server = createServer((request, response) => {
    targets.push(request.url ?? '')
    answer(request, response)
  })
  const origin = `http://127.0.0.1:${await listen(server)}`
  directory = await mkdtemp(join(tmpdir(), 'growth-'))
  const file = join(directory, 'herdgate.yaml')
  await writeFile(
    file,
    `version: 1
limits: { maxBodiesInProgress: ${IN_PROGRESS_MIB}MiB }
origins: { main: { urls: ["${origin}"] } }
store: { memory: { maxBytes: ${MEMORY_MIB}MiB, maxObjectBytes: 12MiB } }
`,
  )
  const env = { ...WITHOUT_COMPILE_CACHE, NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` }
  herdgate = await startHerdgate(['--config', file, '--log-level', 'silent'], env)
  answer = plain
  for (let number = 0; number < 200; number++) await get(`${herdgate.url}/warm-up?${number}`)
  atStart = herdgate.rss()
})
afterAll(async () => {
  await herdgate.stop()
  server.closeAllConnections()
  server.close()
  await rm(directory, { recursive: true })
})

const FRESH = { 'Cache-Control': 'max-age=3600' }
const plain: RequestListener = ({ url }, response) => void response.writeHead(200, FRESH).end(`plain ${url}`)

/** The most by which a load of requests grows the process above its size at the start, in MiB. */
async function growth(load: () => Promise<unknown>): Promise<number> {
  let most = 0
  const sample = setInterval(() => {
    most = Math.max(most, herdgate.rss())
  }, 20)
  await load()
  clearInterval(sample)
  return (Math.max(most, herdgate.rss()) - atStart) / MIB
}

/** Sends requests on a few kept-alive connections. */
async function flood(count: number, path: (number: number) => string): Promise<number[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 })
  const statuses = new Set<number>()
  let next = 0
  const one = async () => {
    while (next < count) statuses.add((await get(herdgate.url + path(next++), { agent })).status)
  }
  await Promise.all(Array.from({ length: 16 }, one))
  agent.destroy()
  return [...statuses]
}

async function expectWell(): Promise<void> {
  answer = plain
  const path = `/victim/${targets.length}`
  for (const result of [/; fwd=uri-miss/, /; hit/]) {
    expect(await get(herdgate.url + path)).toMatchObject({
      status: 200,
      body: `plain ${path}`,
      cacheStatus: expect.stringMatching(result),
    })
  }
  expect(targets.filter((target) => target === path)).toHaveLength(1)
  const { tiers, inFlight } = (await herdgate.ask('/v1/stats')).body
  expect(inFlight).toBe(0)
  expect(tiers[0].bytes).toBeLessThanOrEqual(MEMORY_MIB * MIB)
  expect(herdgate.child.exitCode).toBeNull()
}

test('endless URLs', async () => {
  answer = plain
  const padding = 'p'.repeat(12_000)
  const grown = await growth(() => flood(800, (number) => `/${number}?${padding}`))
  expect(grown).toBeLessThan(MEMORY_MIB + SLACK_MIB)
  await expectWell()
})

test('missing pages are stored for a time, within the same memory limit', async () => {
  answer = (_request, response) => void response.writeHead(404, FRESH).end('x'.repeat(16_000))
  const statuses: number[] = []
  const grown = await growth(async () => statuses.push(...(await flood(800, (number) => `/nx?cb=${number}`))))
  expect(statuses).toEqual([404])
  expect(grown).toBeLessThan(MEMORY_MIB + SLACK_MIB)
  answer = plain
  expect((await get(`${herdgate.url}/nx`)).body).toBe('plain /nx')
  await expectWell()
})

test('names of object members and array indices as target, field, cookie, tag and type', async () => {
  const odd = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf', '16777215', '4294967295', '-0']
  answer = ({ url = '', rawHeaders }, response) => {
    const name = odd.find((candidate) => url.includes(candidate)) ?? ''
    const tags = { 'Cache-Tag': name, 'Surrogate-Key': name, Vary: name, [name]: name }
    response.writeHead(200, { ...FRESH, ...tags }).end(`${url} ${rawHeaders.includes('evil') ? 'evil' : 'plain'}`)
  }
  for (const name of odd) {
    const path = `/odd/${name}?${name}=${name}&${name}[${name}]=1`
    const fields = [name, 'evil', 'Cookie', `${name}=1`, 'Host', 'a.test']
    const asEvil = { headers: fields }
    expect((await get(herdgate.url + path, asEvil)).status).toBe(200)
    for (let round = 0; round < 2; round++) expect((await get(herdgate.url + path)).body).toBe(`${path} plain`)
    expect((await herdgate.ask('/v1/purge', { tags: [name] })).status).toBe(200)
    expect((await get(herdgate.url + path)).cacheStatus).toMatch(/; fwd=/)
  }
  await expectWell()
})

/** 10 MiB of gzip that expand to 10 GiB of zeros: concatenated gzip members are one content. */
function bomb(): { packed: Buffer; unpacked: number } {
  const member = gzipSync(Buffer.alloc(10 * MIB))
  const count = 1_024
  return { packed: Buffer.concat(Array<Buffer>(count).fill(member)), unpacked: count * 10 * MIB }
}

test('content that expands a thousandfold passes through unchanged, in both directions', async () => {
  const { packed, unpacked } = bomb()
  expect(packed.length).toBeLessThan(unpacked / 500)
  const sizes: number[] = []
  answer = (request, response) => {
    let size = 0
    request.on('data', (chunk: Buffer) => (size += chunk.length))
    request.on('end', () => {
      sizes.push(size)
      response.writeHead(200, { ...FRESH, 'Content-Encoding': 'gzip', 'Content-Length': packed.length }).end(packed)
    })
  }
  const grown = await growth(async () => {
    for (let round = 0; round < 3; round++) expect(await octets('/bomb')).toBe(packed.length)
    const upload = { method: 'POST', headers: { 'content-encoding': 'gzip', 'content-length': packed.length } }
    expect(await octets('/bomb', upload, packed)).toBe(packed.length)
  })
  expect(sizes.at(-1)).toBe(packed.length)
  expect(grown).toBeLessThan(SLACK_MIB)
  await expectWell()
})

test('content that claims a thousand codings is stored unchanged', async () => {
  const packed = gzipSync('small')
  const codings = Array<string>(1_000).fill('gzip').join(', ')
  answer = (_request, response) =>
    void response.writeHead(200, { ...FRESH, 'Content-Encoding': codings, 'Content-Length': packed.length }).end(packed)
  for (let round = 0; round < 2; round++) {
    const response = await asked('/codings')
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    expect(gunzipSync(Buffer.concat(chunks)).toString()).toBe('small')
    expect(response.headers['content-encoding']).toBe(codings)
  }
  await expectWell()
})

async function asked(path: string, options: http.RequestOptions = {}, content?: Buffer): Promise<IncomingMessage> {
  const request = http.request(herdgate.url + path, { agent: false, ...options })
  request.end(content)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

async function octets(path: string, options: http.RequestOptions = {}, content?: Buffer): Promise<number> {
  let size = 0
  for await (const chunk of await asked(path, options, content)) size += (chunk as Buffer).length
  return size
}

const CHUNK = Buffer.alloc(64 * 1024, 'x')

/** Writes as fast as the recipient reads. */
function writeAll(response: ServerResponse, size: number): void {
  let left = size
  const write = () => {
    while (left > 0) {
      left -= CHUNK.length
      taken += CHUNK.length
      if (!response.write(CHUNK)) return void response.once('drain', write)
    }
    response.end()
  }
  write()
}

const CLIENTS = 32
/** Octets that the origin has written. */
let taken = 0

/** The origin does not or cannot write any more. */
async function expectStill(forMs = 500): Promise<void> {
  let [last, since] = [-1, performance.now()]
  await until(() => {
    if (last !== taken) [last, since] = [taken, performance.now()]
    return performance.now() - since > forMs
  }, 'the origin is held up')
}

test.each([
  ['that may be kept', 10 * MIB, {}],
  ['that may be kept, by their announced length', 10 * MIB, { 'Content-Length': String(10 * MIB) }],
  ['that are too large to be kept', 16 * MIB, {}],
])('many large bodies at once, %s', async (what, size, fields) => {
  answer = (_request, response) => {
    response.writeHead(200, { ...FRESH, ...fields })
    writeAll(response, size)
  }
  const grown = await growth(async () => {
    const bodies = Array.from({ length: CLIENTS }, (_, number) => octets(`/large?${what.length}-${number}`))
    expect(new Set(await Promise.all(bodies))).toEqual(new Set([size]))
  })
  expect(grown).toBeLessThan(MEMORY_MIB + IN_PROGRESS_MIB + SLACK_MIB)
  await expectWell()
})

test('many large bodies that are never read', async () => {
  const size = 10 * MIB
  const began = targets.length
  answer = (_request, response) => {
    response.writeHead(200, FRESH)
    writeAll(response, size)
  }
  const readers: IncomingMessage[] = []
  const grown = await growth(async () => {
    const paths = Array.from({ length: CLIENTS }, (_, number) => `/unread?${number}`)
    readers.push(...(await Promise.all(paths.map((path) => asked(path)))))
    await until(() => targets.length === began + CLIENTS, 'all have been asked for')
    await expectStill()
    answer = plain
    expect((await get(`${herdgate.url}/meanwhile`)).body).toBe('plain /meanwhile')
  })
  expect(grown).toBeLessThan(MEMORY_MIB + IN_PROGRESS_MIB + SLACK_MIB)
  for (const reader of readers) reader.destroy()
  await until(async () => (await herdgate.ask('/v1/stats')).body.inFlight === 0, 'nothing is in progress')
  await expectWell()
})

test.each([
  ['that the store has evicted', 5 * MIB],
  ['that the store has no room for', 10 * MIB],
])(
  'many large bodies, one after the other, %s and nobody reads on',
  async (_what, size) => {
    answer = (_request, response) => {
      response.writeHead(200, FRESH)
      writeAll(response, size)
    }
    const readers: IncomingMessage[] = []
    const grown = await growth(async () => {
      for (let number = 0; number < 400 * (MIB / size); number++) {
        readers.push(await asked(`/left?${size}-${number}`))
        await expectStill(100)
      }
    })
    expect(grown).toBeLessThan(MEMORY_MIB + IN_PROGRESS_MIB + SLACK_MIB)
    for (const reader of readers) reader.destroy()
    await until(async () => (await herdgate.ask('/v1/stats')).body.inFlight === 0, 'nothing is in progress')
    await expectWell()
  },
  60_000,
)
