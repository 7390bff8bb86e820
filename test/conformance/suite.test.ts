import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { conformanceDocument, DOCUMENT, shapeOf } from './document.ts'
import { EXCEPTIONS, type Mode, MODES } from './exceptions.ts'
import { faults, report } from './report.ts'
import { judge, loadSuite, type SuiteTest, suiteVersion, type TestResult } from './suite.ts'

const suiteTest = (id: string, dependsOn: string[] = [], kind: SuiteTest['kind'] = 'required'): SuiteTest => ({
  id,
  name: id,
  suite: 's',
  kind,
  dependsOn,
})

const results = judge(
  [
    suiteTest('good'),
    suiteTest('bad'),
    suiteTest('needs-bad', ['bad']),
    suiteTest('needs-that', ['needs-bad']),
    suiteTest('needs-good', ['good'], 'optimal'),
    suiteTest('unready'),
    suiteTest('absent', ['good'], 'check'),
  ],
  {
    good: true,
    bad: ['Assertion', 'Response 2 comes from cache'],
    'needs-bad': true,
    'needs-that': true,
    'needs-good': true,
    unready: ['Setup', 'PUT config resulted in 405'],
  },
)

test('a test counts only if every test it depends on passed, however far away', () => {
  expect(results.map(({ id, verdict }) => [id, verdict])).toEqual([
    ['good', 'passed'],
    ['bad', 'failed'],
    ['needs-bad', 'dependency'],
    ['needs-that', 'dependency'],
    ['needs-good', 'passed'],
    ['unready', 'setup'],
    ['absent', 'untested'],
  ])
})

/** Results in which every test passes except the exceptions. */
async function asItShouldBe(mode: Mode): Promise<TestResult[]> {
  const excepted = new Set(EXCEPTIONS[mode].flatMap(({ ids }) => ids))
  const raw = (await loadSuite()).map(
    ({ id }) => [id, excepted.has(id) ? (['Assertion', 'no'] as const) : true] as const,
  )
  return judge(await loadSuite(), Object.fromEntries(raw.map(([id, result]) => [id, result === true || [...result]])))
}

test.each(MODES)('a fault is a test that fails without being a listed exception (cookies: %s)', async (mode) => {
  const [exception = ''] = EXCEPTIONS[mode][0]?.ids ?? []
  const good = await asItShouldBe(mode)
  expect(faults(good, mode)).toEqual([])
  const change = (id: string, verdict: TestResult['verdict']) =>
    faults(
      good.map((result) => (result.id === id ? { ...result, verdict, reason: 'x' } : result)),
      mode,
    )
  expect(change('freshness-max-age', 'failed')).toEqual(['freshness-max-age: failed: x'])
  expect(change('freshness-max-age', 'setup')).toEqual(['freshness-max-age: setup: x'])
  expect(change('conditional-etag-strong-respond', 'dependency')).toHaveLength(1)
  expect(change('stale-close', 'failed')).toEqual([]) // a check
  expect(change(exception, 'passed')).toEqual([`${exception}: passes, yet is listed as an exception`])
  expect(
    faults(
      good.filter(({ id }) => id !== exception),
      mode,
    ),
  ).toEqual([`${exception}: is not part of the suite`])
})

test('docs/conformance.md lists what must pass, and what cannot', async () => {
  const results = { rfc: await asItShouldBe('rfc'), safe: await asItShouldBe('safe') }
  const expected = conformanceDocument(results, await suiteVersion())
  expect(shapeOf(await readFile(DOCUMENT, 'utf8'))).toEqual(shapeOf(expected))
})

test('the report counts by kind and names what failed', () => {
  const lines = report(results)
  expect(lines).toContain('| required | 1/5 | 20.0 % | 1 | 1 | 2 |')
  expect(lines).toContain('| optimal | 1/1 | 100.0 % | 0 | 0 | 0 |')
  expect(lines).toContain('  setup  s/unready  Setup: PUT config resulted in 405')
})

test('the suite has the expected tests, and each dependency is one of them', async () => {
  const tests = await loadSuite()
  const ids = new Set(tests.map(({ id }) => id))
  expect(ids.size).toBe(tests.length)
  expect(tests.length).toBeGreaterThan(300)
  expect(tests.flatMap(({ dependsOn }) => dependsOn).filter((id) => !ids.has(id))).toEqual([])
})
