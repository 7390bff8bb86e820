import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { correctionOf, systemClock } from '../src/clock.ts'
import { FakeClock } from './support/fake-clock.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test.each([Number.POSITIVE_INFINITY, 2 ** 31, 30 * 24 * 3_600_000])('a delay of %d ms does not end early', (ms) => {
  const run = vi.fn()
  const cancel = systemClock.after(ms, run)
  vi.advanceTimersByTime(24 * 3_600_000)
  expect(run).not.toHaveBeenCalled()
  cancel()
})

test("a correction of the machine's clock is detected in whole seconds, and none if there was none", () => {
  const clock = new FakeClock()
  expect(correctionOf(clock)).toBe(0)
  clock.correct(-3_600_300)
  expect(correctionOf(clock)).toBe(-3_600_000)
  expect(correctionOf({ now: () => 0, after: clock.after })).toBe(0)
  vi.setSystemTime(systemClock.now() - 3_600_000)
  expect(correctionOf(systemClock)).toBe(-3_600_000)
})
