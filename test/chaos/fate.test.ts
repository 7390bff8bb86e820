import { expect, test } from 'vitest'
import { createFates, type Fate, fateOf } from '../../src/chaos/fate.ts'
import { seededRandom } from '../../src/chaos/random.ts'
import { FakeClock } from '../support/fake-clock.ts'
import fc from '../support/fast-check.ts'
import { rules } from './rules.ts'

const LUCK = { error: 0.999, corruption: 0.999, delay: 0, way: 0 }
const faultAt = (given: Parameters<typeof rules>[0], elapsedMs = 0, draws = {}) =>
  fateOf(rules(given), elapsedMs, { ...LUCK, ...draws }).fault

test('nothing fails without rules, whatever numbers are drawn', () => {
  const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(draw, draw, fc.nat(), (error, corruption, elapsedMs) => {
      expect(fateOf(rules(), elapsedMs, { error, corruption, delay: 0.5, way: 0.5 })).toEqual({
        fault: 'none',
        delayMs: 0,
        way: 0.5,
      })
    }),
  )
})

test('a share of 1 means always, a share of 0 never', () => {
  expect(faultAt({ errorRate: 1 })).toBe('error')
  expect(faultAt({ errorRate: 0 }, 0, { error: 0 })).toBe('none')
  expect(faultAt({ corruption: 1 })).toBe('corruption')
  expect(faultAt({ corruption: 0 }, 0, { corruption: 0 })).toBe('none')
})

test('a failed request is not damaged as well', () => {
  expect(faultAt({ errorRate: 0.5, corruption: 1 }, 0, { error: 0.4 })).toBe('error')
  expect(faultAt({ errorRate: 0.5, corruption: 1 }, 0, { error: 0.5 })).toBe('corruption')
})

test.each([
  [0, 'none'],
  [7_999, 'none'],
  [8_000, 'partition'],
  [9_999, 'partition'],
  [10_000, 'none'],
  [18_000, 'partition'],
] as const)('unreachable for 2 s at the end of every 10 s: after %i ms %s', (elapsedMs, fault) => {
  expect(faultAt({ partition: { every: 10_000, for: 2_000 } }, elapsedMs)).toBe(fault)
})

test('a delay is drawn from its range', () => {
  const delayed = (delay: number) => fateOf(rules({ delay: { min: 20, max: 200 } }), 0, { ...LUCK, delay }).delayMs
  expect(delayed(0)).toBe(20)
  expect(delayed(0.5)).toBe(110)
  expect(delayed(0.9999)).toBeLessThanOrEqual(200)
})

test('partitions follow the clock, counted from the start', async () => {
  const clock = new FakeClock(123_456)
  const fates = createFates(rules({ partition: { every: 1_000, for: 100 } }), clock, () => 0.5)
  expect(fates.partitioned()).toBe(false)
  await clock.advance(900)
  expect(fates.partitioned()).toBe(true)
  expect(fates.next().fault).toBe('partition')
  await clock.advance(100)
  expect(fates.partitioned()).toBe(false)
})

const dealt = (seed: number, name: string): Fate[] => {
  const mixed = rules({ errorRate: 0.3, corruption: 0.3, delay: { min: 0, max: 50 } })
  const fates = createFates(mixed, new FakeClock(), seededRandom(seed, name))
  return Array.from({ length: 50 }, () => fates.next())
}

test('the same seed and name give the same faults, another seed or name others', () => {
  expect(dealt(7, 'redis')).toEqual(dealt(7, 'redis'))
  expect(dealt(7, 'redis')).not.toEqual(dealt(8, 'redis'))
  expect(dealt(7, 'redis')).not.toEqual(dealt(7, 'disk'))
})

test('faults occur at their configured rate', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (seed) => {
      const fates = createFates(rules({ errorRate: 0.3 }), new FakeClock(), seededRandom(seed, 'x'))
      const failed = Array.from({ length: 4_000 }, () => fates.next()).filter(({ fault }) => fault === 'error').length
      expect(failed / 4_000).toBeGreaterThan(0.25) // within six standard deviations
      expect(failed / 4_000).toBeLessThan(0.35)
    }),
    { numRuns: 20 },
  )
})
