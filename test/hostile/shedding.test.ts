/** A process whose heap is nearly full keeps less, then refuses what would need more of it, and lives. */
import { createServer, type Server } from 'node:http'
import http from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get } from '../support/http.ts'
import { listen } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

const HEAP_MIB = 64
/** Far more than fits into the heap: where the store does not give way, the process ends or refuses. */
const REQUESTS = 7_000
/** Fields lie in the heap, content does not. */
const LARGE_FIELD = 'x'.repeat(12_000)
const LARGE_BODY = Buffer.alloc(200_000, 'x')
/** What the store may hold, and what it does not fit into. */
const [STORE_MIB, CONTAINER_MIB] = [200, 240]
/** Somebody else in the process: takes a MiB of the heap four times a second, keeps it, gives it back, a signal each. */
const HOG = `let taken, taking
process.on('SIGUSR2', () => {
  if (taking) taking = clearInterval(taking)
  else if (taken) taken = undefined
  else {
    taken = []
    taking = setInterval(() => taken.push(Array.from({ length: 2 ** 17 }, (_, n) => n)), 250)
  }
})`

const preloaded = (script: string): string => `--import=data:text/javascript,${encodeURIComponent(script)}`

let origin: Server
let url: string
let herdgate: Herdgate

beforeAll(async () => {
  origin = createServer((request, response) => {
    const isBody = request.url?.startsWith('/body/') === true
    response
      .writeHead(200, {
        'Cache-Control': 'max-age=3600',
        ...(!isBody && { 'X-Large': `${request.url} ${LARGE_FIELD}` }),
      })
      .end(isBody ? LARGE_BODY : 'content')
  })
  url = `http://127.0.0.1:${await listen(origin)}`
  const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB} ${preloaded(HOG)}` }
  herdgate = await startHerdgate(['--origin', url, '--memory', '1GiB', '--log-level', 'warn'], env)
})
afterAll(async () => {
  await herdgate.stop()
  origin.closeAllConnections()
  origin.close()
})

test('a store that is too large for the heap holds less, and nobody is refused', async () => {
  expect(await statuses(herdgate, REQUESTS, (n) => `/${n}`)).toEqual([[200, REQUESTS]])
  const [{ maxBytes }] = (await herdgate.ask('/v1/stats')).body.tiers
  expect(maxBytes).toBeLessThan(HEAP_MIB * 2 ** 20)
  const said = herdgate.lines.join('\n')
  expect(said).toContain('the heap 64 MiB')
  expect(said).toContain('the store holds less from now on')
}, 240_000)

test('where that is not enough misses get 503, hits are answered, and it ends when memory is given back', async () => {
  for (let times = 0; times < 5; times++) await get(`${herdgate.url}/popular`)
  herdgate.child.kill('SIGUSR2')
  let n = 0
  const miss = () => get(`${herdgate.url}/during/${n++}`)
  await until(async () => (await miss()).status === 503, 'misses are refused', 40_000)
  herdgate.child.kill('SIGUSR2')
  const refused = await miss()
  expect(refused.status).toBe(503)
  expect(refused.headers).toMatchObject({ 'retry-after': '1', 'content-type': 'application/problem+json' })

  const stored = await get(`${herdgate.url}/popular`)
  expect([stored.status, stored.headers['cache-status']]).toEqual([200, expect.stringContaining('hit')])
  expect((await herdgate.ask('/v1/stats')).body.requests.shed).toBeGreaterThan(0)

  herdgate.child.kill('SIGUSR2')
  await until(async () => (await miss()).status === 200, 'misses are answered again', 40_000)
  expect(herdgate.child.exitCode).toBeNull()
}, 240_000)

test('a store that is too large for the container holds less, and nobody is refused', async () => {
  const container = preloaded(`process.constrainedMemory = () => ${CONTAINER_MIB} * 2 ** 20`)
  const options = ['--origin', url, '--memory', `${STORE_MIB}MiB`, '--log-level', 'warn']
  await using contained = await startHerdgate(options, { NODE_OPTIONS: container })
  expect(await statuses(contained, 3_000, (n) => `/body/${n}`)).toEqual([[200, 3_000]])
  const [{ maxBytes }] = (await contained.ask('/v1/stats')).body.tiers
  expect(maxBytes).toBeLessThan(STORE_MIB * 2 ** 20)
  expect(contained.lines.join('\n')).toContain('the store holds less from now on')
}, 240_000)

/** How many requests were answered with which status, eight at a time. */
async function statuses(asked: Herdgate, requests: number, path: (n: number) => string): Promise<[number, number][]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
  const answers = new Map<number, number>()
  let next = 0
  const some = async () => {
    while (next < requests) {
      const { status } = await get(asked.url + path(next++), { agent })
      answers.set(status, (answers.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: 8 }, some))
  agent.destroy()
  return [...answers]
}
