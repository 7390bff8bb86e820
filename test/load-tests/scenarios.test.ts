import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { asJUnit, asMarkdown, type Summary } from '../../load-tests/k6/lib/report.ts'
import { slopeOf } from '../../load-tests/k6/lib/slope.ts'
import { PLANS } from '../../load-tests/stage/plans.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'load-tests/k6/scenarios')
const scenarios = readdirSync(folder).map((file) => file.replace(/\.ts$/, ''))

test('every scenario has a plan, and a line in the README', () => {
  expect(Object.keys(PLANS).sort()).toEqual(scenarios.sort())
  const guide = readFileSync(join(root, 'load-tests/README.md'), 'utf8')
  expect(scenarios.filter((name) => !guide.includes(`| \`${name}\` |`))).toEqual([])
})

test.each(scenarios)('%s can fail, and never blocks the others', (name) => {
  const source = readFileSync(join(folder, `${name}.ts`), 'utf8')
  expect(source).toMatch(/thresholds: \{/)
  expect(source).not.toMatch(/\bsleep\b|http\.(get|post|request)\(/)
})

test('a slope is robust against outliers', () => {
  const points = Array.from({ length: 20 }, (_, at) => ({ at, value: at === 7 ? 900 : 3 + 2 * at }))
  expect(slopeOf(points)).toBeCloseTo(2)
  expect(slopeOf([])).toBe(0)
})

describe('a summary', () => {
  const summary: Summary = {
    metrics: {
      http_reqs: { values: { count: 7 } },
      'http_req_failed{scenario:a}': { values: { rate: 0.25 }, thresholds: { 'rate<0.1': { ok: false } } },
    },
    root_group: { checks: [{ name: 'it is "good" & whole', passes: 2, fails: 0 }] },
    state: { testRunDurationMs: 1_234 },
  }

  test('lists thresholds and measurements in Markdown', () => {
    const text = asMarkdown('demo', 'It works.', summary)
    expect(text).toContain('## demo\n\nIt works.')
    expect(text).toContain('| http_req_failed{scenario:a}: rate<0.1 | **no** | rate=0.25 |')
    expect(text).toContain('| it is "good" & whole | yes | 2 of 2 |')
    expect(text).toContain('7 requests in 1.234 s')
    expect(text).not.toContain('requests that failed')
  })

  test('lists what failed, how often and when', () => {
    const failures = [{ what: 'a: 504 herdgate; detail=x|y', times: 101, firstAt: 12.34, lastAt: 13 }]
    const text = asMarkdown('demo', 'It works.', { ...summary, failures })
    expect(text).toContain('| a: 504 herdgate; detail=x\\|y | 101 | 12.3 to 13.0 |')
  })

  test('counts failures in JUnit, and escapes XML', () => {
    const text = asJUnit('demo', summary)
    expect(text).toContain('tests="2" failures="1" time="1.234"')
    expect(text).toContain('name="http_req_failed{scenario:a}: rate&lt;0.1"><failure message="rate=0.25"/></testcase>')
    expect(text).toContain('name="it is &quot;good&quot; &amp; whole"></testcase>')
  })
})
