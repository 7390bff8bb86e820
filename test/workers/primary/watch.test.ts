import { expect, test, vi } from 'vitest'
import type { Member } from '../../../src/workers/primary/member.ts'
import { Watch } from '../../../src/workers/primary/watch.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'

test('a worker that has not reported for two seconds is reported as late before it counts as hung', async () => {
  const clock = new FakeClock()
  const answers: (() => void)[] = []
  const call = () => new Promise<undefined>((resolve) => answers.push(() => resolve(undefined)))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked of it
  const member = { calls: { call } } as unknown as Member
  const late = vi.fn<(member: Member) => void>()
  const pool = { begun: [member], answerOf: <T>(_member: Member, asked: Promise<T>) => asked }
  const watch = new Watch({ pool, clock, reported() {}, late })
  void watch.collectReports()
  await clock.advance(1_999)
  expect(late).not.toHaveBeenCalled()
  await clock.advance(1)
  await settle()
  expect(late.mock.calls).toEqual([[member]])
  for (const answer of answers.splice(0)) answer()

  void watch.collectReports()
  await clock.advance(1_000)
  for (const answer of answers) answer()
  await clock.advance(5_000)
  await settle()
  expect(late).toHaveBeenCalledTimes(1)
})

test('without workers, statistics are available immediately', async () => {
  const pool = { begun: [], answerOf: <T>(_member: Member, asked: Promise<T>) => asked }
  const asked = vi.fn<() => void>()
  void new Watch({ pool, clock: new FakeClock(), reported() {}, late() {} }).collectReports().then(asked)
  await settle()
  expect(asked).toHaveBeenCalledOnce()
})

test('statistics wait a second for a worker that hangs, once, and for its answer again when it goes on', async () => {
  const clock = new FakeClock()
  const answers: (() => void)[] = []
  const call = () => new Promise<undefined>((resolve) => answers.push(() => resolve(undefined)))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked of it
  const member = { calls: { call } } as unknown as Member
  const pool = { begun: [member], answerOf: <T>(_member: Member, asked: Promise<T>) => asked }
  const watch = new Watch({ pool, clock, reported() {}, late() {} })
  const collects = async () => {
    const collected = vi.fn<() => void>()
    void watch.collectReports().then(collected)
    await settle()
    return collected
  }
  const first = await collects()
  expect(first).not.toHaveBeenCalled()
  await clock.advance(1_000)
  await settle()
  expect(first).toHaveBeenCalledOnce()
  expect(await collects()).toHaveBeenCalledOnce()

  for (const answer of answers.splice(0)) answer()
  await settle()
  const last = await collects()
  expect(last).not.toHaveBeenCalled()
  for (const answer of answers) answer()
  await settle()
  expect(last).toHaveBeenCalledOnce()
})
