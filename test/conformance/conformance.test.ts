import { expect, test } from 'vitest'
import { MODES } from './exceptions.ts'
import { faults } from './report.ts'
import { runConformance } from './run.ts'

test.each(MODES)('every required and optimal test passes that is no exception (cookies: %s)', async (mode) => {
  expect(faults(await runConformance(mode), mode)).toEqual([])
})
