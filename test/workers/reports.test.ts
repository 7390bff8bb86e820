import { expect, test, vi } from 'vitest'
import type { Statistics } from '../../src/cache/statistics.ts'
import type { Member } from '../../src/workers/member.ts'
import { Reports } from '../../src/workers/reports.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'

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

test('who has not reported for two seconds is told of, before it is taken for hung', async () => {
  const clock = new FakeClock()
  const answers: (() => void)[] = []
  const call = () => new Promise<undefined>((resolve) => answers.push(() => resolve(undefined)))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked of it
  const member = { calls: { call } } as unknown as Member
  const late = vi.fn<(member: Member) => void>()
  const pool = { begun: [member], answer: <T>(_member: Member, asked: Promise<T>) => asked }
  const reports = new Reports({ pool, clock, late })
  void reports.hearAll()
  await clock.advance(1_999)
  expect(late).not.toHaveBeenCalled()
  await clock.advance(1)
  await settle()
  expect(late.mock.calls).toEqual([[member]])
  for (const answer of answers.splice(0)) answer()

  void reports.hearAll()
  await clock.advance(1_000)
  for (const answer of answers) answer()
  await clock.advance(5_000)
  await settle()
  expect(late).toHaveBeenCalledTimes(1)
})

test('while there is no worker to ask, nobody waits for its numbers', async () => {
  const pool = { begun: [], answer: <T>(_member: Member, asked: Promise<T>) => asked }
  const heard = vi.fn<() => void>()
  void new Reports({ pool, clock: new FakeClock() }).hearAll().then(heard)
  await settle()
  expect(heard).toHaveBeenCalledOnce()
})
