import { expect, test } from 'vitest'
import type { Statistics } from '../../../src/cache/statistics.ts'
import type { Member } from '../../../src/workers/primary/member.ts'
import { Reports } from '../../../src/workers/primary/reports.ts'

test('what a worker closes while it shuts down is not reported as degraded', () => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is counted does not matter here
  const report = { metrics: [], stats: {} as Statistics, degraded: ['disk'] }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked of it
  const member = { isListening: true } as unknown as Member
  const reports = new Reports()
  reports.add(member, report)
  expect(reports.degraded).toEqual(['disk'])
  member.isListening = false
  expect(reports.degraded).toEqual([])
})
