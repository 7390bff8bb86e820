import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSlowApi, type SlowApi } from '../../src/demo/slow-api.ts'
import { FakeClock } from '../support/fake-clock.ts'

let api: SlowApi
let base: string

const start = async (options: Parameters<typeof createSlowApi>[0] = {}): Promise<void> => {
  api = createSlowApi({ latencyMs: 0, reportMs: 0, random: () => 0.5, ...options })
  base = await api.listen()
}
const post = (path: string, body: string): Promise<Response> => fetch(base + path, { method: 'POST', body })

afterEach(() => api.close())

describe('with a fake clock', () => {
  test('an answer is delayed by the latency', async () => {
    const clock = new FakeClock()
    await start({ clock, latencyMs: 800 })
    let answered = false
    const answer = fetch(`${base}/products/1`).finally(() => (answered = true))
    await expect.poll(() => clock.pending).toBe(1)
    await clock.advance(799)
    expect(answered).toBe(false)
    await clock.advance(1)
    expect((await answer).status).toBe(200)
  })

  test('a client that leaves before the answer leaves no timer behind', async () => {
    const clock = new FakeClock()
    await start({ clock, latencyMs: 800 })
    const left = new AbortController()
    const answer = fetch(`${base}/products/1`, { signal: left.signal }).catch((error: unknown) => error)
    await expect.poll(() => clock.pending).toBe(1)
    left.abort()
    await answer
    await expect.poll(() => clock.pending).toBe(0)
  })
})

describe('without latency', () => {
  beforeEach(() => start())

  test('counts the requests of each path, except those for statistics and control', async () => {
    await Promise.all(['/products/1', '/products/1', '/swr'].map((path) => fetch(base + path)))
    await fetch(`${base}/__control`)
    const stats = await fetch(`${base}/__stats`)
    expect(stats.headers.get('cache-control')).toBe('no-store')
    expect(await stats.json()).toEqual({ total: 3, paths: { '/products/1': 2, '/swr': 1 } })
    expect([api.hits(), api.hits('/products/1'), api.hits('/nothing')]).toEqual([3, 2, 0])
  })

  test('answers HEAD with the fields of GET and no content', async () => {
    for (const path of ['/products/1', '/search', '/swr']) {
      const get = await fetch(base + path)
      const head = await fetch(base + path, { method: 'HEAD' })
      expect([path, await head.text()]).toEqual([path, ''])
      expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'))
      expect(Number(head.headers.get('content-length'))).toBe(Buffer.byteLength(await get.text()))
    }
    expect(await (await fetch(`${base}/report`, { method: 'HEAD' })).text()).toBe('')
    expect(await (await fetch(`${base}/events`, { method: 'HEAD' })).text()).toBe('')
  })

  test('streams about two megabytes of report', async () => {
    const report = await (await fetch(`${base}/report`)).text()
    expect(report.length).toBeGreaterThan(1_800_000)
    expect(report.length).toBeLessThan(2_200_000)
    expect(report.trimEnd().split('\n')).toHaveLength(69_002)
  })

  test('sends 103 before the early-hints resource', async () => {
    const asked = request(`${base}/early-hints`).end()
    const hints = once(asked, 'information')
    const [response] = await once(asked, 'response')
    response.resume()
    expect((await hints)[0].statusCode).toBe(103)
    expect(response.statusCode).toBe(200)
  })

  test('sends events until the reader leaves', async () => {
    const left = new AbortController()
    const events = await fetch(`${base}/events`, { signal: left.signal })
    expect(events.headers.get('cache-control')).toBe('no-store')
    const first = await events.body?.getReader().read()
    expect(new TextDecoder().decode(first?.value)).toMatch(/^id: 1\ndata: /)
    left.abort()
  })

  test('shows and changes its settings, and refuses invalid ones', async () => {
    const shown = await fetch(`${base}/__control`)
    expect(await shown.json()).toEqual({ latencyMs: 0, outage: 'none', errorRate: 0 })
    const changed = await post('/__control', '{"errorRate":1}')
    expect([changed.status, changed.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect((await fetch(`${base}/products/1`)).status).toBe(503)
    expect((await post('/__control', '{"errorRate":7}')).status).toBe(400)
    expect((await post('/__control', 'x'.repeat(70_000))).status).toBe(413)
    expect((await fetch(`${base}/__control`, { method: 'DELETE' })).status).toBe(405)
  })

  test('resets connections in a refusing outage and still answers its control', async () => {
    api.control({ outage: 'refuse' })
    await expect(fetch(`${base}/products/1`)).rejects.toThrow()
    expect((await fetch(`${base}/__stats`)).status).toBe(200)
    expect((await post('/__control', '{"outage":"none"}')).status).toBe(200)
    expect((await fetch(`${base}/products/1`)).status).toBe(200)
  })

  test('answers 503 in an outage of errors', async () => {
    api.control({ outage: 'error' })
    const failed = await fetch(`${base}/sie`)
    expect([failed.status, failed.headers.get('cache-control')]).toEqual([503, 'no-store'])
  })

  test('does not answer in a hanging outage, and can still be closed', async () => {
    api.control({ outage: 'hang' })
    const counted = new Promise<void>((resolve) => api.server.once('request', () => resolve()))
    const answer = fetch(`${base}/products/1`).then(
      () => 'answered',
      () => 'cut off',
    )
    await counted
    expect((await fetch(`${base}/__stats`)).status).toBe(200)
    await api.close()
    expect(await answer).toBe('cut off')
  })

  test('outlives a client that resets its connection in the middle of the report', async () => {
    const socket = connect(Number(new URL(base).port), '127.0.0.1')
    socket.write('GET /report HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'data')
    socket.resetAndDestroy()
    expect((await fetch(`${base}/products/1`)).status).toBe(200)
  })
})
