import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../src/clock.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test.each([Number.POSITIVE_INFINITY, 2 ** 31, 30 * 24 * 3_600_000])('%d ms are not over at once', (ms) => {
  const run = vi.fn()
  const cancel = systemClock.after(ms, run)
  vi.advanceTimersByTime(24 * 3_600_000)
  expect(run).not.toHaveBeenCalled()
  cancel()
})
