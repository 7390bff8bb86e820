import { expect, test } from 'vitest'
import { randomFrom } from '../../../load-tests/bench/traces.ts'
import { FrequencySketch, MAX_COUNTED } from '../../../src/stores/memory/frequency-sketch.ts'
import fc from '../../support/fast-check.ts'

test('it never counts less than the true count, up to its ceiling', () => {
  const keys = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 3_000 })
  fc.assert(
    fc.property(keys, fc.integer(), (asked, seed) => {
      const { sketch, exact } = count(asked.map(String), seed, 64)
      for (const [key, times] of exact) {
        expect(sketch.estimate(sketch.hashOf(key))).toBeGreaterThanOrEqual(Math.min(times, MAX_COUNTED))
      }
    }),
    { numRuns: 50 },
  )
})

// Realistic keys: long, with a common prefix, differing in a few characters near the end.
test('it counts nearly all keys exactly up to the number it is sized for', () => {
  const random = randomFrom(5)
  const asked = Array.from({ length: 40_000 }, () => {
    const rank = Math.floor(random() ** 3 * 4_000)
    return `default GET https://shop.example/api/catalog/products/${rank}?lang=en&currency=EUR`
  })
  const { sketch, exact } = count(asked, 42, 4_000)
  const errors = [...exact].map(([key, times]) => sketch.estimate(sketch.hashOf(key)) - Math.min(times, MAX_COUNTED))
  expect(errors.filter((error) => error > 0).length / errors.length).toBeLessThan(0.1)
  expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.5)
})

test.each([
  ['long', (n: number) => `default GET http://origin.test/users/${n}/orders`],
  ['short', (n: number) => `user:${n}`],
])('hashes of similar %s keys are spread like random ones', (_length, keyOf) => {
  const sketch = new FrequencySketch(7)
  const keys = 100_000
  const hashes = Array.from({ length: keys }, (_, n) => sketch.hashOf(keyOf(n)))
  // Among 2^32 values, 100,000 random ones collide 1.2 times on average.
  expect(new Set(hashes).size).toBeGreaterThan(keys - 15)
  for (const bits of [(hash: number) => hash & 255, (hash: number) => hash >>> 24]) {
    const counts = Array.from({ length: 256 }, () => 0)
    for (const hash of hashes) counts[bits(hash)] = (counts[bits(hash)] ?? 0) + 1
    const expected = keys / 256
    const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    expect(chiSquared).toBeLessThan(255 + 6 * Math.sqrt(2 * 255))
  }
})

test('every part of a long key affects the hash', () => {
  const sketch = new FrequencySketch(7)
  const long = 'x'.repeat(10_000)
  const keys = [long, `y${long.slice(1)}`, `${long.slice(1)}y`, `${long}x`, `${long}💥`, '', '\0', '\0\0', 'ab', 'ab\0']
  expect(new Set(keys.map((key) => sketch.hashOf(key))).size).toBe(keys.length)
})

test('another seed gives other hashes', () => {
  expect(new FrequencySketch(1).hashOf('key')).not.toBe(new FrequencySketch(2).hashOf('key'))
})

test('ageing halves every count', () => {
  const { sketch } = count([...times('a', 9), ...times('b', 4), 'c'], 3, 64)
  sketch.age()
  expect(['a', 'b', 'c'].map((key) => sketch.estimate(sketch.hashOf(key)))).toEqual([4, 2, 0])
})

test('it stops at its ceiling', () => {
  const { sketch } = count(times('a', MAX_COUNTED + 50), 3, 8)
  expect(sketch.estimate(sketch.hashOf('a'))).toBe(MAX_COUNTED)
})

test('counts survive growth, and it takes no more than 64 bytes per key', () => {
  const { sketch } = count([...times('a', 9), ...times('b', 4)], 3, 8)
  sketch.fit(10_000)
  expect(['a', 'b'].map((key) => sketch.estimate(sketch.hashOf(key)))).toEqual([9, 4])
  expect(sketch.bytes).toBeGreaterThanOrEqual(320_000)
  expect(sketch.bytes).toBeLessThanOrEqual(640_000)
})

const times = (key: string, count: number): string[] => Array.from({ length: count }, () => key)

function count(asked: readonly string[], seed: number, keys: number) {
  const sketch = new FrequencySketch(seed)
  sketch.fit(keys)
  const exact = new Map<string, number>()
  for (const key of asked) {
    sketch.add(sketch.hashOf(key))
    exact.set(key, (exact.get(key) ?? 0) + 1)
  }
  return { sketch, exact }
}
