import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Demo, runDemo } from '../../src/demo/run.ts'
import { until } from '../support/waiting.ts'

const run = promisify(execFile)

/** How long each curl took. */
const secondsIn = (shown: string): number[] =>
  [...shown.matchAll(/^([\d.]+) s$/gm)].map(([, seconds]) => Number(seconds))

/** Last on the path: a stand-in for curl where there is none. */
const PATH = [process.env['PATH'], fileURLToPath(new URL('../support/bin', import.meta.url))].join(delimiter)

const anyPorts = { port: 0, adminPort: 0, originPort: 0, pretty: false }
const jsonAt = async (url: string): Promise<any> => (await fetch(url)).json()
const shell = async (line: string): Promise<string> =>
  (await run('sh', ['-c', line], { env: { ...process.env, PATH } })).stdout

describe('the demo', () => {
  let demo: Demo
  let lines: string[]

  beforeEach(async () => {
    lines = []
    demo = await runDemo({ ...anyPorts, out: (line) => lines.push(line) })
  })
  afterEach(() => demo.close())

  const printed = (text: string): string => lines.find((line) => line.includes(text))?.trim() ?? `no line with ${text}`
  const hits = async (path: string): Promise<number | undefined> => (await jsonAt(`${demo.origin}/__stats`)).paths[path]

  test('prints its addresses, its token and three lines to paste', () => {
    expect(lines.join('\n')).toContain(demo.data)
    expect(lines.join('\n')).toContain(demo.origin)
    expect(lines.join('\n')).toContain(`token ${demo.adminToken}`)
    expect(lines.filter((line) => /^ .*\bcurl\b/.test(line))).toHaveLength(3)
  })

  test('its first line shows a slow miss and a fast hit', async () => {
    const shown = await shell(printed('/products/42'))
    const statuses = [...shown.matchAll(/^cache-status: (.*)\r$/gim)].map(([, status]) => status)
    expect(statuses).toEqual([expect.stringContaining('fwd=uri-miss'), expect.stringMatching(/^herdgate; hit/)])
    const [miss, hit = Number.POSITIVE_INFINITY] = secondsIn(shown)
    expect(miss).toBeGreaterThanOrEqual(0.8)
    let fastest = hit
    for (let again = 0; again < 5 && fastest >= 0.4; again++)
      fastest = Math.min(...secondsIn(await shell(printed('/products/42'))))
    expect(fastest).toBeLessThan(0.4)
    expect(await hits('/products/42')).toBe(1)
  })

  test('its second line shows one request of a herd reaching the API', async () => {
    const stats = JSON.parse(await shell(printed('seq 20')))
    expect(stats.paths).toEqual({ '/products/7': 1 })
  })

  test('its third line purges by tag', async () => {
    const ask = async () => (await fetch(`${demo.data}/products/42`)).text()
    const before = await ask()
    expect(await ask()).toBe(before)
    expect(JSON.parse(await shell(printed('/v1/purge/')))).toMatchObject({ nodes: { expected: 1, acked: 1 } })
    expect(await ask()).not.toBe(before)
    expect(await hits('/products/42')).toBe(2)
  })

  test('its page is slow once and then fast, from the same copy', async () => {
    const visit = async () => {
      const began = performance.now()
      const text = await (await fetch(`${demo.data}/`)).text()
      return { text, ms: performance.now() - began }
    }
    const first = await visit()
    expect(first.ms).toBeGreaterThanOrEqual(790)
    let fastest = Number.POSITIVE_INFINITY
    for (let again = 0; again < 5 && fastest >= 400; again++) {
      const { text, ms } = await visit()
      expect(text).toBe(first.text)
      fastest = Math.min(fastest, ms)
    }
    expect(fastest).toBeLessThan(400)
  })

  test('the headers with which its page bypasses the browser cache do not bypass Herdgate', async () => {
    const headers = { 'cache-control': 'demo', pragma: 'demo' }
    await (await fetch(`${demo.data}/products/8`, { headers })).text()
    const again = await fetch(`${demo.data}/products/8`, { headers })
    expect(again.headers.get('cache-status')).toMatch(/^herdgate; hit/)
  })

  test('its page reaches statistics and control through Herdgate, and neither is stored', async () => {
    for (const path of ['/__stats', '/__control']) {
      await fetch(demo.data + path)
      const again = await fetch(demo.data + path)
      expect(again.headers.get('cache-status')).not.toContain('hit')
    }
    const broken = await fetch(`${demo.data}/__control`, { method: 'POST', body: '{"outage":"refuse"}' })
    expect(await broken.json()).toMatchObject({ outage: 'refuse' })
    expect((await fetch(`${demo.data}/products/1`)).status).toBe(502)
  })

  test('a change through Herdgate is seen at once', async () => {
    const version = async () => (await jsonAt(`${demo.data}/products/5`)).version
    expect(await version()).toBe(1)
    expect((await fetch(`${demo.data}/products/5`, { method: 'POST' })).status).toBe(200)
    expect(await version()).toBe(2)
  })

  test('its page leads to the dashboard, without the token', async () => {
    const page = await (await fetch(demo.data)).text()
    expect(page).toContain(`href="${demo.admin}/dashboard"`)
    expect(page).not.toContain(demo.adminToken)
    expect((await fetch(`${demo.admin}/dashboard`)).status).toBe(200)
  })

  test('the switches of its dashboard need the token, and are checked', async () => {
    const change = async (path: string, body: object, token = demo.adminToken) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      return fetch(`${demo.admin}/v1/demo${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    }
    expect((await change('/control', { latencyMs: 0 }, 'wrong')).status).toBe(401)
    expect(await jsonAt(`${demo.origin}/__control`)).toMatchObject({ latencyMs: 800 })
    expect((await change('/control', { latencyMs: -1 })).status).toBe(400)
    expect((await change('/traffic', { perSecond: 1e9 })).status).toBe(400)

    expect(await (await change('/control', { latencyMs: 100 })).json()).toMatchObject({ latencyMs: 100 })
    expect(await (await change('/herd', {})).json()).toMatchObject({ clients: 100, answered: 100, originRequests: 1 })
    expect((await change('/traffic', { perSecond: 50 })).status).toBe(200)
    await until(async () => (await jsonAt(`${demo.origin}/__stats`)).total > 5, 'there are visitors')
  })

  test('a response that is not shareable is fetched every time', async () => {
    const authorization = 'Bearer me'
    for (const path of ['/account', '/private', '/no-store']) {
      await fetch(demo.data + path, { headers: { authorization } })
      await fetch(demo.data + path, { headers: { authorization } })
      expect([path, await hits(path)]).toEqual([path, 2])
    }
  })
})

test('a port that is taken is an error, and nothing is left running', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  for (const taken of [{ port }, { adminPort: port }, { originPort: port }]) {
    await expect(runDemo({ ...anyPorts, ...taken, out: () => {} })).rejects.toThrow(String(port))
  }
  other.close()
})
