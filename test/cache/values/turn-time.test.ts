import { expect, test, vi } from 'vitest'
import { TurnTime } from '../../../src/cache/values/turn-time.ts'

/** Each reading is a microsecond after the last, or as much later as is said. */
function tickingClock() {
  let ms = 1_000
  const now = vi.fn(() => (ms += 0.001))
  return { now, after: () => () => {}, leap: (byMs: number) => void (ms += byMs) }
}

test('where looks follow each other closely, one reading serves many of them', () => {
  const clock = tickingClock()
  const time = new TurnTime(clock)
  for (let look = 0; look < 2 + 64; look += 1) time.now()
  expect(clock.now).toHaveBeenCalledTimes(2)
  time.now()
  expect(clock.now).toHaveBeenCalledTimes(3)
})

test('no reading outlives the turn of the event loop that it was made in', async () => {
  const clock = tickingClock()
  const time = new TurnTime(clock)
  time.now()
  time.now()
  const served = time.now()
  await Promise.resolve()
  expect(time.now()).toBe(served)
  clock.leap(60_000)
  await new Promise(setImmediate)
  expect(time.now()).toBeGreaterThan(61_000)
})

test('a clock that is turned by hand is read each time', () => {
  let ms = 1_000
  const time = new TurnTime({ now: () => ms, after: () => () => {} })
  for (const byMs of [0, 0, 1, 0, 0, 60_000]) {
    ms += byMs
    expect(time.now()).toBe(ms)
  }
})

test('it never goes back', () => {
  const clock = tickingClock()
  const time = new TurnTime(clock)
  let last = 0
  for (let look = 0; look < 1_000; look += 1) {
    if (look % 7 === 0) clock.leap(look % 5)
    const now = time.now()
    expect(now).toBeGreaterThanOrEqual(last)
    last = now
  }
})
