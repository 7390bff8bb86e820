import { expect, test } from 'vitest'
import { Lease } from '../../../src/stores/log/lease.ts'

test('it is held from when it was asked how long the log is, once that much is read', () => {
  const lease = new Lease(1_000)
  lease.ends(3, 5_000, 2)
  expect([lease.holds(5_001), lease.isBehind]).toEqual([false, true])
  lease.reads(3)
  expect([lease.holds(5_999), lease.holds(6_000), lease.isBehind]).toEqual([true, false, false])
})

test('what a log has lost that was never read is not waited for', () => {
  const lease = new Lease(1_000)
  lease.ends(20, 5_000, 15)
  lease.ends(17, 6_000, 15)
  expect(lease.isBehind).toBe(true)
  lease.reads(17)
  expect(lease.isBehind).toBe(false)
  expect(lease.holds(6_999)).toBe(true)
})
