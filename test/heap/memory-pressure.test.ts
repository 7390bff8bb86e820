import { expect, test } from 'vitest'
import { MemoryPressure, type MemoryUse } from '../../src/heap/memory-pressure.ts'
import { FakeClock } from '../support/fake-clock.ts'

const CEILINGS = { heap: 1_000, container: 10_000 }

/** Pressure on memory that holds what it is told, and garbage that goes when it is collected. */
function underPressure(ceilings: { heap: number; container: number | undefined } = CEILINGS) {
  const clock = new FakeClock()
  const memory = { held: 0, garbage: 0, anonymous: 0 }
  const changes: boolean[] = []
  const wanted: boolean[] = []
  let collections = 0
  const pressure = new MemoryPressure({
    clock,
    ceilings,
    use: (): MemoryUse => ({ heap: memory.held + memory.garbage, anonymous: memory.anonymous }),
    collect: () => {
      collections++
      memory.garbage = 0
    },
    giveBack: (isWanted) => void wanted.push(isWanted),
    changed: (high) => void changes.push(high),
  })
  return { clock, memory, changes, wanted, pressure, collections: () => collections }
}

test('it is high from nine tenths of the heap on, until it is clearly below', async () => {
  const { clock, memory, changes, pressure } = underPressure()
  memory.held = 899
  await clock.advance(200)
  expect(pressure.high).toBe(false)
  memory.held = 901
  await clock.advance(200)
  expect(pressure.high).toBe(true)
  memory.held = 870
  await clock.advance(10_000)
  expect(pressure.high).toBe(true)
  memory.held = 840
  await clock.advance(200)
  expect(pressure.high).toBe(false)
  expect(changes).toEqual([true, false])
})

test('from three quarters on memory is wanted back, until there is clearly more', async () => {
  const { clock, memory, changes, wanted } = underPressure()
  for (const anonymous of [7_400, 7_600, 7_200, 7_600, 6_900, 7_400]) {
    memory.anonymous = anonymous
    await clock.advance(200)
  }
  expect(wanted).toEqual([true, false])
  expect(changes).toEqual([])
})

test('it is high when the container has little left', async () => {
  const { clock, memory, pressure } = underPressure()
  memory.anonymous = 9_100
  await clock.advance(200)
  expect(pressure.high).toBe(true)
})

test('without a limit of the container, its memory does not count', async () => {
  const { clock, memory, pressure } = underPressure({ heap: 1_000, container: undefined })
  memory.anonymous = 1e15
  await clock.advance(200)
  expect(pressure.high).toBe(false)
})

test('garbage is no pressure', async () => {
  const { clock, memory, pressure, collections } = underPressure()
  memory.held = 500
  memory.garbage = 450
  await clock.advance(200)
  expect([pressure.high, collections()]).toEqual([false, 1])
})

test('what was given up while it was high is found, though nothing else asks for a collection', async () => {
  const { clock, memory, pressure } = underPressure()
  memory.held = 950
  await clock.advance(200)
  expect(pressure.high).toBe(true)
  memory.held = 100
  memory.garbage = 850
  await clock.advance(6_000)
  expect(pressure.high).toBe(false)
})

test('it collects no more than once in five seconds', async () => {
  const { clock, memory, collections } = underPressure()
  memory.held = 950
  await clock.advance(20_000)
  expect(collections()).toBeLessThanOrEqual(5)
})

test('it stops when it is closed', async () => {
  const { clock, pressure } = underPressure()
  await clock.advance(1_000)
  pressure.close()
  expect(clock.pending).toBe(0)
})
