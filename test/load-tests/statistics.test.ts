import { describe, expect, test } from 'vitest'
import { ascending, erfc, mannWhitney, quantile, wilson } from '../../load-tests/lib/statistics.ts'
import fc from '../support/fast-check.ts'

describe('quantiles', () => {
  test.each([
    [[1, 2, 3, 4], 0.5, 2.5],
    [[1, 2, 3, 4], 0.25, 1.75],
    [[1, 2, 3, 4, 5], 0.9, 4.6],
    [[7], 0.999, 7],
    [[1, 9], 0, 1],
    [[1, 9], 1, 9],
  ])('of %j at %f is %f', (sample, share, expected) => {
    expect(quantile(sample, share)).toBeCloseTo(expected, 10)
  })

  test('of an empty sample is NaN', () => {
    expect(quantile([], 0.5)).toBeNaN()
  })

  test('lie within the sample, and rise with the share', () => {
    const sample = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 })
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(sample, share, share, (sample, one, other) => {
        const sorted = ascending(sample)
        const [lower, upper] = [quantile(sorted, Math.min(one, other)), quantile(sorted, Math.max(one, other))]
        expect(lower).toBeLessThanOrEqual(upper + 1e-6)
        expect(lower).toBeGreaterThanOrEqual((sorted[0] ?? 0) - 1e-6)
        expect(upper).toBeLessThanOrEqual((sorted.at(-1) ?? 0) + 1e-6)
      }),
    )
  })
})

describe("Wilson's interval", () => {
  test.each([
    [5, 10, 0.2366, 0.7634],
    [0, 10, 0, 0.2775],
    [10, 10, 0.7225, 1],
    [1, 29, 0.0061, 0.1718],
    [81, 263, 0.2553, 0.3662],
  ])('of %i in %i is %f to %f', (count, total, low, high) => {
    const interval = wilson(count, total)
    expect(interval.low).toBeCloseTo(low, 4)
    expect(interval.high).toBeCloseTo(high, 4)
  })

  test('of an empty sample is everything', () => {
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 })
  })
})

describe('the Mann-Whitney test', () => {
  test('matches an example with few values', () => {
    const { u, p } = mannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12])
    expect(u).toBe(17)
    expect(p).toBeCloseTo(0.111346886533, 10)
  })

  test('matches an example with ties, computed by hand', () => {
    // Ranks 1, 3, 3 and 3, 5, 6: U = 7 - 6; three tied: variance 9/12 (7 - 24/30) = 4.65; z = (3.5 - 0.5) / 2.1564
    const { u, p } = mannWhitney([1, 2, 2], [2, 3, 4])
    expect(u).toBe(1)
    expect(p).toBeCloseTo(erfc(3 / Math.sqrt(2 * 4.65)), 12)
    expect(p).toBeCloseTo(0.1641, 3)
  })

  test('finds no difference between a sample and itself, between equal values, or with an empty sample', () => {
    expect(mannWhitney([1, 2, 3], [1, 2, 3]).p).toBe(1)
    expect(mannWhitney([5, 5], [5, 5, 5]).p).toBe(1)
    expect(mannWhitney([], [1, 2]).p).toBe(1)
    expect(mannWhitney([], []).p).toBe(1)
  })

  test('counts the pairs, and is symmetric', () => {
    const sample = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(sample, sample, (one, other) => {
        const { u, p } = mannWhitney(one, other)
        const pairs = one.flatMap((a) => other.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)))
        expect(u).toBe(pairs.reduce<number>((sum, pair) => sum + pair, 0))
        const back = mannWhitney(other, one)
        expect(back.u).toBe(one.length * other.length - u)
        expect(back.p).toBeCloseTo(p, 12)
        expect(p).toBeGreaterThanOrEqual(0)
        expect(p).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('is certain of a clear difference', () => {
    const row = (from: number) => Array.from({ length: 500 }, (_, at) => from + at)
    expect(mannWhitney(row(0), row(400)).p).toBeLessThan(1e-100)
  })
})

test.each([
  [0, 1],
  [0.5, 0.4795001221869535],
  [1, 0.15729920705028513],
  [2, 0.004677734981047266],
  [2.5, 0.0004069520174449589],
  [3, 2.209049699858544e-5],
  [5, 1.5374597944280347e-12],
])('erfc(%f) is %f', (x, expected) => {
  expect(erfc(x) / expected).toBeCloseTo(1, 9)
})
