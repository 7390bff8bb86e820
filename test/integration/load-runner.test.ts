import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

/* The runner of load-tests/, with scenarios made for these tests. */

const RUNNER = join(import.meta.dirname, '../../load-tests/runner/main.ts')

let folder: string
let server: Server
let requests: number

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'herdgate-runner-'))
  requests = 0
  server = createServer(({ url }, response) => {
    requests++
    if (url === '/never') return
    response.writeHead(url === '/bad' ? 500 : 200, { 'cache-status': 'demo; hit' }).end('body')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(() => {
  server.close()
  server.closeAllConnections()
  rmSync(folder, { recursive: true, force: true })
})

test('runs setup, each user, teardown and the summary, and exits with 0 when every threshold holds', async () => {
  const { code, out } = await run(`
    import { check } from 'k6'
    import exec from 'k6/execution'
    import { Counter } from 'k6/metrics'
    const seen = new Counter('seen')
    export const options = {
      scenarios: { a: { executor: 'per-vu-iterations', vus: 3, iterations: 2 } },
      thresholds: { 'http_reqs{scenario:a}': ['count==6'], seen: ['count==106'], checks: ['rate==1'] },
    }
    export const setup = () => ({ path: '/good' })
    export default async function ({ path }) {
      const { status, body, headers } = await http.asyncRequest('GET', __ENV.URL + path)
      check(status, { 'all is well': () => status === 200 && body === 'body' && headers['Cache-Status'] === 'demo; hit' })
      seen.add(exec.scenario.name === 'a' && exec.vu.idInTest > 0 ? 1 : 0)
    }
    export const teardown = () => seen.add(100)
    export const handleSummary = ({ metrics, root_group }) => ({
      stdout: JSON.stringify(root_group.checks),
      [__ENV.FOLDER + '/out.json']: JSON.stringify(metrics.seen),
    })
  `)
  expect(out).toContain('[{"name":"all is well","passes":6,"fails":0}]')
  expect(JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8'))).toMatchObject({
    values: { count: 106 },
    thresholds: { 'count==106': { ok: true } },
  })
  expect(code).toBe(0)
  expect(requests).toBe(6)
})

test('exits with 99, as k6 does, when a threshold is broken; a refused connection has status 0', async () => {
  const { code, out, err } = await run(`
    export const options = {
      scenarios: { a: { executor: 'per-vu-iterations' } },
      thresholds: { http_req_failed: ['rate<0.5'] },
    }
    export default async function () {
      await http.asyncRequest('GET', __ENV.URL + '/bad')
      const { status } = await http.asyncRequest('GET', 'http://127.0.0.1:1/')
      if (status !== 0) throw new Error('answered')
    }
    export const handleSummary = ({ failures }) => ({ stdout: JSON.stringify(failures) })
  `)
  expect(JSON.parse(out)).toMatchObject([
    { what: 'a: 500 demo; hit', times: 1 },
    { what: 'a: no answer: connect ECONNREFUSED 127.0.0.1:1 (ECONNREFUSED)', times: 1 },
  ])
  expect(err).toContain('threshold broken: http_req_failed: rate<0.5 (is 1)')
  expect(err).not.toContain('answered')
  expect(code).toBe(99)
})

test('an iteration that throws fails the run', async () => {
  const { code, err } = await run(`
    export const options = { scenarios: { a: { executor: 'per-vu-iterations' } } }
    export default async function () { throw new Error('oh no') }
  `)
  expect(err).toContain('oh no')
  expect(code).toBe(99)
})

test('starts iterations that are due, drops those no user is free for, and stops early on abortOnFail', async () => {
  const { code, out } = await run(`
    export const options = {
      scenarios: { a: { executor: 'constant-arrival-rate', rate: 100, duration: '1m', preAllocatedVUs: 1, gracefulStop: '0s' } },
      thresholds: { dropped_iterations: [{ threshold: 'count<10', abortOnFail: true }] },
    }
    export default () => new Promise((done) => setTimeout(done, 500))
    export const handleSummary = ({ metrics, state }) => ({
      stdout: [metrics.dropped_iterations.values.count > 10, state.testRunDurationMs < 30_000].join(),
    })
  `)
  expect(out).toBe('true,true')
  expect(code).toBe(99)
})

test('an iteration that never ends fails the run', async () => {
  const { code, err } = await run(`
    export const options = { scenarios: { a: { executor: 'constant-vus', duration: '100ms', gracefulStop: '200ms' } } }
    export default () => http.asyncRequest('GET', __ENV.URL + '/never')
  `)
  expect(err).toContain('a: 1 iterations took longer than gracefulStop')
  expect(code).toBe(99)
})

test('a threshold on a metric that does not exist is reported before any request', async () => {
  const { code, err } = await run(`
    export const options = {
      scenarios: { a: { executor: 'per-vu-iterations' } },
      thresholds: { nothing: ['count==0'] },
    }
    export default () => http.asyncRequest('GET', __ENV.URL)
  `)
  expect(err).toContain('threshold on nothing: no such metric')
  expect(code).toBe(1)
  expect(requests).toBe(0)
})

async function run(scenario: string): Promise<{ code: number; out: string; err: string }> {
  const file = join(folder, 'scenario.mjs')
  writeFileSync(file, `import http from 'k6/http'\n${scenario}`)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const child = spawn(process.execPath, [RUNNER, file], { env: { ...process.env, URL: url, FOLDER: folder } })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const [code] = await once(child, 'close')
  return { code, out, err }
}
