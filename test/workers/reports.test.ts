import { expect, test } from 'vitest'
import type { Statistics } from '../../src/cache/statistics.ts'
import type { Member } from '../../src/workers/member.ts'
import { Reports } from '../../src/workers/reports.ts'
import { FakeClock } from '../support/fake-clock.ts'

test('what a worker has closed because it is to end is not out of order', async () => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is counted does not matter here
  const report = { metrics: [], stats: {} as Statistics, degraded: ['disk'] }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked of it
  const member = { isListening: true, calls: { call: async () => report } } as unknown as Member
  const pool = { begun: [member], answer: <T>(_member: Member, asked: Promise<T>) => asked }
  const reports = new Reports({ pool, clock: new FakeClock() })
  await reports.hearAll()
  expect(reports.degraded).toEqual(['disk'])
  member.isListening = false
  expect(reports.degraded).toEqual([])
})
