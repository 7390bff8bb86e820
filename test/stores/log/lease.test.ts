import { expect, test } from 'vitest'
import { Lease } from '../../../src/stores/log/lease.ts'
import { FakeClock } from '../../support/fake-clock.ts'

test("the lease counts from the request for the log's length, once that much has been read", () => {
  const lease = new Lease(1_000, new FakeClock(5_000))
  lease.logEndedAt(3, 5_000, 2)
  expect([lease.holds(5_001), lease.isBehind]).toEqual([false, true])
  lease.hasRead(3)
  expect([lease.holds(5_999), lease.holds(6_000), lease.isBehind]).toEqual([true, false, false])
})

test('records that the log lost before they were read are not waited for', () => {
  const lease = new Lease(1_000, new FakeClock(5_000))
  lease.logEndedAt(20, 5_000, 15)
  lease.logEndedAt(17, 6_000, 15)
  expect(lease.isBehind).toBe(true)
  lease.hasRead(17)
  expect(lease.isBehind).toBe(false)
  expect(lease.holds(6_999)).toBe(true)
})

test('an answer overtaken by a later one does not shorten the lease', () => {
  const lease = new Lease(1_000, new FakeClock(5_000))
  lease.logEndedAt(1, 6_000, 1)
  lease.logEndedAt(1, 5_000, 1)
  expect(lease.holds(6_999)).toBe(true)
})

test('an answer from another generation does not extend the lease of this one', () => {
  const lease = new Lease(1_000, new FakeClock(5_000))
  lease.logEndedAt(1, 5_000, 1)
  lease.logEndedAt(2, 5_000, 1)
  lease.reset()
  expect([lease.holds(5_001), lease.isBehind]).toEqual([false, false])
  lease.hasRead(2)
  expect(lease.holds(5_001)).toBe(false)
})

test('after the machine is suspended there is no lease, and what was asked or fetched before is ignored', () => {
  const clock = new FakeClock(5_000)
  const lease = new Lease(1_000, clock)
  lease.logEndedAt(1, 5_000, 1)
  clock.stall(100)
  expect([lease.holds(clock.now()), lease.covers(5_000, clock.now())]).toEqual([true, true])
  clock.correct(3_600_000) // The machine was suspended for an hour, and this process's clock with it.
  clock.stall(50)
  expect([lease.holds(clock.now()), lease.covers(5_100, clock.now())]).toEqual([false, false])
  lease.logEndedAt(1, 5_100, 1) // asked before the suspension
  expect(lease.holds(clock.now())).toBe(false)
  lease.logEndedAt(1, clock.now(), 1)
  clock.stall(999)
  expect([lease.holds(clock.now()), lease.covers(5_150, clock.now())]).toEqual([true, true])
})

test('short pauses add up; a clock set back, or ahead by less than a lease, does not end the lease', () => {
  const clock = new FakeClock(5_000)
  const lease = new Lease(1_000, clock)
  const holds = () => {
    clock.stall(50)
    return lease.holds(clock.now())
  }
  lease.logEndedAt(1, 5_000, 1)
  clock.correct(600)
  expect(holds()).toBe(true)
  clock.correct(600)
  expect(holds()).toBe(false)
  lease.logEndedAt(1, clock.now(), 1)
  expect(holds()).toBe(true)
  clock.correct(-10_000)
  expect(holds()).toBe(true)
  clock.correct(900)
  expect(holds()).toBe(true)
  clock.correct(200)
  expect(holds()).toBe(false)
})
