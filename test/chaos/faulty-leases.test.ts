import { expect, test } from 'vitest'
import type { ChaosRules } from '../../src/chaos/fate.ts'
import { faultyLeases } from '../../src/chaos/faulty-leases.ts'
import { leasesContract, sharedLeasesContract } from '../stores/leases-contract.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { sharedLeases } from '../support/shared-leases.ts'
import { fates } from './rules.ts'

const DEADLINE_MS = 50

function faulty(given: Partial<ChaosRules>) {
  const clock = new FakeClock()
  const inner = sharedLeases()
  return { clock, inner, leases: faultyLeases(inner, fates(given, clock), clock, DEADLINE_MS) }
}

leasesContract('leases in which nothing goes wrong', () => faulty({}).leases)
sharedLeasesContract('leases in which nothing goes wrong', async () => {
  const { leases } = faulty({})
  return { one: leases, other: leases, waits: settle, close: async () => leases.close() }
})

test.each<[string, Partial<ChaosRules>, number]>([
  ['a failure', { errorRate: 1 }, 0],
  ['damage', { corruption: 1 }, 0],
  ['a delay beyond the deadline', { delay: { min: 60, max: 60 } }, DEADLINE_MS],
  ['a partition', { partition: { every: 2, for: 1 } }, DEADLINE_MS],
])('the lease holder is unknown, and no lease is left behind: %s', async (_, given, afterMs) => {
  const { leases, inner, clock } = faulty(given)
  await clock.advance(1)
  const taken = leases.take('k')
  await clock.advance(afterMs)
  expect(await taken).toEqual({ kind: 'unavailable' })
  expect(inner.held).toBe(0)
})
