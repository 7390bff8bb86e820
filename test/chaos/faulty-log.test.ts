import { describe, expect, test } from 'vitest'
import type { ChaosRules } from '../../src/chaos/fate.ts'
import { faultyLog } from '../../src/chaos/faulty-log.ts'
import { localLog } from '../../src/stores/memory/log.ts'
import { logContract } from '../stores/log-contract.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { codeOf } from '../support/origin-calls.ts'
import { fates } from './rules.ts'

const DEADLINE_MS = 50

function faulty(given: Partial<ChaosRules>) {
  const clock = new FakeClock()
  const inner = localLog()
  return { clock, inner, log: faultyLog(inner, fates(given, clock), clock, DEADLINE_MS) }
}

logContract('a log in which nothing goes wrong', () => faulty({}).log)

describe('a record reported as not logged', () => {
  test.each<[string, Partial<ChaosRules>, number]>([
    ['a failure', { errorRate: 1 }, 0],
    ['damage', { corruption: 1 }, 0],
    ['a delay beyond the deadline', { delay: { min: 60, max: 60 } }, DEADLINE_MS],
    ['a partition', { partition: { every: 2, for: 1 } }, DEADLINE_MS],
  ])('is not logged: %s', async (_, given, afterMs) => {
    const { log, inner, clock } = faulty(given)
    await clock.advance(1)
    const { generation, position } = log
    const stamp = { url: 'a.test/', tags: ['t'], generation, position, checked: position, startedAt: 0 }
    const appended = codeOf(log.append('purge', { tags: ['t'] }))
    await clock.advance(afterMs)
    expect(await appended).toBe('not_logged')
    expect(inner.position).toBe(position)
    expect(log.verdict(stamp)).toBe('valid')
  })
})

test('a late record is logged', async () => {
  const { log, clock } = faulty({ delay: { min: 20, max: 20 } })
  const appended = log.append('purge', { all: true })
  await clock.advance(20)
  expect(await appended).toMatchObject({ position: 1 })
  expect(log.position).toBe(1)
})
