import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { kindOf } from '../../src/heap/collections.ts'
import { DeadBuffers } from '../../src/heap/dead-buffers.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { until } from '../support/waiting.ts'

const MIB = 2 ** 20

function watched(external: number) {
  const clock = new FakeClock()
  const state = { external, held: 0, young: 0, begun: 0, open: 0, isUnderWay: false }
  const begin = () => {
    state.begun++
    state.open++
    return () => void state.open--
  }
  const collectYoung = () => {
    state.external -= state.young
    state.young = 0
  }
  const held = () => state.held
  const isUnderWay = () => state.isUnderWay
  const buffers = new DeadBuffers({ clock, held, external: () => state.external, collectYoung, begin, isUnderWay })
  const at = async (mebibytes: number, heldMebibytes = 0) => {
    state.external = mebibytes * MIB
    state.held = heldMebibytes * MIB
    await clock.advance(100)
    return state.begun
  }
  return { clock, state, at, buffers }
}

test('a collection begins once buffers have grown by 8 MiB since the last one, and again after another 8 MiB', async () => {
  const { at, clock } = watched(0)
  expect(await at(10)).toBe(0)
  expect(await at(17)).toBe(0)
  expect(await at(18)).toBe(1)
  await clock.advance(10_000)
  expect(await at(20)).toBe(1)
  expect(await at(12)).toBe(1)
  expect(await at(19)).toBe(1)
  expect(await at(20)).toBe(2)
})

test('collections begin at least ten seconds apart', async () => {
  const { at, state, clock } = watched(0)
  await at(0)
  await at(8)
  await at(16)
  await clock.advance(9_700)
  expect(state.begun).toBe(1)
  await clock.advance(200)
  expect(state.begun).toBe(2)
})

test('buffers that die young do not trigger one', async () => {
  const { at, state } = watched(0)
  await at(0)
  state.young = 5 * MIB
  expect(await at(12)).toBe(0)
  expect(await at(8)).toBe(1)
})

test('none begins while V8 is collecting; afterwards it works as before', async () => {
  const { at, state } = watched(0)
  await at(0)
  state.isUnderWay = true
  state.young = MIB
  expect(await at(9)).toBe(0)
  expect(state.young).toBe(MIB)
  state.isUnderWay = false
  expect(await at(9)).toBe(1)
})

test('if much is held, a quarter of that may accumulate', async () => {
  const { at } = watched(100 * MIB)
  expect(await at(100, 100)).toBe(0)
  expect(await at(124, 100)).toBe(0)
  expect(await at(125, 100)).toBe(1)
})

test('growth of a store does not count as garbage, and its shrinking does', async () => {
  const { at } = watched(0)
  expect(await at(0, 0)).toBe(0)
  expect(await at(100, 200)).toBe(0)
  expect(await at(149, 200)).toBe(0)
  expect(await at(149, 100)).toBe(1)
})

test('the setting that triggers it is restored, also on close', async () => {
  const { at, state, buffers, clock } = watched(0)
  await at(0)
  await at(8)
  expect(state.open).toBe(1)
  await at(9)
  expect(state.open).toBe(0)
  await clock.advance(10_000)
  await at(17)
  expect(state.open).toBe(1)
  buffers.close()
  expect([state.open, clock.pending]).toEqual([0, 0])
})

test('closing twice restores the setting only once', async () => {
  const { at, state, buffers } = watched(0)
  await at(0)
  await at(8)
  buffers.close()
  buffers.close()
  expect(state.open).toBe(0)
})

test('V8 does begin to mark', async () => {
  const marks: unknown[] = []
  const observer = new PerformanceObserver((list) => {
    marks.push(...list.getEntries().filter((entry) => isMarking(entry)))
  })
  observer.observe({ entryTypes: ['gc'] })
  const state = { external: 0 }
  const buffers = new DeadBuffers({ clock: systemClock, held: () => 0, external: () => state.external })
  do {
    marks.length = 0
    await sleep(300)
  } while (marks.length > 0) // V8 may mark of its own accord what was loaded
  state.external = 16 * MIB
  await until(() => marks.length > 0, 'V8 marks')
  observer.disconnect()
  buffers.close()
})

const isMarking = (entry: PerformanceEntry): boolean => kindOf(entry) === constants.NODE_PERFORMANCE_GC_INCREMENTAL
