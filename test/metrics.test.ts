import { readFile } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { Events, type StoreEvent } from '../src/events.ts'
import { createMetrics, type Metrics } from '../src/metrics.ts'
import type { Tier } from '../src/model.ts'
import { RESULTS } from '../src/model.ts'
import { REASONS } from '../src/metrics/labels.ts'
import { requestEvent } from './support/request-event.ts'

interface Rig {
  readonly events: Events
  readonly metrics: Metrics
}

function rig(
  routes: readonly string[] = ['catalog'],
  origins: readonly string[] = ['api'],
  tiers: readonly Tier[] = ['memory'],
): Rig {
  const events = new Events()
  const metrics = createMetrics({
    events,
    routes,
    origins,
    usage: () => tiers.map((tier) => ({ tier, bytes: 10, maxBytes: 20, objects: 3 })),
    tiers,
    originUsage: () => origins.map((origin) => ({ origin, inFlight: 2, queued: 5 })),
    log: () => ({ position: 17, synced: true }),
    build: { version: '1.2.3', revision: 'abc' },
  })
  return { events, metrics }
}

/** The value of one series, given its labels in rendered order. */
async function valueOf({ metrics }: Rig, series: string): Promise<number | undefined> {
  const lines = (await seriesOf(metrics)).filter((line) => line.startsWith(`${series} `))
  return lines.length === 0 ? undefined : Number(lines[0]?.slice(series.length + 1))
}

async function seriesOf(metrics: Metrics): Promise<string[]> {
  const { body } = await metrics.render()
  return body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

const GET = 'route="catalog",method="GET"'

describe('requests', () => {
  test('exist from the start, at zero', async () => {
    const it = rig()
    expect(await valueOf(it, `herdgate_requests_total{${GET},result="hit",code_class="2xx"}`)).toBe(0)
    expect(await valueOf(it, `herdgate_requests_total{${GET},result="error",code_class="5xx"}`)).toBe(0)
    expect(await valueOf(it, 'herdgate_request_duration_seconds_count{route="catalog",result="miss"}')).toBe(0)
  })

  test('are counted by route, method, result and status class', async () => {
    const it = rig()
    it.events.emit('request', requestEvent())
    it.events.emit('request', requestEvent())
    it.events.emit('request', requestEvent({ method: 'HEAD', status: 404, outcome: { result: 'pass' } }))
    expect(await valueOf(it, `herdgate_requests_total{${GET},result="hit",code_class="2xx"}`)).toBe(2)
    const head = 'herdgate_requests_total{route="catalog",method="HEAD",result="pass",code_class="4xx"}'
    expect(await valueOf(it, head)).toBe(1)
  })

  test('with an unknown method, route or status count under _OTHER', async () => {
    const it = rig()
    it.events.emit('request', requestEvent({ method: 'BREW', route: '', status: 999, outcome: { result: 'error' } }))
    const other = 'herdgate_requests_total{route="_OTHER",method="_OTHER",result="error",code_class="_OTHER"}'
    expect(await valueOf(it, other)).toBe(1)
  })

  test('count in every bucket from the first that covers their duration', async () => {
    const it = rig()
    for (const totalMs of [0.4, 0.5, 7, 60_000]) it.events.emit('request', requestEvent({ totalMs }))
    const at = (le: string) =>
      valueOf(it, `herdgate_request_duration_seconds_bucket{le="${le}",route="catalog",result="hit"}`)
    expect([await at('0.0005'), await at('0.005'), await at('0.01'), await at('30'), await at('+Inf')]).toEqual([
      2, 2, 3, 3, 4,
    ])
    const name = 'herdgate_request_duration_seconds'
    expect(await valueOf(it, `${name}_count{route="catalog",result="hit"}`)).toBe(4)
    expect(await valueOf(it, `${name}_sum{route="catalog",result="hit"}`)).toBeCloseTo(60.0079, 9)
  })

  test('have their first byte in a histogram of its own', async () => {
    const it = rig()
    it.events.emit('request', requestEvent({ firstByteMs: 20, totalMs: 2000, outcome: { result: 'miss' } }))
    const name = 'herdgate_time_to_first_byte_seconds_sum{route="catalog",result="miss"}'
    expect(await valueOf(it, name)).toBeCloseTo(0.02, 9)
  })

  test("add their bytes to the source they came from; Herdgate's own errors to none", async () => {
    const it = rig()
    it.events.emit('request', requestEvent({ bytes: 5 }))
    it.events.emit('request', requestEvent({ bytes: 7, outcome: { result: 'miss' } }))
    it.events.emit('request', requestEvent({ bytes: 900, outcome: { result: 'error' } }))
    expect(await valueOf(it, 'herdgate_response_bytes_total{route="catalog",source="cache"}')).toBe(5)
    expect(await valueOf(it, 'herdgate_response_bytes_total{route="catalog",source="origin"}')).toBe(7)
  })
})

describe('other metrics', () => {
  test('origin requests carry the exact code, or the error', async () => {
    const it = rig()
    const asked = { origin: 'api', route: 'catalog', reason: 'stale', ms: 120 } as const
    it.events.emit('origin', { ...asked, code: '304' })
    it.events.emit('origin', { ...asked, code: 'origin_timeout' })
    expect(await valueOf(it, 'herdgate_origin_requests_total{origin="api",reason="stale",code="304"}')).toBe(1)
    expect(await valueOf(it, 'herdgate_origin_requests_total{origin="api",reason="stale",code="origin_timeout"}')).toBe(
      1,
    )
    expect(await valueOf(it, 'herdgate_origin_request_duration_seconds_count{origin="api"}')).toBe(2)
    expect(await valueOf(it, 'herdgate_origin_in_flight{origin="api"}')).toBe(2)
    expect(await valueOf(it, 'herdgate_origin_queue_depth{origin="api"}')).toBe(5)
  })

  test('a purge counts once per kind of selector in it', async () => {
    const it = rig()
    const receipt = { id: 'g-1', position: 1, nodes: { expected: 2, acked: 2 } }
    const selectors = { tags: ['a', 'b'], urls: ['x'], prefixes: [] }
    it.events.emit('purge', { mode: 'purge', selectors, outcome: 'done', receipt, tookMs: 3, by: 'admin' })
    const all = { selectors: { all: true }, outcome: 'failed', receipt: undefined } as const
    it.events.emit('purge', { mode: 'invalidate', ...all, tookMs: 3, by: 'admin' })
    const purges = (kind: string, mode: string, outcome: string) =>
      valueOf(it, `herdgate_purges_total{kind="${kind}",mode="${mode}",outcome="${outcome}"}`)
    expect(await purges('tag', 'hard', 'done')).toBe(1)
    expect(await purges('url', 'hard', 'done')).toBe(1)
    expect(await purges('prefix', 'hard', 'done')).toBe(0)
    expect(await purges('all', 'soft', 'failed')).toBe(1)
    expect(await valueOf(it, 'herdgate_purge_propagation_seconds_count')).toBe(1)
  })

  test('a purge that not every node acknowledged has no propagation time', async () => {
    const it = rig()
    const receipt = { id: 'g-1', position: 1, nodes: { expected: 2, acked: 1 } }
    it.events.emit('purge', { mode: 'purge', selectors: {}, outcome: 'done', receipt, tookMs: 3, by: 'admin' })
    expect(await valueOf(it, 'herdgate_purge_propagation_seconds_count')).toBe(0)
  })

  test('refused connections are counted by reason, from 0', async () => {
    const it = rig()
    it.events.emit('refusedConnection', { reason: 'memory' })
    expect(await valueOf(it, 'herdgate_refused_connections_total{reason="memory"}')).toBe(1)
    expect(await valueOf(it, 'herdgate_refused_connections_total{reason="limit"}')).toBe(0)
  })

  test('store operations reported with reused objects are each counted correctly', async () => {
    const it = rig()
    const hit: StoreEvent = { tier: 'memory', op: 'get', outcome: 'hit' }
    const miss: StoreEvent = { tier: 'memory', op: 'get', outcome: 'miss' }
    for (const done of [hit, hit, miss, hit, { ...hit, ms: 2_000 }, miss]) it.events.emit('store', done)
    expect(await valueOf(it, 'herdgate_store_operations_total{tier="memory",op="get",outcome="hit"}')).toBe(4)
    expect(await valueOf(it, 'herdgate_store_operations_total{tier="memory",op="get",outcome="miss"}')).toBe(2)
    expect(await valueOf(it, 'herdgate_store_operation_duration_seconds_sum{tier="memory",op="get"}')).toBe(2)
  })

  test('collapses, revalidations, store operations and evictions are counted', async () => {
    const it = rig()
    it.events.emit('collapse', { route: 'catalog', outcome: 'reused' })
    it.events.emit('revalidation', { route: 'catalog', mode: 'background', outcome: 'not_modified' })
    it.events.emit('store', { tier: 'memory', op: 'get', outcome: 'error' })
    it.events.emit('eviction', { tier: 'memory', reason: 'size' })
    it.events.emit('eviction', { tier: 'disk', reason: 'purged', count: 7 })
    expect(await valueOf(it, 'herdgate_collapsed_requests_total{route="catalog",outcome="reused"}')).toBe(1)
    const revalidation = 'route="catalog",mode="background",outcome="not_modified"'
    expect(await valueOf(it, `herdgate_revalidations_total{${revalidation}}`)).toBe(1)
    expect(await valueOf(it, 'herdgate_store_operations_total{tier="memory",op="get",outcome="error"}')).toBe(1)
    expect(await valueOf(it, 'herdgate_store_evictions_total{tier="memory",reason="size"}')).toBe(1)
    expect(await valueOf(it, 'herdgate_store_evictions_total{tier="memory",reason="expired"}')).toBe(0)
    expect(await valueOf(it, 'herdgate_store_evictions_total{tier="disk",reason="purged"}')).toBe(7)
  })

  test('store operations exist from the start, at zero, for each tier and possible outcome', async () => {
    const { metrics } = rig(['catalog'], ['api'], ['memory', 'redis'])
    const series = (await seriesOf(metrics)).filter((line) => line.startsWith('herdgate_store_operations_total'))
    const ways = {
      get: ['hit', 'miss', 'error', 'unknown'],
      set: ['ok', 'error', 'dropped'],
      delete: ['ok', 'error', 'dropped'],
    }
    const expected = ['memory', 'redis'].flatMap((tier) =>
      Object.entries(ways).flatMap(([op, outcomes]) =>
        outcomes.map((outcome) => `herdgate_store_operations_total{tier="${tier}",op="${op}",outcome="${outcome}"} 0`),
      ),
    )
    expect(series).toEqual(expected)
  })

  test('gauges are read when scraped', async () => {
    const it = rig()
    expect(await valueOf(it, 'herdgate_store_bytes{tier="memory"}')).toBe(10)
    expect(await valueOf(it, 'herdgate_store_max_bytes{tier="memory"}')).toBe(20)
    expect(await valueOf(it, 'herdgate_store_objects{tier="memory"}')).toBe(3)
    expect(await valueOf(it, 'herdgate_log_position')).toBe(17)
    expect(await valueOf(it, 'herdgate_log_synced')).toBe(1)
    expect(await valueOf(it, `herdgate_build_info{version="1.2.3",revision="abc",node="${process.version}"}`)).toBe(1)
  })
})

const twenty = Array.from({ length: 20 }, (_, at) => `route-${at}`)
const ten = Array.from({ length: 10 }, (_, at) => `origin-${at}`)

/** Emits every label value that any client or origin can cause. */
function everything({ events }: Rig, routes: readonly string[], origins: readonly string[]): void {
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'TRACE', 'BREW']
  for (const route of [...routes, '']) {
    for (const result of RESULTS) {
      for (const method of methods) {
        for (const status of [101, 200, 304, 404, 503]) {
          events.emit('request', requestEvent({ route, method, status, outcome: { result } }))
        }
      }
    }
  }
  for (const origin of origins) {
    for (const reason of REASONS) {
      for (let code = 100; code < 600; code++) {
        events.emit('origin', { origin, route: routes[0] ?? '', reason, code: String(code), ms: 1 })
      }
    }
  }
}

describe('routes and origins added by a reload', () => {
  const asked = { reason: 'uri-miss', code: '200', ms: 1 } as const
  const total = async (it: Rig, name: string) => {
    const lines = (await seriesOf(it.metrics)).filter((line) => line.startsWith(`herdgate_${name}{`))
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  test('are counted by name, from 0, beside existing ones', async () => {
    const it = rig()
    it.events.emit('request', requestEvent({ route: 'new' }))
    it.events.emit('routing', { routes: ['catalog', 'new'], origins: ['api', 'other'] })
    expect(await valueOf(it, 'herdgate_requests_total{route="new",method="GET",result="hit",code_class="2xx"}')).toBe(0)
    expect(await valueOf(it, 'herdgate_collapsed_requests_total{route="new",outcome="reused"}')).toBe(0)
    expect(await valueOf(it, 'herdgate_origin_requests_total{origin="other",reason="uri-miss",code="200"}')).toBe(0)
    it.events.emit('request', requestEvent({ route: 'new' }))
    it.events.emit('request', requestEvent({ route: 'catalog' }))
    it.events.emit('collapse', { route: 'new', outcome: 'reused' })
    it.events.emit('revalidation', { route: 'new', mode: 'blocking', outcome: 'replaced' })
    it.events.emit('origin', { origin: 'other', route: 'new', ...asked })
    expect(await valueOf(it, 'herdgate_requests_total{route="new",method="GET",result="hit",code_class="2xx"}')).toBe(1)
    expect(await valueOf(it, `herdgate_requests_total{${GET},result="hit",code_class="2xx"}`)).toBe(1)
    expect(await valueOf(it, 'herdgate_request_duration_seconds_count{route="new",result="hit"}')).toBe(1)
    expect(await valueOf(it, 'herdgate_collapsed_requests_total{route="new",outcome="reused"}')).toBe(1)
    expect(await valueOf(it, 'herdgate_revalidations_total{route="new",mode="blocking",outcome="replaced"}')).toBe(1)
    expect(await valueOf(it, 'herdgate_origin_requests_total{origin="other",reason="uri-miss",code="200"}')).toBe(1)
    expect(await valueOf(it, 'herdgate_origin_request_duration_seconds_count{origin="other"}')).toBe(1)
  })

  test.each([
    [3, 2],
    [20, 10],
  ])('have room of their own, even if every series of %i routes and %i origins is in use', async (some, few) => {
    const [routes, origins] = [twenty.slice(0, some), ten.slice(0, few)]
    const it = rig(routes, origins)
    everything(it, routes, origins)
    everything(it, ['x', ...routes], ['y', ...origins])
    it.events.emit('routing', { routes: [...routes, 'new'], origins: [...origins, 'other'] })
    it.events.emit('request', requestEvent({ route: 'new' }))
    it.events.emit('origin', { origin: 'other', route: 'new', ...asked })
    expect(await valueOf(it, 'herdgate_requests_total{route="new",method="GET",result="hit",code_class="2xx"}')).toBe(1)
    expect(await valueOf(it, 'herdgate_request_duration_seconds_count{route="new",result="hit"}')).toBe(1)
    expect(await valueOf(it, 'herdgate_origin_requests_total{origin="other",reason="uri-miss",code="200"}')).toBe(1)
  })

  test('are limited to a hundred each; later ones count as _OTHER, and nothing is lost', async () => {
    const it = rig()
    for (let at = 0; at < 1000; at++) {
      const name = `name-${at}`
      it.events.emit('routing', { routes: [name], origins: [name] })
      it.events.emit('request', requestEvent({ route: name }))
      it.events.emit('origin', { origin: name, route: name, ...asked })
    }
    const names = new Set((await seriesOf(it.metrics)).flatMap((line) => /(?:route|origin)="([^"]*)"/.exec(line) ?? []))
    expect(names).toContain('route="name-99"')
    expect(names).toContain('origin="name-99"')
    expect(names).not.toContain('name-100')
    for (const name of ['requests_total', 'request_duration_seconds_count', 'origin_requests_total'])
      expect(await total(it, name), name).toBe(1000)
    expect(await total(it, 'origin_request_duration_seconds_count')).toBe(1000)
  })
})

describe('the number of series', () => {
  test('stays within 3000 at 20 routes and 10 origins, whatever is requested and answered', async () => {
    const it = rig(twenty, ten, ['memory', 'disk', 'redis'])
    everything(it, twenty, ten)
    expect((await seriesOf(it.metrics)).length).toBeLessThanOrEqual(3000)
  })

  test('is bounded by counting under _OTHER: no request is missing from the totals', async () => {
    const it = rig(twenty, ten)
    everything(it, twenty, ten)
    const total = async (name: string) =>
      (await seriesOf(it.metrics))
        .filter((line) => line.startsWith(`${name}{`))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    const requests = 21 * RESULTS.length * 10 * 5
    expect(await total('herdgate_requests_total')).toBe(requests)
    expect(await total('herdgate_request_duration_seconds_count')).toBe(requests)
    expect(await total('herdgate_origin_requests_total')).toBe(10 * REASONS.length * 500)
    expect(await total('herdgate_origin_request_duration_seconds_count')).toBe(10 * REASONS.length * 500)
  })

  test('has room for hits and misses of 20 routes, and for every result of a few', async () => {
    const many = rig(twenty, ten)
    everything(many, twenty.toReversed(), ten)
    for (const result of ['hit', 'miss']) {
      const name = `herdgate_request_duration_seconds_count{route="route-19",result="${result}"}`
      expect(await valueOf(many, name)).toBe(50)
    }
    const few = rig(['one', 'two', 'three', 'four'])
    everything(few, ['one', 'two', 'three', 'four'], ['api'])
    for (const result of RESULTS) {
      const name = `herdgate_request_duration_seconds_count{route="four",result="${result}"}`
      expect(await valueOf(few, name), result).toBe(50)
    }
  })
})

describe('rendering', () => {
  test('is the Prometheus text format unless OpenMetrics is requested', async () => {
    const { metrics } = rig()
    for (const accept of [undefined, '', '*/*', 'text/plain', 'application/openmetrics-text;q=0', 'text/html']) {
      const { contentType, body } = await metrics.render(accept)
      expect(contentType, accept).toBe('text/plain; version=0.0.4; charset=utf-8')
      expect(body).toContain('# TYPE herdgate_requests_total counter')
    }
  })

  test('is OpenMetrics for a Prometheus server that prefers it, and text for the next scraper', async () => {
    const { metrics } = rig()
    const prefers =
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,*/*;q=0.2'
    const { contentType, body } = await metrics.render(prefers)
    expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(body).toContain('# TYPE herdgate_requests counter')
    expect(body).toContain(`herdgate_requests_total{${GET},result="hit",code_class="2xx"} 0`)
    expect(body.endsWith('# EOF\n')).toBe(true)
    expect((await metrics.render()).body).toContain('# TYPE herdgate_requests_total counter')
    const plainFirst = 'text/plain;version=0.0.4;q=1,application/openmetrics-text;q=0.5'
    expect((await metrics.render(plainFirst)).contentType).toContain('text/plain')
  })

  test('has no series twice, and a help and a type for each metric', async () => {
    const it = rig(twenty, ten)
    everything(it, twenty, ten)
    const names = (await seriesOf(it.metrics)).map((line) => line.slice(0, line.lastIndexOf(' ')))
    expect(new Set(names).size).toBe(names.length)
    const { body } = await it.metrics.render()
    const documented = new Set(body.match(/(?<=^# HELP )\S+/gm))
    expect(new Set(body.match(/(?<=^# TYPE )\S+/gm))).toEqual(documented)
    for (const name of names) {
      const family = name.replace(/\{.*/, '')
      expect(documented.has(family) || documented.has(family.replace(/_(bucket|sum|count)$/, '')), family).toBe(true)
    }
  })

  test('follows the naming rules: base units, and _total exactly for counters', async () => {
    const { body } = await rig().metrics.render()
    for (const [, name = '', type] of body.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      expect(name).not.toMatch(/_(ms|milliseconds|kb|histogram|summary|counter|gauge)(_|$)/)
    }
  })

  test('includes the process', async () => {
    const names = (await seriesOf(rig().metrics)).map((line) => line.replace(/[{ ].*/, ''))
    expect(names).toContain('process_resident_memory_bytes')
    expect(names).toContain('nodejs_eventloop_lag_p99_seconds')
  })

  test('nothing is sampled for metrics that are left out', () => {
    const intervals = vi.spyOn(globalThis, 'setInterval')
    rig()
    expect(intervals.mock.calls.filter(([, ms = 0]) => ms <= 60_000)).toEqual([])
    intervals.mockRestore()
  })

  test('event loop lag is the delay alone, without the sampling interval', async () => {
    const { metrics } = rig()
    const usualLag = async () => {
      const { body } = await metrics.render()
      return Number(/^nodejs_eventloop_lag_p50_seconds (\S+)$/m.exec(body)?.[1])
    }
    await usualLag() // discards samples from before
    await vi.waitFor(async () => expect(await usualLag()).toBeLessThan(0.01), { timeout: 100_000, interval: 100 })
  })

  test('a second scrape at once has no event loop lag, rather than one of centuries or NaN', async () => {
    const { metrics } = rig()
    await metrics.render()
    const { body } = await metrics.render()
    const lags = [...body.matchAll(/^nodejs_eventloop_lag_\w+ (\S+)$/gm)].map(([, seconds]) => Number(seconds))
    expect(lags.filter((seconds) => !(seconds < 60))).toEqual([])
  })
})

describe('docs/metrics.md', () => {
  test('lists exactly the existing metrics, with types and labels', async () => {
    const it = rig()
    everything(it, ['catalog'], ['api'])
    const { body } = await it.metrics.render()
    const rendered = [...body.matchAll(/^# TYPE (herdgate_\S+) (\S+)$/gm)].map(([, name = '', type = '']) => {
      const [, labels = ''] = new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, 'm').exec(body) ?? []
      const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le')
      return `${name} ${type} ${names.join(',')}`
    })
    const page = await readFile(new URL('../docs/metrics.md', import.meta.url), 'utf8')
    const listed = [...page.matchAll(/^\| `(herdgate_\w+)` \| (\w+) \| ([^|]*)\|/gm)].map(
      ([, name, type, labels = '']) =>
        `${name} ${type} ${[...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).join(',')}`,
    )
    expect(listed.toSorted()).toEqual(rendered.toSorted())
  })
})
