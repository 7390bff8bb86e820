/** A process whose heap is nearly full stores less, then refuses misses, and survives. */
import { createServer, type Server } from 'node:http'
import http from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WITHOUT_COMPILE_CACHE } from '../support/compile-cache.ts'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get } from '../support/http.ts'
import { listen } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

const HEAP_MIB = 64
/** Far more than fits in the heap: if the store does not shrink, the process dies or refuses requests. */
const REQUESTS = 7_000
/** Many responses arrive within one turn of the event loop. */
const AT_ONCE = 200
/** Fields are on the heap, content is not. */
const LARGE_FIELD = 'x'.repeat(12_000)
const LARGE_BODY = Buffer.alloc(200_000, 'x')
/** A store limit that does not fit in the container. */
const [STORE_MIB, CONTAINER_MIB] = [200, 240]
/** The same for two workers and their primary. */
const [SHARED_STORE_MIB, SHARED_CONTAINER_MIB] = [300, 540]
/**
 * A consumer of memory in the process: successive signals have it take 1 MiB of heap four times a second, keep it, and
 * release it. It takes up to 95% of the heap.
 */
const HOG = `import { getHeapSpaceStatistics } from 'node:v8'
const old = () => getHeapSpaceStatistics().filter(({ space_name }) => !space_name.startsWith('new_'))
const isFull = () => old().reduce((sum, { space_used_size }) => sum + space_used_size, 0) > ${0.95 * HEAP_MIB * 2 ** 20}
let taken, taking
process.on('SIGUSR2', () => {
  if (taking) taking = clearInterval(taking)
  else if (taken) taken = undefined
  else {
    taken = []
    taking = setInterval(() => isFull() || taken.push(Array.from({ length: 2 ** 17 }, (_, n) => n)), 250)
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
  const env = { ...WITHOUT_COMPILE_CACHE, NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB} ${preloaded(HOG)}` }
  herdgate = await startHerdgate(['--origin', url, '--memory', '1GiB', '--log-level', 'warn'], env)
})
afterAll(async () => {
  await herdgate.stop()
  origin.closeAllConnections()
  origin.close()
})

test('a store too large for the heap shrinks, and misses are answered', async () => {
  await statuses(herdgate, REQUESTS, AT_ONCE)
  await expectAnsweredMisses(herdgate)
  const [{ maxBytes }] = (await herdgate.ask('/v1/stats')).body.tiers
  expect(maxBytes).toBeLessThan(HEAP_MIB * 2 ** 20)
  const log = herdgate.lines.join('\n')
  expect(log).toContain('its heap is 64 MiB')
  expect(log).toContain('the store holds less from now on')
}, 240_000)

test('if that is not enough, misses get 503 and hits are answered, until memory is released', async () => {
  for (let times = 0; times < 5; times++) await get(`${herdgate.url}/popular`)
  herdgate.child.kill('SIGUSR2')
  let n = 0
  const miss = () => get(`${herdgate.url}/during/${n++}`)
  let refused = await miss()
  await until(
    async () => {
      await get(`${herdgate.url}/popular`)
      refused = await miss()
      return refused.status === 503
    },
    'misses are refused',
    100_000,
  )
  herdgate.child.kill('SIGUSR2')
  expect(refused.headers).toMatchObject({ 'retry-after': '1', 'content-type': 'application/problem+json' })

  const stored = await get(`${herdgate.url}/popular`)
  expect([stored.status, stored.headers['cache-status']]).toEqual([200, expect.stringContaining('hit')])
  expect((await herdgate.ask('/v1/stats')).body.requests.shed).toBeGreaterThan(0)

  herdgate.child.kill('SIGUSR2')
  await until(async () => (await miss()).status === 200, 'misses are answered again')
  expect(herdgate.child.exitCode).toBeNull()
}, 240_000)

test('a store too large for the container shrinks, and misses are answered', async () => {
  await using contained = await startContained(CONTAINER_MIB, ['--memory', `${STORE_MIB}MiB`])
  await statuses(contained, 2_000, 8, '/body')
  await expectAnsweredMisses(contained, '/body')
  const [{ maxBytes }] = (await contained.ask('/v1/stats')).body.tiers
  expect(maxBytes).toBeLessThan(STORE_MIB * 2 ** 20)
  expect(contained.lines.join('\n')).toContain('the store holds less from now on')
}, 240_000)

test("the primary's half of a store shared with workers shrinks as well", async () => {
  const options = ['--workers', '2', '--memory', `${SHARED_STORE_MIB}MiB`]
  await using contained = await startContained(SHARED_CONTAINER_MIB, options)
  await statuses(contained, 2_000, 8, '/body')
  const holdsLess = (line: string) =>
    line.includes('the store holds less') && JSON.parse(line).pid === contained.child.pid
  await until(() => contained.lines.some(holdsLess), 'the primary holds less')
  await expectAnsweredMisses(contained, '/body')
}, 240_000)

/** A Herdgate that believes it is in a container of this size, of which other processes have taken what it does not. */
function startContained(mebibytes: number, options: readonly string[]): Promise<Herdgate> {
  const container = preloaded(`process.constrainedMemory = () => ${mebibytes} * 2 ** 20
process.availableMemory = () => 0`)
  const env = { ...WITHOUT_COMPILE_CACHE, NODE_OPTIONS: container }
  return startHerdgate(['--origin', url, '--log-level', 'warn', ...options], env)
}

/** Waits until a row of misses is answered, over more than one connection, so that each worker may get some of them. */
async function expectAnsweredMisses(node: Herdgate, folder = ''): Promise<void> {
  const isAnswered = async () => {
    for (let connections = 0; connections < 10; connections++) {
      const answers = await statuses(node, 30, 1, folder)
      if (answers.some(([status]) => status !== 200)) return false
    }
    return true
  }
  await until(isAnswered, 'misses are answered')
}

let misses = 0

/** Sends misses, `atOnce` at a time. @returns the number of answers by status */
async function statuses(
  { url: base }: Herdgate,
  requests: number,
  atOnce: number,
  folder = '',
): Promise<[number, number][]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: atOnce })
  const answers = new Map<number, number>()
  const end = misses + requests
  const some = async () => {
    while (misses < end) {
      const { status } = await get(`${base}${folder}/${misses++}`, { agent })
      answers.set(status, (answers.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, some))
  agent.destroy()
  return [...answers]
}
