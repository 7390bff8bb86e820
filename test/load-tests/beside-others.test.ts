import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { chart } from '../../load-tests/peers/chart.ts'
import { judge } from '../../load-tests/peers/claims.ts'
import { herdTable, overviewTable, scenarioTables } from '../../load-tests/peers/report.ts'
import type { Pair, Results } from '../../load-tests/peers/results.ts'
import { OWN_HIT } from '../../load-tests/peers/servers.ts'

const rounds = (...microseconds: number[]) =>
  microseconds.map((each) => ({ microseconds: each, requestsPerSecond: 1e6 / each, p99Ms: each / 10 }))

const paired = (ours: number[], theirs: number[]): Pair[] =>
  rounds(...ours).flatMap((our, at) =>
    rounds(...theirs.slice(at, at + 1)).map((their) => ({ ours: our, theirs: their })),
  )

const hits = (herdgate: number[], nginx: number[]): Results =>
  new Map([['hit-1k', new Map([['nginx', paired(herdgate, nginx)]])]])

/** Results of Herdgate beside two others, and of a 304 beside its own hit. */
const several: Results = new Map([
  [
    'hit-1k',
    new Map([
      ['nginx', paired([10], [20])],
      ['Varnish', paired([30, 50], [60, 100])],
    ]),
  ],
  ['not-modified', new Map([[OWN_HIT, paired([9], [10])]])],
])

test('a ratio is computed pair by pair: a machine that slows down slows both', () => {
  const { lines, hold } = judge(hits([10, 100, 20], [20, 200, 40]))
  expect(lines.join('\n')).toContain('| nginx | CPU of a hit, 1 KiB | 0.50 (0.50 to 0.50) | 0.55 | yes |')
  expect(hold).toBe(true)
})

test('an exceeded limit is reported, and what was not measured is not judged', () => {
  const { lines, hold } = judge(hits([12, 12, 12], [20, 20, 20]))
  expect(lines.join('\n')).toContain('| 0.60 (0.60 to 0.60) | 0.55 | **no** |')
  expect(lines.join('\n')).toContain('| HAProxy | CPU of a hit, 1 KiB | not measured | 1 |  |')
  expect(hold).toBe(false)
})

test('the cheapest server comes first, and scenarios that were not run have no table', () => {
  const table = scenarioTables(hits([30], [20])).join('\n')
  expect(table.indexOf('| nginx |')).toBeLessThan(table.indexOf('| **Herdgate** |'))
  expect(table).not.toContain('64 KiB')
  expect(herdTable(new Map())).toEqual([])
})

test("the overview shows Herdgate's figures and ratios to the others, and omits what was not measured", () => {
  const herd = { originRequests: 1, medianMs: 100, lastMs: 200.4, failed: 0, serverCpuMs: 50 }
  const [columns, , ...rows] = overviewTable(hits([10, 100, 20], [20, 200, 40]), new Map([['Herdgate', [herd]]]))
  expect(columns).toBe('|  | hit, 1 KiB | p99 of a hit, ms | herd: asked | herd: last, ms |')
  expect(rows).toEqual(['| **Herdgate** | 20.0 µs | 2.0 | 1 | 200 |', '| nginx | 0.50 | 4.0 |  |  |'])
})

test("Herdgate's own figures combine all its pairs, and its own hit has no row or bar", () => {
  const [, , ...rows] = overviewTable(several, new Map())
  expect(rows.map((row) => row.split(' | ').slice(0, 2).join(' | '))).toEqual([
    '| **Herdgate** | 30.0 µs',
    '| nginx | 0.50',
    '| Varnish | 0.50',
  ])
  expect(scenarioTables(several).join('\n')).toMatch(/\| \*\*Herdgate\*\* \| 30\.0 \(10\.0 to 50\.0\) \|  \|/)
  expect(scenarioTables(several).join('\n')).toContain(`| ${OWN_HIT} | 10.0 (10.0 to 10.0) | 0.90 (0.90 to 0.90) |`)
  expect(judge(several).lines.join('\n')).toContain(
    `| ${OWN_HIT} | CPU of a 304, beside a hit | 0.90 (0.90 to 0.90) | 1 | yes |`,
  )
  expect(chart(several)).not.toContain(OWN_HIT)
})

test('README.md shows what docs/benchmarks.md does', () => {
  const read = (page: string) => readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8')
  const [, overview = ''] = /<!-- peers begins -->([^]*)<!-- peers ends -->/.exec(read('README.md')) ?? []
  const ratios = [...overview.matchAll(/^\| (?!\*)[^|]+\|(.*)$/gm)].flatMap(
    ([, cells = '']) => cells.match(/\d+\.\d\d(?= )/g) ?? [],
  )
  expect(ratios.length).toBeGreaterThan(20)
  const medians = new Set(read('docs/benchmarks.md').match(/\d+\.\d\d(?= \()/g))
  expect(ratios.filter((ratio) => !medians.has(ratio))).toEqual([])
})

test("the chart has a bar for each server, and highlights Herdgate's", () => {
  const svg = chart(hits([10], [20]))
  expect(svg.match(/<rect /g)).toHaveLength(2)
  expect(svg.match(/class="bar ours"/g)).toHaveLength(1)
  expect(svg).toContain('prefers-color-scheme: dark')
})
