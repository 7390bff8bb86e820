import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { CollectableMap, CollectableSet } from '../src/collectable.ts'

describe('a collectable map', () => {
  test('is a map', () => {
    const map = new CollectableMap<string, { n: number }>()
    map.set('a', { n: 1 })
    map.set('b', { n: 2 })
    map.set('a', { n: 3 })
    expect([map.size, map.get('a'), map.get('c')]).toEqual([2, { n: 3 }, undefined])
    expect([...map.keys()]).toEqual(['a', 'b'])
    expect([...map.values()]).toEqual([{ n: 3 }, { n: 2 }])
    expect([map.delete('a'), map.delete('a'), map.size, map.get('a')]).toEqual([true, false, 1, undefined])
    map.clear()
    expect([map.size, map.get('b')]).toEqual([0, undefined])
  })

  test('includes what is added while one goes through it, and not what is removed', () => {
    const map = new CollectableMap<string, { n: number }>()
    for (let n = 0; n < 3; n++) map.set(String(n), { n })
    const seen: number[] = []
    for (const { n } of map.values()) {
      seen.push(n)
      if (n === 0) map.delete('1')
      if (n === 2) map.set('3', { n: 3 })
    }
    expect(seen).toEqual([0, 2, 3])
  })
})

describe('a collectable set', () => {
  test('is a set whose members are removed by what adding them has returned', () => {
    const set = new CollectableSet<object>()
    const [a, b] = [{ name: 'a' }, { name: 'b' }]
    const leave = set.add(a)
    set.add(b)
    expect([set.size, ...set]).toEqual([2, a, b])
    expect([leave(), leave(), set.size, ...set]).toEqual([true, false, 1, b])
  })
})

describe('after many members, a few of them at a time, minor collections leave', () => {
  const [members, present, bytesEach] = [6_000, 32, 1_000]

  test('next to nothing of what a collectable map held', () => {
    const map = new CollectableMap<string, object>()
    const bytes = bytesLeftBy((n) => {
      map.set(String(n), member(n))
      map.delete(String(n - present))
    })
    expect(bytes).toBeLessThan((members * bytesEach) / 6)
  })

  test('next to nothing of what a collectable set held', () => {
    const set = new CollectableSet<object>()
    const leaving: (() => void)[] = []
    const bytes = bytesLeftBy((n) => {
      leaving.push(set.add(member(n)))
      if (n >= present) leaving.shift()?.()
    })
    expect(bytes).toBeLessThan((members * bytesEach) / 6)
  })

  const member = (n: number): object => ({ content: Array.from({ length: bytesEach / 8 }, (_, at) => n + at / 2) })

  function bytesLeftBy(come: (n: number) => void): number {
    for (let n = 0; n < present; n++) come(n)
    collect('major') // what is there now is old
    const before = bytesOfOldObjects()
    for (let n = present; n < members; n++) {
      come(n)
      if (n % 1_000 === 0) collect('minor')
    }
    return bytesOfOldObjects() - before
  }
})

setFlagsFromString('--expose-gc')
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the function that the flag has added
const gc = runInNewContext('gc') as (options: { type: 'major' | 'minor' }) => void
const collect = (type: 'major' | 'minor'): void => gc({ type })

const bytesOfOldObjects = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')?.space_used_size ?? 0
