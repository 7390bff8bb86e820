import { expect, test } from 'vitest'
import { expectedIds, regressions, runConformance } from './run.ts'

test('every test of http-cache-tests that is expected to pass passes', async () => {
  const expected = await expectedIds()
  expect(expected.length).toBeGreaterThan(0)
  expect(regressions(await runConformance(), expected)).toEqual([])
})
