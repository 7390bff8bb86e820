import { describe, expect, test } from 'vitest'
import { contentOf, parseTarget, requestTarget } from '../../load-tests/chaos/content.ts'
import { PATTERNS } from '../../load-tests/chaos/patterns.ts'
import { zipf } from '../../load-tests/k6/lib/zipf.ts'
import { chance } from '../../load-tests/chaos/random.ts'

const targets = (name: string, count: number, seed = 1) => {
  const pattern = PATTERNS.find((candidate) => candidate.name === name)
  const random = chance(seed)
  return Array.from({ length: count }, (_, turn) => pattern?.target(turn, random).path)
}

const counted = (paths: readonly (string | undefined)[]): number[] =>
  [...Map.groupBy(paths, (path) => path).values()].map(({ length }) => length).sort((a, b) => b - a)

describe.each(PATTERNS)('$name', ({ name, target }) => {
  test('requests only existing resources', () => {
    const random = chance(1)
    for (let turn = 0; turn < 200; turn++) {
      const asked = target(turn, random)
      expect(parseTarget(requestTarget(asked))).toEqual(asked)
      expect(asked.path.startsWith(`/${name}/`)).toBe(true)
    }
  })

  test('repeats the same requests with the same seed', () => {
    expect(targets(name, 100, 5)).toEqual(targets(name, 100, 5))
  })
})

test('hotspot: a few resources get nearly all requests', () => {
  const all = counted(targets('hotspot', 10_000))
  expect(all.slice(0, 10).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(8_800)
})

test('lru-killer: nothing is requested again before everything else was', () => {
  const paths = targets('lru-killer', 1_400)
  expect(new Set(paths.slice(0, 700)).size).toBe(700)
  expect(paths.slice(700)).toEqual(paths.slice(0, 700))
})

test('stampede: a hundred at once for one resource', () => {
  expect(counted(targets('stampede', 500))).toEqual([100, 100, 100, 100, 100])
})

test('zipf: the first is twice as likely as the second', () => {
  const draw = zipf(3) // probabilities 6/11, 3/11 and 2/11
  const drawn = Array.from({ length: 1_100 }, (_, at) => draw((at + 0.5) / 1_100))
  expect(counted(drawn.map(String))).toEqual([600, 300, 200])
  expect(draw(0)).toBe(0)
  expect(draw(1 - Number.EPSILON)).toBe(2)
})

test('content names its resource, and has the stated length', () => {
  const target = { path: '/a/1', bytes: 100, maxAge: 1 }
  expect(contentOf(target)).toHaveLength(100)
  expect(contentOf(target).equals(contentOf({ ...target, path: '/a/2' }))).toBe(false)
  expect(contentOf({ ...target, bytes: 0 })).toHaveLength(0)
  for (const wrong of ['/a', '/a?bytes=-1&max-age=1', '/a?bytes=1', '/a?bytes=1e12&max-age=1']) {
    expect(parseTarget(wrong)).toBeUndefined()
  }
})

test('random numbers are uniform, and differ by seed', () => {
  const random = chance(3)
  const drawn = Array.from({ length: 10_000 }, random)
  expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true)
  const tenths = counted(drawn.map((value) => String(Math.floor(value * 10))))
  expect(tenths).toHaveLength(10)
  expect(tenths.at(-1)).toBeGreaterThan(850)
  expect(chance(3)()).not.toBe(chance(4)())
})
