import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { queries } from '../../helm/dashboard.ts'
import { CHART } from '../../helm/generated.ts'
import { Events } from '../../src/events.ts'
import { createMetrics } from '../../src/metrics.ts'
import { RESULTS } from '../../src/model.ts'
import { CODE_CLASSES } from '../../src/metrics/labels.ts'

interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly annotations?: { readonly runbook_url: string }
}

const read = (file: string) => readFileSync(file, 'utf8')
const { groups }: { groups: { rules: Rule[] }[] } = parse(read(join(CHART, 'rules/herdgate.yaml')))
const rules = groups.flatMap(({ rules }) => rules)
const alerts = rules.filter(({ alert }) => alert !== undefined)
const all: string[] = [...queries(), ...rules.map(({ expr }) => expr)]

/** Labels that Prometheus adds to every series of a target. */
const OF_TARGET = ['namespace', 'job', 'instance']
const NAME = /\b(?:herdgate|nodejs|process)[\w:]*/g

/** Label names by metric, as exposed by the admin port. */
const labels = new Map<string, Set<string>>()

beforeAll(async () => {
  const metrics = createMetrics({
    events: new Events(),
    usage: () => [{ tier: 'memory', bytes: 1, maxBytes: 1, objects: 1 }],
    tiers: ['memory'],
    routes: ['a'],
    origins: ['a'],
    originUsage: () => [{ origin: 'a', inFlight: 0, queued: 0 }],
    log: () => ({ position: 0, synced: true }),
    build: { version: '0.0.0', revision: 'abc' },
  })
  collectGarbage() // so that its histogram is exposed
  for (const line of (await metrics.render()).body.split('\n')) {
    const [, type] = /^# TYPE (\w+) /.exec(line) ?? []
    if (type !== undefined) labels.set(type, new Set())
    const [, name, pairs = ''] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? []
    if (name === undefined) continue
    const known = labels.get(name) ?? new Set()
    labels.set(name, known)
    for (const [, label = ''] of pairs.matchAll(/(\w+)="/g)) known.add(label)
  }
  for (const { record } of rules) if (record !== undefined) labels.set(record, new Set())
})

function collectGarbage(): void {
  for (let n = 0; n < 100; n++) Buffer.from(new Uint8Array(1024 * 1024))
}

const withoutStrings = (expr: string) => expr.replaceAll(/"[^"]*"/g, '""')

test('there are queries and rules to check', () => {
  expect(queries().length).toBeGreaterThan(20)
  expect(rules.length).toBeGreaterThan(15)
})

test.each(all)('uses only existing metrics: %s', (expr) => {
  const names = withoutStrings(expr).match(NAME) ?? []
  expect(names).not.toEqual([])
  expect(names.filter((name) => !labels.has(name) && !isLateGarbageMetric(name))).toEqual([])
})

/** Node exposes no garbage collection metrics until the first collection has been observed. */
const isLateGarbageMetric = (name: string): boolean =>
  name.startsWith('nodejs_gc_duration_seconds_') && labels.has('nodejs_gc_duration_seconds')

test.each(all)('selects only by labels that the metric has: %s', (expr) => {
  const selectors = [...expr.matchAll(/\b(herdgate_\w+)\{([^}]*)\}/g)]
  for (const [, metric = '', selector = ''] of selectors) {
    const used = [...selector.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label]) => label)
    const known = new Set([...OF_TARGET, ...(labels.get(metric) ?? [])])
    expect({ metric, unknown: used.filter((label) => !known.has(label ?? '')) }).toEqual({ metric, unknown: [] })
  }
})

test.each(all)('uses only existing results and status classes: %s', (expr) => {
  const known: Record<string, readonly string[]> = { result: RESULTS, code_class: CODE_CLASSES }
  for (const [, label = '', values = ''] of expr.matchAll(/\b(result|code_class)[=!]~?"([^"]*)"/g)) {
    expect(values.split('|').filter((value) => !known[label]!.includes(value))).toEqual([])
  }
})

test('time saved is shown even if no origin is asked at the moment: it uses the mean origin time since the start', () => {
  const means = queries().filter((expr) => expr.includes('herdgate_origin_request_duration_seconds_count'))
  expect(means).toHaveLength(1)
  expect(means.filter((expr) => /rate\(herdgate_origin_request_duration/.test(expr))).toEqual([])
})

test('values that all pods report of their shared Redis are not added up', () => {
  const stored = queries().filter((expr) => /herdgate_store_(?:bytes|max_bytes|objects)/.test(expr))
  expect(stored).toHaveLength(3)
  for (const expr of stored) {
    const [own = '', shared = ''] = expr.split(' or ')
    expect(own).toMatch(/^sum by \(tier\) \(\w+\{.*,tier!="redis"\}\)$/)
    expect(shared).toMatch(/^max by \(tier\) \(\w+\{.*,tier="redis"\}\)$/)
  }
})

test('the share of time spent on garbage collection is not summed over pods', () => {
  const shares = queries().filter((expr) => expr.includes('nodejs_gc_duration_seconds_sum'))
  expect(shares).toHaveLength(1)
  expect(shares[0]).toMatch(/^max by \(kind\) \(rate\(/)
})

test('every metric of Herdgate is listed in docs/metrics.md', () => {
  const documented = read(join(CHART, '../../docs/metrics.md'))
  const ours = [...labels.keys()].filter((name) => name.startsWith('herdgate_') && !/_(?:bucket|sum|count)$/.test(name))
  expect(ours.filter((name) => !documented.includes(`\`${name}\``))).toEqual([])
})

test('every alert has a section in the runbooks, and every section an alert', () => {
  const sections = [...read(join(CHART, '../../docs/runbooks.md')).matchAll(/^## (Herdgate\w+)$/gm)].map(
    ([, title]) => title,
  )
  expect(sections).toEqual(alerts.map(({ alert }) => alert))
  expect(alerts.map(({ annotations }) => annotations?.runbook_url)).toEqual(
    alerts.map(({ alert }) => `docs/runbooks.md#${alert?.toLowerCase()}`),
  )
})
