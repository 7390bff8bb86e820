import { expect, test, vi } from 'vitest'
import { createCache } from '../../../src/library/embed.ts'
import { TurnTime } from '../../../src/cache/values/turn-time.ts'

/** A clock that advances by a microsecond per reading, and by `byMs` on `leap`. */
function tickingClock() {
  let ms = 1_000
  const now = vi.fn(() => (ms += 0.001))
  return { now, after: () => () => {}, leap: (byMs: number) => void (ms += byMs) }
}

test('look-ups in quick succession share one reading of the clock', () => {
  const clock = tickingClock()
  const time = new TurnTime(clock)
  for (let look = 0; look < 2 + 16; look += 1) time.now(0)
  expect(clock.now).toHaveBeenCalledTimes(2)
  time.now(0)
  expect(clock.now).toHaveBeenCalledTimes(3)
})

test('a reading is not used beyond its turn of the event loop', async () => {
  const clock = tickingClock()
  const time = new TurnTime(clock)
  time.now(0)
  time.now(0)
  const served = time.now(0)
  await Promise.resolve()
  expect(time.now(0)).toBe(served)
  clock.leap(60_000)
  await new Promise(setImmediate)
  expect(time.now(0)).toBeGreaterThan(61_000)
})

test('a clock that does not advance by itself is read each time', () => {
  let ms = 1_000
  const time = new TurnTime({ now: () => ms, after: () => () => {} })
  for (const byMs of [0, 0, 1, 0, 0, 60_000]) {
    ms += byMs
    expect(time.now(0)).toBe(ms)
  }
})

test('the time never goes back', () => {
  const clock = tickingClock()
  const time = new TurnTime(clock)
  let last = 0
  for (let look = 0; look < 1_000; look += 1) {
    if (look % 7 === 0) clock.leap(look % 5)
    const now = time.now(0)
    expect(now).toBeGreaterThanOrEqual(last)
    last = now
  }
})

test('an entry made after the reading is judged by a new reading', () => {
  const clock = tickingClock()
  const time = new TurnTime(clock)
  time.now(0)
  const reading = time.now(0)
  expect(time.now(reading)).toBe(reading)
  expect(time.now(reading + 0.001)).toBeGreaterThan(reading)
})

test('a value that is never fresh is loaded each time, however many hits precede it', async () => {
  const cache = createCache({ clock: tickingClock() })
  await cache.set('fresh', 1)
  for (let call = 0; call < 10; call += 1) await cache.get('fresh')
  await cache.set('past', 1, { ttl: 0 })
  expect(await cache.get('past')).toBeUndefined()
  const load = vi.fn(async () => 1)
  for (let call = 0; call < 5; call += 1) {
    for (let hit = 0; hit < 10; hit += 1) await cache.get('fresh')
    await cache.getOrSet('loaded', load, { ttl: 0, grace: '1h' })
  }
  expect(load).toHaveBeenCalledTimes(5)
})
