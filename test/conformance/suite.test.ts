import { expect, test } from 'vitest'
import { regressions, report } from './run.ts'
import { judge, loadSuite, type SuiteTest } from './suite.ts'

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

test('a regression is an expected test that did not pass, for whatever reason', () => {
  expect(regressions(results, ['good', 'bad', 'unready', 'gone'])).toEqual([
    'bad: Assertion: Response 2 comes from cache',
    'unready: Setup: PUT config resulted in 405',
    'gone: not part of the suite',
  ])
})

test('the report counts by kind and names what fell short', () => {
  const lines = report(results)
  expect(lines).toContain('| required | 1/5 | 20.0 % | 1 | 1 | 2 |')
  expect(lines).toContain('| optimal | 1/1 | 100.0 % | 0 | 0 | 0 |')
  expect(lines).toContain('  setup  s/unready  Setup: PUT config resulted in 405')
})

test('the suite has the tests it is known for, and each dependency is one of them', async () => {
  const tests = await loadSuite()
  const ids = new Set(tests.map(({ id }) => id))
  expect(ids.size).toBe(tests.length)
  expect(tests.length).toBeGreaterThan(300)
  expect(tests.flatMap(({ dependsOn }) => dependsOn).filter((id) => !ids.has(id))).toEqual([])
})
