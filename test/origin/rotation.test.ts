import { describe, expect, test } from 'vitest'
import { createRotation } from '../../src/origin/rotation.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { array, assert, constantFrom, nat, property } from '../support/fast-check.ts'

const TIMES = { coolDownMs: 100, trialMs: 50 }

describe('rotation', () => {
  test('begins each turn with the next member', () => {
    const rotation = createRotation(['a', 'b', 'c'], TIMES, new FakeClock())
    const turns = Array.from({ length: 4 }, () => rotation.turn().join(''))
    expect(turns).toEqual(['abc', 'bca', 'cab', 'abc'])
  })

  test('puts a failed member behind the others until it has cooled down', async () => {
    const clock = new FakeClock()
    const rotation = createRotation(['a', 'b', 'c'], TIMES, clock)
    rotation.failed('a')
    expect(rotation.turn().join('')).toBe('bca')
    expect(rotation.turn().join('')).toBe('bca')
    await clock.advance(99)
    expect(rotation.turn().join('')).toBe('cba')
    await clock.advance(1)
    expect(rotation.turn().join('')).toBe('abc')
  })

  test('lets a single turn try a member that has cooled down, as others would wait for it too', async () => {
    const clock = new FakeClock()
    const rotation = createRotation(['a', 'b'], TIMES, clock)
    rotation.failed('a')
    await clock.advance(100)
    const turns = Array.from({ length: 6 }, () => rotation.turn().join(''))
    expect(turns).toEqual(['ab', 'ba', 'ba', 'ba', 'ba', 'ba'])
    await clock.advance(49)
    rotation.failed('a')
    await clock.advance(99)
    expect(rotation.turn().join('') + rotation.turn().join('')).toBe('baba')
  })

  test('takes a member to be back when the turn that tried it has not failed', async () => {
    const clock = new FakeClock()
    const rotation = createRotation(['a', 'b'], TIMES, clock)
    rotation.failed('a')
    await clock.advance(100)
    rotation.turn()
    await clock.advance(50)
    const turns = Array.from({ length: 4 }, () => rotation.turn().join(''))
    expect(turns).toEqual(['ba', 'ab', 'ba', 'ab'])
  })

  test('takes a member to be back once it has answered while it was tried', async () => {
    const clock = new FakeClock()
    const rotation = createRotation(['a', 'b'], TIMES, clock)
    rotation.failed('a')
    rotation.answered('a') // on a connection that it had before
    expect(rotation.turn().join('')).toBe('ba')
    await clock.advance(100)
    const turns = () => Array.from({ length: 4 }, () => rotation.turn().join(''))
    expect(turns()).toEqual(['ba', 'ab', 'ba', 'ba'])
    rotation.answered('a')
    expect(turns()).toEqual(['ba', 'ab', 'ba', 'ab'])
  })

  test('has a member tried again whose trial was abandoned, but not one that is no longer on trial', async () => {
    const clock = new FakeClock()
    const rotation = createRotation(['a', 'b'], TIMES, clock)
    const turns = () => Array.from({ length: 4 }, () => rotation.turn().join(''))
    rotation.failed('a')
    rotation.abandoned('a')
    expect(turns()).toEqual(['ba', 'ba', 'ba', 'ba'])
    await clock.advance(100)
    expect(turns()).toEqual(['ab', 'ba', 'ba', 'ba'])
    rotation.abandoned('a')
    expect(turns()).toEqual(['ab', 'ba', 'ba', 'ba'])
    await clock.advance(50)
    rotation.abandoned('a')
    expect(turns()).toEqual(['ab', 'ba', 'ab', 'ba'])
  })

  test('offers every member once, healthy ones first, whatever failed', () => {
    const members = ['a', 'b', 'c', 'd']
    assert(
      property(array(constantFrom(...members)), nat(9), (failed, turns) => {
        const rotation = createRotation(members, TIMES, new FakeClock())
        for (let turn = 0; turn < turns; turn++) rotation.turn()
        for (const member of failed) rotation.failed(member)
        const order = rotation.turn()
        expect([...order].sort()).toEqual(members)
        const isDown = order.map((member) => failed.includes(member))
        expect(isDown.lastIndexOf(false)).toBeLessThan(isDown.includes(true) ? isDown.indexOf(true) : order.length)
      }),
    )
  })
})
