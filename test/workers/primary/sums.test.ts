import { expect, test } from 'vitest'
import type { Statistics } from '../../../src/cache/statistics.ts'
import { loadConfig } from '../../../src/config.ts'
import { Events } from '../../../src/events.ts'
import { createMetrics } from '../../../src/metrics.ts'
import { renderReports, sumOfCounts } from '../../../src/metrics/reports.ts'
import { delayBefore } from '../../../src/workers/primary/back-off.ts'
import { size } from '../../../src/units.ts'
import { containerShares, sharedBytes, shareOf } from '../../../src/workers/primary/share.ts'
import { sumOfStatistics } from '../../../src/workers/primary/statistics.ts'
import { ORIGIN, valid } from '../../config/given.ts'
import { requestEvent } from '../../support/request-event.ts'

const NONE = { hit: 0, stale: 0, stale_if_error: 0, revalidated: 0, collapsed: 0, miss: 0, pass: 0, error: 0, shed: 0 }
const counted = (more: Partial<Statistics>): Statistics => ({
  requests: NONE,
  hitRatio: 0,
  originTimeSavedMs: 0,
  originRequests: 0,
  inFlight: 0,
  waiting: 0,
  tiers: [],
  purges: { purge: 0, invalidate: 0, failed: 0 },
  log: { generation: 'g', position: 0 },
  nodes: [],
  ...more,
})

test('statistics are summed: memory is that of each process, disk and Redis are the same for all', () => {
  const memory = { tier: 'memory', bytes: 1, maxBytes: 10, objects: 2 } as const
  const disk = { tier: 'disk', bytes: 5, maxBytes: 50, objects: 6 } as const
  const own = counted({ log: { generation: 'g', position: 7 }, nodes: [{ id: 'a', position: 7 }] })
  const worker = counted({ requests: { ...NONE, hit: 1, miss: 1 }, tiers: [memory, disk], hitRatio: 0.5 })
  const other = counted({ requests: { ...NONE, hit: 2 }, tiers: [memory, { ...disk, degraded: true }], hitRatio: 1 })
  expect(sumOfStatistics(own, [worker, other])).toEqual({
    ...own,
    requests: { ...NONE, hit: 3, miss: 1 },
    hitRatio: 0.75,
    tiers: [
      { tier: 'memory', bytes: 2, maxBytes: 20, objects: 4 },
      { ...disk, degraded: true },
    ],
  })
})

function metricsOf(requests: number, position: number) {
  const events = new Events()
  const metrics = createMetrics({
    events,
    usage: () => [{ tier: 'memory', bytes: 10, maxBytes: 100, objects: 1 }],
    tiers: ['memory'],
    routes: ['r'],
    origins: ['o'],
    log: () => ({ position, synced: position > 1 }),
    build: { version: '1', revision: 'abc' },
  })
  for (let at = 0; at < requests; at++) events.emit('request', requestEvent({ route: 'r', firstByteMs: 1, totalMs: 1 }))
  return metrics
}

test('metrics are summed; the log position is that of the worker furthest behind', async () => {
  const reports = await Promise.all([metricsOf(3, 1).report(), metricsOf(4, 2).report()])
  const { contentType, body } = await renderReports(reports, undefined)
  expect(contentType).toContain('text/plain')
  expect(body).toMatch(/^herdgate_requests_total\{[^}]*route="r"[^}]*result="hit"[^}]*\} 7$/m)
  expect(body).toMatch(/^herdgate_request_duration_seconds_count\{[^}]*\} 7$/m)
  expect(body).toMatch(/^herdgate_request_duration_seconds_bucket\{[^}]*le="\+Inf"[^}]*\} 7$/m)
  expect(body).toContain('herdgate_store_max_bytes{tier="memory"} 200')
  expect(body).toContain('herdgate_log_position 1')
  expect(body).toContain('herdgate_log_synced 0')
  expect(body).toMatch(/^herdgate_build_info\{.*\} 1$/m)
  expect(body.match(/^# TYPE herdgate_requests_total counter$/gm)).toHaveLength(1)
})

test('the event loop that is latest counts, however many others are in time', async () => {
  const name = 'nodejs_eventloop_lag_p99_seconds'
  const reportWith = async (value: number) => {
    const report = await metricsOf(0, 1).report()
    return report.map((metric) => (metric.name === name ? { ...metric, values: [{ value, labels: {} }] } : metric))
  }
  const reports = await Promise.all([0.001, 0.9, 0.002].map(reportWith))
  expect((await renderReports(reports, undefined)).body).toContain(`\n${name} 0.9\n`)
})

test('OpenMetrics has the same numbers', async () => {
  const { contentType, body } = await renderReports([await metricsOf(3, 1).report()], 'application/openmetrics-text')
  expect(contentType).toContain('openmetrics')
  expect(body).toContain('# TYPE herdgate_requests counter')
  expect(body).toMatch(/^herdgate_requests_total\{[^}]*result="hit"[^}]*\} 3$/m)
  expect(body.endsWith('# EOF\n')).toBe(true)
})

test('after a process ends its counters are kept and its gauges are not', async () => {
  const ended = await sumOfCounts([await metricsOf(3, 1).report(), await metricsOf(1, 1).report()])
  const { body } = await renderReports([ended, await metricsOf(4, 2).report()], undefined)
  expect(body).toMatch(/^herdgate_requests_total\{[^}]*result="hit"[^}]*\} 8$/m)
  expect(body).toContain('herdgate_store_bytes{tier="memory"} 10')
  expect(body).toContain('herdgate_log_position 2')
})

test('limits apply to all workers together', () => {
  const config = valid({ flags: { ...ORIGIN, workers: '4', memory: '64MiB' } })
  expect(config.workers).toBe(4)
  const share = shareOf(config, 4)
  expect(4 * share.store.memory.maxBytes + sharedBytes(config)).toBe(64 * 2 ** 20)
  expect(share.limits.maxConnections).toBe(2_500)
  expect(share.origins[0]?.maxConcurrency).toBe(256)
})

test.each([
  ['2GiB', '486MiB', 8],
  ['2GiB', '588MiB', 4],
  ['1GiB', '230MiB', 4],
  ['16GiB', '4GiB', 8],
  ['1GiB', '281MiB', 2],
])(
  'in a container of %s a store of %s and %i workers all have room for what they hold',
  (container, memory, workers) => {
    const flags = { ...ORIGIN, workers: String(workers), memory }
    const config = valid({ flags, capacity: { container: size(container) } })
    const { primary, worker } = containerShares(config, workers)
    expect(primary + workers * worker).toBeCloseTo(1)
    const short = 0.9 * size(container)
    const [base, garbage] = [70 * 2 ** 20, 1.25]
    expect(short * primary).toBeGreaterThan(base + garbage * sharedBytes(config))
    const { store, limits } = shareOf(config, workers)
    expect(short * worker).toBeGreaterThan(base + garbage * store.memory.maxBytes + limits.maxBodiesInProgress)
  },
)

test('all workers together never exceed the limit, unless it is less than one each', () => {
  const text = `{ version: 1, origins: { a: { urls: ["http://a.test"], maxConcurrency: 7 } }, limits: { maxConnections: 9 } }`
  const config = valid({ text })
  const { origins, limits } = shareOf(config, 4)
  expect(origins[0]?.maxConcurrency).toBe(1)
  expect(limits.maxConnections).toBe(2)
  expect(shareOf(config, 8).origins[0]?.maxConcurrency).toBe(1)
})

test.each([
  [{ workers: 'auto' }, 'auto'],
  [{ workers: '2' }, 2],
  [{}, 1],
])('workers %j are %s', (flags, workers) => {
  const loaded = loadConfig({ flags: { origin: ['http://a.test'], ...flags }, env: {}, readFile: () => '' })
  expect(loaded).toMatchObject({ ok: true, config: { workers } })
})

test.each(['0', '-1', '1.5', '257', 'many', ''])('workers: %j is a fault', (workers) => {
  const loaded = loadConfig({ flags: { origin: ['http://a.test'], workers }, env: {}, readFile: () => '' })
  expect(loaded).toMatchObject({ ok: false, faults: [{ where: '--workers' }] })
})

test('a worker that keeps ending soon is replaced after growing delays', () => {
  expect([0, 1, 2, 3, 4, 100].map(delayBefore)).toEqual([0, 0, 100, 200, 400, 10_000])
})
