import { expect, test } from 'vitest'
import { comparison, row } from '../../load-tests/chaos/report.ts'
import type { PatternResult, Results } from '../../load-tests/chaos/results.ts'

const SETTINGS = { nodes: 2, requests: 100, seed: 1, redis: true }

const result = (more: Partial<PatternResult> = {}): PatternResult => ({
  pattern: 'zipf',
  requests: 100,
  wrong: 0,
  wrongs: [],
  explained: 0,
  hits: 50,
  ms: Array.from({ length: 100 }, (_, at) => at + 1),
  originRequests: 50,
  failedFetches: 3,
  storeErrors: 7,
  residentBytes: 150 * 2 ** 20,
  ...more,
})

const results = (patterns: PatternResult[], settings = SETTINGS): Results => ({ version: 1, settings, patterns })

test('a row has quantiles, and hits with their interval', () => {
  expect(row(result())).toBe(
    '| zipf | 100 | 0 | 0 | 50.0 % (40.4 % to 59.6 %) | 50.5 | 90.1 | 99.0 | 99.9 | 50, 3 | 7 | 150 |',
  )
})

test('without answers there are no figures', () => {
  expect(row(result({ ms: [], hits: 0 }))).toContain('| none (0.0 % to 100.0 %) | NaN |')
})

test('two runs are compared by pattern: patterns in only one are left out', () => {
  const slower = result({ ms: result().ms.map((ms) => ms + 100) })
  const before = results([result(), result({ pattern: 'gone' })])
  const [head, rule, ...rows] = comparison(before, results([slower, result({ pattern: 'new' })]))
  expect([head, rule].every((line) => line?.startsWith('|'))).toBe(true)
  expect(rows).toEqual([
    '| zipf | 50.50 | 150.50 | +100.00 (198.0 %) | < 0.001 | 50.0 % (40.4 % to 59.6 %) | 50.0 % (40.4 % to 59.6 %) |',
  ])
})

test('a run is no different from itself', () => {
  const same = results([result()])
  expect(comparison(same, same).at(-1)).toContain('| +0.00 (0.0 %) | 1.000 |')
})

test('runs with different settings are reported as such', () => {
  const [first] = comparison(results([result()], { ...SETTINGS, nodes: 3 }), results([result()]))
  expect(first).toBe('The saved run was another one: 3 nodes, 100 requests, seed 1, with Redis.')
})
