import { expect, test } from 'vitest'
import { createBreaker } from '../../../src/stores/redis/breaker.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function breakerOn(clock: FakeClock, random: () => number = () => 1) {
  const changes: string[] = []
  const changed = (isOpen: boolean, why: string) => void changes.push(`${isOpen ? 'open' : 'closed'}: ${why}`)
  const breaker = createBreaker({ failures: 3, openMs: 100, longestOpenMs: 1_000, clock, random, changed })
  const fail = (times: number) => {
    for (let n = 0; n < times; n++) breaker.failed('it broke')
  }
  return { breaker, changes, fail }
}

test('it opens after the given number of failures in a row, and not before', () => {
  const { breaker, changes, fail } = breakerOn(new FakeClock())
  fail(2)
  breaker.succeeded()
  fail(2)
  expect([breaker.admits(), breaker.isOpen]).toEqual([true, false])
  fail(1)
  expect([breaker.admits(), breaker.isOpen]).toEqual([false, true])
  expect(changes).toEqual(['open: it broke'])
})

test('after its time, one caller at a time may try, and a success closes it', async () => {
  const clock = new FakeClock()
  const { breaker, changes, fail } = breakerOn(clock)
  fail(3)
  await clock.advance(99)
  expect(breaker.admits()).toBe(false)
  await clock.advance(1)
  expect([breaker.admits(), breaker.admits(), breaker.admits()]).toEqual([true, false, false])
  breaker.succeeded()
  expect([breaker.admits(), breaker.admits(), breaker.isOpen]).toEqual([true, true, false])
  expect(changes).toEqual(['open: it broke', 'closed: it answers'])
})

test('each failed trial doubles the time it stays open, up to a limit; a success resets that', async () => {
  const clock = new FakeClock()
  const { breaker, fail } = breakerOn(clock)
  fail(3)
  for (const ms of [100, 200, 400, 800, 1_000, 1_000]) {
    await clock.advance(ms - 1)
    expect(breaker.admits()).toBe(false)
    await clock.advance(1)
    expect(breaker.admits()).toBe(true)
    fail(1)
  }
  breaker.succeeded()
  fail(3)
  await clock.advance(100)
  expect(breaker.admits()).toBe(true)
})

test('failures of calls begun before it opened do not count against the trial', async () => {
  const clock = new FakeClock()
  const { breaker, fail } = breakerOn(clock)
  fail(10)
  await clock.advance(100)
  expect(breaker.admits()).toBe(true)
})

test('when success is expected, the next caller may try at once', () => {
  const { breaker, fail } = breakerOn(new FakeClock())
  breaker.expectSuccess()
  fail(3)
  breaker.expectSuccess()
  expect([breaker.admits(), breaker.admits()]).toEqual([true, false])
})

test('processes do not all try at the same moment', async () => {
  const clock = new FakeClock()
  const { breaker, fail } = breakerOn(clock, () => 0)
  fail(3)
  await clock.advance(50)
  expect(breaker.admits()).toBe(true)
})
