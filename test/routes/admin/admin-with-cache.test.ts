import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { Explanation } from '../../../routes/admin/explain.ts'
import { Snapshot } from '../../../routes/admin/live.ts'
import { Statistics } from '../../../routes/admin/stats.ts'
import { createAdmin } from '../../../src/ports/admin-port.ts'
import { createLive } from '../../../src/live/live.ts'
import { createMetrics } from '../../../src/metrics.ts'
import type { Rules } from '../../../src/model.ts'
import { ADMIN_TOKEN, get, post } from '../../support/admin.ts'
import { requestEvent } from '../../support/request-event.ts'
import { world } from '../../support/world.ts'

/** The admin listener of a real cache whose origin sends tags. */
function real(rules: Partial<Rules> = {}) {
  const around = world(rules)
  around.origin.script(() => ({
    headers: { 'cache-control': 'max-age=60', 'surrogate-key': 'products caf\u00c3\u00a9' }, // as received: UTF-8 read as Latin-1
  }))
  const { cache, events, log, store } = around
  const usage = () => store.usage()
  const position = () => ({ position: log.position, synced: true })
  const metrics = createMetrics({
    events,
    usage,
    tiers: ['memory'],
    routes: ['default'],
    origins: ['test'],
    log: position,
    build: { version: '1', revision: 'abc' },
  })
  const originUsage = () => [{ origin: around.origin.name, inFlight: 0, queued: 0 }]
  const live = createLive({ events, clock: around.clock, stats: () => cache.stats(), synced: () => true, originUsage })
  const ready = () => ({ ready: true, degraded: [] })
  const app = createAdmin({
    cache,
    metrics,
    live,
    reload: () => ({ ok: true, needsRestart: [] }),
    token: ADMIN_TOKEN,
    logger: pino({ level: 'silent' }),
    ready,
    version: '1',
  })
  return { ...around, app, live }
}

describe('a purge over HTTP', () => {
  test.each<[string, object]>([
    ['tag', { tags: ['products'] }],
    ['tag in UTF-8', { tags: ['café'] }],
    ['URL', { urls: ['http://a.test/p/1?x=1'] }],
    ['URL with the other scheme and its port', { urls: ['https://A.TEST:443/p/1?x=1'] }],
    ['URL with port 80', { urls: ['https://a.test:80/p/1?x=1'] }],
    ['prefix', { prefixes: ['https://a.test/p'] }],
    ['prefix of the whole host', { prefixes: ['https://a.test'] }],
    ['all', { all: true }],
  ])('by %s removes what was stored', async (_what, body) => {
    const it = real()
    await it.get('/p/1?x=1')
    expect((await it.get('/p/1?x=1')).result).toBe('hit')
    const purged = await post(it.app, '/v1/purge', body)
    expect(purged.json()).toMatchObject({ position: 1, nodes: { expected: 1, acked: 1 } })
    expect((await it.get('/p/1?x=1')).result).toBe('miss')
  })

  test.each<[string, object]>([
    ['another tag', { tags: ['product'] }],
    ['the URL without its query', { urls: ['http://a.test/p/1'] }],
    ['half a segment', { prefixes: ['http://a.test/p/12', 'http://a.tes'] }],
    ['another port', { prefixes: ['http://a.test:8080/'] }],
  ])('by %s leaves it stored', async (_what, body) => {
    const it = real()
    await it.get('/p/1?x=1')
    expect((await post(it.app, '/v1/purge', body)).statusCode).toBe(200)
    expect((await it.get('/p/1?x=1')).result).toBe('hit')
  })

  test('reports who requested it, and is counted', async () => {
    const it = real()
    await post(it.app, '/v1/invalidate/tags/products')
    expect(it.seen.purge).toMatchObject([{ by: 'admin', mode: 'invalidate', outcome: 'done' }])
    expect((await get(it.app, '/metrics')).body).toContain(
      'herdgate_purges_total{kind="tag",mode="soft",outcome="done"} 1',
    )
  })
})

describe('answers match their documentation', () => {
  test('of /v1/explain, before and after something is stored', async () => {
    const it = real({ grace: Number.POSITIVE_INFINITY })
    const url = '/v1/explain?url=http://a.test/p/1&header=accept:%20text/html'
    const before = (await get(it.app, url)).json()
    expect(Explanation.strict().parse(before)).toMatchObject({ decision: 'fetch', why: 'uri-miss', route: 'default' })
    await it.get('/p/1')
    await post(it.app, '/v1/invalidate/tags/products')
    const after = (await get(it.app, url)).json()
    expect(Explanation.strict().parse(after)).toMatchObject({
      decision: 'revalidate',
      why: 'invalidated',
      stored: { status: 200, verdict: 'stale', position: 0, logPosition: 1, freshness: { ttl: 60 } },
    })
  })

  test('of /v1/explain for a method that is passed to the origin', async () => {
    const response = await get(real().app, '/v1/explain?url=http://a.test/&method=DELETE')
    expect(Explanation.strict().parse(response.json())).toMatchObject({ decision: 'unsafe' })
  })

  test('of /v1/stats', async () => {
    const it = real()
    await it.get('/p/1')
    await post(it.app, '/v1/purge/tags/products')
    const stats = (await get(it.app, '/v1/stats')).json()
    expect(Statistics.strict().parse(stats)).toMatchObject({
      originRequests: 1,
      purges: { purge: 1 },
      log: { position: 1 },
    })
  })

  test('in each snapshot of /v1/live', async () => {
    const it = real()
    const told: unknown[] = []
    it.live.watch((snapshot) => void told.push(JSON.parse(JSON.stringify(snapshot))))
    await it.get('/p/1')
    it.events.emit('request', requestEvent({ outcome: { result: 'hit', ttlMs: Number.POSITIVE_INFINITY } }))
    it.events.emit('eviction', { tier: 'memory', reason: 'size' })
    await it.clock.advance(2_000)
    expect(told).toHaveLength(2)
    for (const snapshot of told) Snapshot.strict().parse(snapshot)
    expect(told[0]).toMatchObject({ origins: [{ requests: 1 }], recent: [{ outcome: { ttlMs: null } }] })
  })
})
