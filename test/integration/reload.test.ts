import { Agent } from 'node:http'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Herdgate, startHerdgate, TOKEN } from '../support/herdgate.ts'
import { get, type Origin, startOrigin } from '../support/http.ts'
import { until } from '../support/waiting.ts'

let old: Origin
let other: Origin
let folder: string
let file: string
let herdgate: Herdgate
const origin = (name: string) =>
  startOrigin((request, response) => {
    const delay = request.url === '/slow' ? 500 : 0
    setTimeout(() => response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end(name), delay)
  })
const to = (url: string, more = '') => writeFile(file, `version: 1\norigins: { api: { urls: ["${url}"] } }\n${more}`)
const reload = () => herdgate.ask('/v1/config/reload', {})

/** The log lines about reloads. */
const told = ({ lines }: Herdgate) =>
  lines.map((line) => JSON.parse(line)).filter(({ needsRestart, faults }) => (needsRestart ?? faults) !== undefined)
const bySignal = () => told(herdgate).filter(({ by }) => by === 'SIGHUP')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reload-'))
  file = join(folder, 'herdgate.yaml')
  ;[old, other] = await Promise.all([origin('old'), origin('other')])
  await to(old.url)
  herdgate = await startHerdgate(['--config', file])
})
afterAll(async () => {
  await herdgate.stop()
  await Promise.all([old.kill(), other.kill(), rm(folder, { recursive: true })])
})

test('origins and routes are swapped at once; stored responses and requests in flight are not affected', async () => {
  expect((await get(`${herdgate.url}/stored`)).body).toBe('old')
  const inFlight = get(`${herdgate.url}/slow`)
  await until(() => old.hits() === 2, 'the slow request is at the origin')
  await to(other.url)
  expect(await reload()).toEqual({ status: 200, body: { status: 'reloaded', needsRestart: [] } })
  expect((await get(`${herdgate.url}/new`)).body).toBe('other')
  expect(await get(`${herdgate.url}/stored`)).toMatchObject({
    body: 'old',
    cacheStatus: expect.stringContaining('hit'),
  })
  expect((await inFlight).body).toBe('old')
})

test('clients waiting for an answer that turns out private get their own, even if the origin changes', async () => {
  const answers: (() => void)[] = []
  const slow = await startOrigin((_request, response) => {
    response.setHeader('Cache-Control', 'private')
    if (slow.hits() === 1) answers.push(() => response.end('first'))
    else response.end('own')
  })
  const path = join(folder, 'private.yaml')
  const configure = (headersTimeout: string) =>
    writeFile(path, JSON.stringify({ version: 1, origins: { api: { urls: [slow.url], headersTimeout } } }))
  await configure('20s')
  await using node = await startHerdgate(['--config', path])
  const herd = Array.from({ length: 10 }, () => get(`${node.url}/private`))
  const allWait = async () => (await node.ask('/v1/stats')).body.waiting === 10 && answers.length === 1
  await until(allWait, 'all of them to wait for the origin')
  await configure('30s')
  expect((await node.ask('/v1/config/reload', {})).status).toBe(200)
  for (const answer of answers) answer()
  const answered = await Promise.all(herd)
  expect(answered.map(({ status }) => status)).toEqual(herd.map(() => 200))
  expect(answered.map(({ body }) => body).toSorted()).toEqual(['first', ...Array(9).fill('own')])
  await slow.kill()
})

describe('an origin that is changed while it has requests in flight', () => {
  /** An origin that answers on demand. */
  async function busyOrigin() {
    const answers: (() => void)[] = []
    const now = { working: 0, most: 0 }
    const busy = await startOrigin((_request, response) => {
      now.most = Math.max(now.most, ++now.working)
      answers.push(() => response.end('done', () => now.working--))
    })
    const path = join(folder, 'busy.yaml')
    const configure = (api: object) =>
      writeFile(path, JSON.stringify({ version: 1, origins: { api: { urls: [busy.url], ...api } } }))
    return { busy, now, answer: () => answers.shift()?.(), path, configure }
  }

  const gauges = async (node: Herdgate) =>
    (await node.ask('/metrics')).body.match(/herdgate_origin_(in_flight|queue_depth)\{.*\} \d+/g)
  const gaugesOf = (inFlight: number, queued: number) => [
    `herdgate_origin_in_flight{origin="api"} ${inFlight}`,
    `herdgate_origin_queue_depth{origin="api"} ${queued}`,
  ]

  test('still counts them, also towards its maxConcurrency', async () => {
    const { busy, now, answer, path, configure } = await busyOrigin()
    await configure({ maxConcurrency: 4 })
    await using node = await startHerdgate(['--config', path])
    const three = (name: string) => [1, 2, 3].map((number) => get(`${node.url}/${name}/${number}`))
    const asked = three('first')
    await until(() => now.working === 3, 'the origin to work on the first')
    await configure({ maxConcurrency: 4, headersTimeout: '21s' })
    await node.ask('/v1/config/reload', {})
    expect(await gauges(node)).toEqual(gaugesOf(3, 0))
    asked.push(...three('second'))
    await until(async () => (await node.ask('/v1/stats')).body.waiting === 6, 'all to wait')
    await configure({ maxConcurrency: 2, headersTimeout: '21s' })
    await node.ask('/v1/config/reload', {})
    expect(await gauges(node)).toEqual(gaugesOf(4, 2))
    const answering = setInterval(answer, 10)
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(6).fill(200))
    clearInterval(answering)
    expect(now.most).toBe(4)
    expect(await gauges(node)).toEqual(gaugesOf(0, 0))
    await busy.kill()
  })

  test('still counts them when its URL changes, but not towards the maxConcurrency of the new one', async () => {
    const { busy, now, answer, path, configure } = await busyOrigin()
    await configure({ maxConcurrency: 1 })
    await using node = await startHerdgate(['--config', path])
    const asked = get(`${node.url}/first`)
    await until(() => now.working === 1, 'the origin to work on the first')
    await configure({ maxConcurrency: 1, urls: [other.url] })
    await node.ask('/v1/config/reload', {})
    expect((await get(`${node.url}/second`)).body).toBe('other')
    expect(await gauges(node)).toEqual(gaugesOf(1, 0))
    answer()
    expect((await asked).body).toBe('done')
    await busy.kill()
  })
})

test('hits on a connection that is already open follow the new routes too', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = () => get(`${herdgate.url}/hot`, { agent })
  await ask()
  await ask()
  expect((await ask()).cacheStatus).toContain('hit')
  await to(other.url, 'routes: [{ name: all, match: { path: "/*" }, origin: api, bypass: true }]\n')
  await reload()
  expect((await ask()).cacheStatus).toContain('fwd=bypass')
  await to(other.url)
  await reload()
  expect((await ask()).cacheStatus).toContain('hit')
  agent.destroy()
})

test('a new route is counted under its name', async () => {
  await to(other.url, 'routes: [{ name: fresh, match: { path: /fresh }, origin: api }, { name: rest, origin: api }]\n')
  await reload()
  await get(`${herdgate.url}/fresh`)
  await to(other.url)
  await reload()
  const metrics = (await herdgate.ask('/metrics')).body
  expect(metrics).toContain('herdgate_requests_total{route="fresh",method="GET",result="miss",code_class="2xx"} 1\n')
})

test('an invalid configuration changes nothing, and every fault is reported', async () => {
  await to('nowhere', 'rules: []\n')
  const { status, body } = await reload()
  expect(status).toBe(422)
  expect(body.errors).toHaveLength(2)
  expect(body.errors[0].at).toContain('herdgate.yaml:')
  expect((await get(`${herdgate.url}/still`)).body).toBe('other')
  const metrics = (await herdgate.ask('/metrics')).body
  expect(metrics).toContain('herdgate_config_last_reload_successful 0')
})

test('a file found without being named is required from then on: while it is missing nothing changes', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'reload-unnamed-'))
  const unnamed = join(cwd, 'herdgate.yaml')
  const bypassing = `version: 1\nroutes: [{ name: account, match: { path: /account/* }, origin: default, bypass: true }]\n`
  await writeFile(unnamed, bypassing)
  await using node = await startHerdgate(['--origin', old.url], {}, { cwd })
  await rename(unnamed, `${unnamed}.new`)
  const { status, body } = await node.ask('/v1/config/reload', {})
  expect(status).toBe(422)
  expect(body.errors).toMatchObject([{ at: expect.stringContaining('herdgate.yaml') }])
  expect((await get(`${node.url}/account/me`)).cacheStatus).toContain('fwd=bypass')
  await rename(`${unnamed}.new`, unnamed)
  expect((await node.ask('/v1/config/reload', {})).status).toBe(200)
  await rm(cwd, { recursive: true })
})

test('changes that need a restart are reported', async () => {
  await to(other.url, 'limits: { maxWaiting: 7 }\nstore: { memory: { maxBytes: 1MiB } }\n')
  expect((await reload()).body).toEqual({ status: 'reloaded', needsRestart: ['store', 'limits'] })
  expect((await herdgate.ask('/metrics')).body).toContain('herdgate_config_last_reload_successful 1')
})

test.each([
  ['1', 'store: { memory: { maxObjectBytes: 1KiB } }\n'],
  ['1', 'store: { memory: { maxBytes: 1KiB } }\n'],
  ['2', 'store: { memory: { maxObjectBytes: 1KiB } }\n'],
])('with --workers %s a change that needs a restart has no effect before it: %s', async (workers, more) => {
  const large = await startOrigin((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('x'.repeat(2048))
  })
  const path = join(folder, 'large.yaml')
  const configure = (text: string) =>
    writeFile(path, `version: 1\norigins: { api: { urls: ["${large.url}"] } }\n${text}`)
  await configure('')
  await using node = await startHerdgate(['--config', path, '--workers', workers])
  await configure(more)
  expect((await node.ask('/v1/config/reload', {})).body).toEqual({ status: 'reloaded', needsRestart: ['store'] })
  await get(`${node.url}/large`)
  expect((await get(`${node.url}/large`)).cacheStatus).toContain('hit')
  await large.kill()
})

test('a new name in Via waits for a restart', async () => {
  await to(old.url)
  await reload()
  await to(old.url, 'listen: { via: edge }\n')
  expect((await reload()).body).toEqual({ status: 'reloaded', needsRestart: ['listen'] })
  expect((await get(`${herdgate.url}/named`)).headers['via']).toBe('1.1 herdgate')
})

test('SIGHUP reloads too', async () => {
  await to(old.url)
  herdgate.child.kill('SIGHUP')
  await until(() => bySignal().length === 1, 'it is reloaded')
  expect((await get(`${herdgate.url}/after`)).body).toBe('old')
  await to('nowhere')
  herdgate.child.kill('SIGHUP')
  await until(() => bySignal().length === 2, 'the fault is reported')
  expect((await get(`${herdgate.url}/after-all`)).body).toBe('old')
})

test.each(['1', '2'])('with --workers %s a reload is logged, whatever triggers it', async (workers) => {
  const path = join(folder, 'logged.yaml')
  const configure = (more: string) => writeFile(path, `version: 1\norigins: { api: { urls: ["${old.url}"] } }\n${more}`)
  await configure('')
  await using node = await startHerdgate(['--config', path, '--workers', workers])
  const asking = [() => node.ask('/v1/config/reload', {}), async () => void node.child.kill('SIGHUP')]
  for (const ask of asking) {
    for (const more of ['limits: { maxWaiting: 7 }\n', 'rules: []\n']) {
      await configure(more)
      const before = told(node).length
      await ask()
      await until(() => told(node).length > before, 'it is logged')
    }
  }
  const needsRestart = ['limits']
  const faults = [{ key: 'rules', where: expect.stringContaining('logged.yaml'), message: expect.any(String) }]
  expect(told(node)).toMatchObject([
    { level: 30, by: 'admin', needsRestart, msg: 'configuration reloaded' },
    { level: 50, by: 'admin', faults, msg: 'the configuration is not valid; nothing has changed' },
    { level: 30, by: 'SIGHUP', needsRestart },
    { level: 50, by: 'SIGHUP', faults },
  ])
})

test('without the token nothing is reloaded', async () => {
  const response = await fetch(`${herdgate.admin}/v1/config/reload`, { method: 'POST' })
  expect(response.status).toBe(401)
  expect(TOKEN).not.toBe('')
})
