/** A process whose heap is nearly full refuses what would need more of it, and lives. */
import { createServer, type Server } from 'node:http'
import http from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { get } from '../support/http.ts'
import { listen } from '../support/raw-origin.ts'
import { until } from '../support/waiting.ts'

const HEAP_MIB = 64
/** Far more than fits into the heap: without refusals the process ends. */
const MOST_REQUESTS = 40_000
/** Fields lie in the heap, content does not. */
const LARGE_FIELD = 'x'.repeat(12_000)

let origin: Server
let herdgate: Herdgate

beforeAll(async () => {
  origin = createServer((request, response) => {
    response
      .writeHead(200, { 'Cache-Control': 'max-age=3600', 'X-Large': `${request.url} ${LARGE_FIELD}` })
      .end('content')
  })
  const url = `http://127.0.0.1:${await listen(origin)}`
  const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` }
  herdgate = await startHerdgate(['--origin', url, '--memory', '1GiB', '--log-level', 'warn'], env)
})
afterAll(async () => {
  await herdgate.stop()
  origin.closeAllConnections()
  origin.close()
})

test('misses get 503 before the heap is full, hits are answered, and it ends when memory is given back', async () => {
  const refused = await fillUntilRefused()
  expect(refused?.status).toBe(503)
  expect(refused?.headers).toMatchObject({ 'retry-after': '1', 'content-type': 'application/problem+json' })

  const stored = await get(`${herdgate.url}/0`)
  expect([stored.status, stored.headers['cache-status']]).toEqual([200, expect.stringContaining('hit')])
  expect((await herdgate.ask('/v1/stats')).body.requests.shed).toBeGreaterThan(0)
  expect(herdgate.lines.join('\n')).toContain('the heap 64 MiB')

  expect((await herdgate.ask('/v1/purge', { all: true })).status).toBe(200)
  let again = 0
  await until(
    async () => (await get(`${herdgate.url}/again/${again++}`)).status === 200,
    'misses are answered again',
    40_000,
  )
  expect(herdgate.child.exitCode).toBeNull()
}, 240_000)

/** The first answer that is not a 200. */
async function fillUntilRefused() {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
  let [next, refused] = [0, undefined as Awaited<ReturnType<typeof get>> | undefined]
  const one = async () => {
    while (next < MOST_REQUESTS && refused === undefined) {
      const answer = await get(`${herdgate.url}/${next++}`, { agent })
      if (answer.status !== 200) refused = answer
    }
  }
  await Promise.all(Array.from({ length: 8 }, one))
  agent.destroy()
  return refused
}
