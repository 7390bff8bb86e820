import { expect, test } from 'vitest'
import { MemoryPressure, type MemoryUse } from '../../src/heap/memory-pressure.ts'
import { FakeClock } from '../support/fake-clock.ts'

const MIB = 2 ** 20
const CEILINGS = { heap: 1_000 * MIB, container: 10_000 * MIB }

/** All in MiB. `held` memory is what the test sets; `garbage` goes away on collection. */
function underPressure(ceilings: { heap: number; container: number | undefined } = CEILINGS) {
  const clock = new FakeClock()
  const memory = { held: 0, garbage: 0, anonymous: 0, containerUsed: 1 }
  const store = { givesUp: 0, givenBack: 0, hasGivenWay: false, regains: [] as number[], regained: 0 }
  const changes: boolean[] = []
  const exhaustions: boolean[] = []
  const wanted: boolean[] = []
  let collections = 0
  let collectionTakesMs = 0
  let receiveContent: ((soon: number) => void) | undefined
  const pressure = new MemoryPressure({
    clock,
    ceilings,
    isContainerFull: (share) => memory.containerUsed > share,
    store: {
      giveWay() {
        memory.held -= store.givesUp
        memory.garbage += store.givesUp
        memory.anonymous -= store.givenBack
        store.hasGivenWay = true
        return store.givesUp * MIB
      },
      regain() {
        store.regained++
        return (store.regains.shift() ?? 0) * MIB
      },
    },
    use: (): MemoryUse => ({ heap: (memory.held + memory.garbage) * MIB, anonymous: memory.anonymous * MIB }),
    collect: () => {
      collections++
      clock.stall(collectionTakesMs)
      memory.garbage = 0
    },
    giveBack: (isWanted) => void wanted.push(isWanted),
    onContent: (run) => {
      receiveContent = run
      return () => void (receiveContent = undefined)
    },
    changed: (high) => void changes.push(high),
    exhaustion: (isExhausted) => void exhaustions.push(isExhausted),
  })
  /** From now on that much memory is in use; `forMs` go by. */
  const uses = (use: Partial<typeof memory>, forMs: number): Promise<void> => {
    Object.assign(memory, use)
    return clock.advance(forMs)
  }
  return {
    clock,
    memory,
    uses,
    store,
    changes,
    exhaustions,
    wanted,
    pressure,
    collections: () => collections,
    takes: (ms: number) => (collectionTakesMs = ms),
    /** @param soon what is about to be taken at once */
    receiveContent: (soon = 0) => receiveContent?.(soon * MIB),
  }
}

test('it is high from nine tenths of the heap on, until usage is clearly below', async () => {
  const { uses, changes, pressure } = underPressure()
  await uses({ held: 899 }, 200)
  expect(pressure.high).toBe(false)
  await uses({ held: 901 }, 200)
  expect(pressure.high).toBe(true)
  await uses({ held: 870 }, 10_000)
  expect(pressure.high).toBe(true)
  await uses({ held: 840 }, 200)
  expect(pressure.high).toBe(false)
  expect(changes).toEqual([true, false])
})

test('from three quarters of the heap on the store should shrink, until clearly more is free', async () => {
  const { uses, changes, wanted } = underPressure()
  for (const anonymous of [7_400, 7_600, 7_200, 7_600, 6_900, 7_400]) await uses({ anonymous }, 200)
  expect(wanted).toEqual([true, false])
  expect(changes).toEqual([])
})

test('it is high when the container has little left', async () => {
  const { uses, pressure } = underPressure()
  await uses({ anonymous: 9_100 }, 200)
  expect(pressure.high).toBe(true)
})

test('without a limit of the container, its memory does not count', async () => {
  const { uses, pressure } = underPressure({ heap: 1_000 * MIB, container: undefined })
  await uses({ anonymous: 1e15 }, 200)
  expect(pressure.high).toBe(false)
})

test('garbage does not count as pressure', async () => {
  const { uses, pressure, collections } = underPressure()
  await uses({ held: 500, garbage: 450 }, 200)
  expect([pressure.high, collections()]).toEqual([false, 1])
})

test('memory released while pressure is high is noticed, even if nothing else triggers a collection', async () => {
  const { uses, pressure } = underPressure()
  await uses({ held: 950 }, 200)
  expect(pressure.high).toBe(true)
  await uses({ held: 100, garbage: 850 }, 6_000)
  expect(pressure.high).toBe(false)
})

test.each([
  { takesMs: 0, atMost: 41 }, // twice a second
  { takesMs: 100, atMost: 20 }, // a tenth of the time
  { takesMs: 1_000, atMost: 3 }, // rests no longer than ten seconds
])(
  'it rarely collects: at most $atMost times in 20 s if a collection takes $takesMs ms',
  async ({ takesMs, atMost }) => {
    const { uses, collections, takes } = underPressure()
    takes(takesMs)
    await uses({ held: 950 }, 20_000)
    expect(collections()).toBeGreaterThanOrEqual(atMost - 2)
    expect(collections()).toBeLessThanOrEqual(atMost)
  },
)

test('content that arrives is noticed before any timer runs', () => {
  const { memory, pressure, collections, receiveContent } = underPressure()
  memory.anonymous = 9_100
  receiveContent()
  expect([pressure.high, collections()]).toEqual([true, 1])
})

test('what is about to be taken counts', () => {
  const { memory, pressure, collections, receiveContent } = underPressure()
  memory.anonymous = 8_900
  receiveContent(99)
  expect([pressure.high, collections()]).toEqual([false, 0])
  receiveContent(101)
  expect([pressure.high, collections()]).toEqual([true, 1])
})

test('it does not rest while the process grows by what is kept free of the container', () => {
  expectCollections([
    [9_100, 1],
    [9_390, 1],
    [9_410, 2],
    [9_700, 2],
    [9_720, 3],
  ])
})

test('after a collection that left enough, a little growth refuses nothing until the next one', async () => {
  const { memory, uses, store, changes, takes, receiveContent } = underPressure()
  takes(1_000)
  Object.assign(store, { givesUp: 600, givenBack: 600 })
  await uses({ anonymous: 9_590 }, 1_100)
  Object.assign(store, { givesUp: 0, givenBack: 0 })
  expect([memory.anonymous, changes]).toEqual([8_990, []])
  memory.anonymous = 9_130
  receiveContent()
  expect(changes).toEqual([])
  memory.anonymous = 9_150
  receiveContent()
  expect(changes).toEqual([true])
})

test('it does nothing once closed', async () => {
  const { clock, memory, pressure, collections, receiveContent } = underPressure()
  await clock.advance(1_000)
  pressure.close()
  expect(clock.pending).toBe(0)
  memory.anonymous = 9_100
  receiveContent()
  expect(collections()).toBe(0)
})

test('the store shrinks before any request is refused, until a quarter of the heap is free', async () => {
  const { memory, uses, store, changes } = underPressure()
  store.givesUp = 60
  await uses({ held: 910 }, 100)
  expect([memory.held, memory.garbage]).toEqual([730, 0])
  await uses({ garbage: 150 }, 10_000)
  expect([memory.held, memory.garbage]).toEqual([730, 150])
  expect(changes).toEqual([])
})

test.each([
  { held: 740, garbage: 200, anonymous: 0 },
  { held: 300, garbage: 620, anonymous: 8_000 }, // enough of the container is left
])('garbage does not make the store shrink: %j', async (use) => {
  const { clock, memory, store } = underPressure()
  store.givesUp = 60
  Object.assign(memory, use)
  await clock.advance(100)
  expect(memory.garbage).toBe(0)
  expect(store.hasGivenWay).toBe(false)
})

test('between two collections memory that was short stays so until clearly enough is free', async () => {
  const { uses, changes, takes } = underPressure()
  takes(1_000)
  await uses({ anonymous: 9_010 }, 1_100)
  for (const anonymous of [8_990, 9_010, 8_510, 8_490]) {
    await uses({ anonymous }, 1_000)
    expect(changes).toEqual(anonymous === 8_490 ? [true, false] : [true])
  }
})

test('malloc keeps freed memory for good: misses are not refused for as long', async () => {
  const { clock, uses, store, changes, collections } = underPressure()
  store.givesUp = 1_300
  await uses({ anonymous: 9_710 }, 100)
  store.givesUp = 0
  await uses({ anonymous: 9_690 }, 1_000) // below the last of the container, but never again clearly below
  expect(changes).toEqual([true, false])
  const before = collections()
  await clock.advance(60_000)
  expect(changes).toEqual([true, false])
  expect(collections()).toBe(before)
})

test('a process may exceed its part of the container by a tenth while others leave enough of it', async () => {
  const { clock, memory, uses, store, changes, collections } = underPressure()
  store.givesUp = 100
  Object.assign(memory, { anonymous: 10_900, containerUsed: 0.8 })
  await clock.advance(60_000)
  expect([changes, collections(), store.hasGivenWay]).toEqual([[], 0, false])
  await uses({ containerUsed: 0.95 }, 1_000)
  expect([changes, store.hasGivenWay]).toEqual([[true], true])
  await uses({ containerUsed: 0.8 }, 1_000)
  expect(changes).toEqual([true, false])
  await uses({ anonymous: 11_100 }, 1_000)
  expect(changes).toEqual([true, false, true])
})

test.each([
  { over: { containerUsed: 0.91 }, under: { containerUsed: 0.89 } },
  { over: { anonymous: 11_050 }, under: { anonymous: 10_950 } },
])('between two collections memory does not become short again and again: $over, $under', async ({ over, under }) => {
  const { clock, memory, changes, takes } = underPressure()
  takes(1_000)
  Object.assign(memory, { anonymous: 9_500, containerUsed: 0.8 })
  for (const next of [over, under, over, under, over, under]) {
    Object.assign(memory, next)
    await clock.advance(1_100)
  }
  expect(changes).toEqual([true])
  await clock.advance(10_000) // after a collection it is enough to be just below
  expect(changes).toEqual([true, false])
})

test('memory that malloc keeps counts as available, but not the last of the container', async () => {
  const { uses, store, changes } = underPressure()
  store.givesUp = 400
  await uses({ held: 600, anonymous: 9_100 }, 100) // 400 more are available
  await uses({ anonymous: 9_390 }, 10_000)
  expect(store.hasGivenWay).toBe(true)
  expect(changes).toEqual([])
  await uses({ anonymous: 9_690 }, 10_000) // 400 once more
  expect(changes).toEqual([])
  await uses({ anonymous: 9_701 }, 10_000)
  expect(changes).toEqual([true])
})

test('memory that malloc returned does not count as available', async () => {
  const { memory, uses, store, changes } = underPressure()
  store.givesUp = 400
  store.givenBack = 300
  await uses({ held: 600, anonymous: 9_100 }, 100)
  expect(memory.anonymous).toBe(8_800)
  Object.assign(store, { givesUp: 0, givenBack: 0 })
  await uses({ anonymous: 9_090 }, 10_000)
  expect(changes).toEqual([])
  await uses({ anonymous: 9_110 }, 10_000)
  expect(changes).toEqual([true])
})

test('a minute after shrinking the store may grow again, step by step, unless memory is nearly short', async () => {
  const { clock, memory, uses, store } = underPressure()
  store.givesUp = 200
  await uses({ held: 910 }, 100)
  expect(memory.held).toBe(710)
  Object.assign(store, { givesUp: 0, regains: [20, 20] })
  await uses({ held: 870 }, 120_000)
  expect(store.regained).toBe(0)
  await uses({ held: 800 }, 100)
  expect(store.regained).toBe(1)
  await clock.advance(59_000)
  expect(store.regained).toBe(1)
  await clock.advance(1_100)
  expect(store.regained).toBe(2)
  await clock.advance(300_000)
  expect(store.regained).toBe(3) // the store has regained everything
})

test('the store may regain memory that malloc keeps', async () => {
  const { clock, uses, store } = underPressure()
  store.givesUp = 600
  await uses({ anonymous: 9_050 }, 100)
  Object.assign(store, { givesUp: 0, regains: [300, 300] })
  await clock.advance(60_100)
  expect(store.regained).toBe(1)
  await clock.advance(600_000)
  expect(store.regained).toBe(1) // only 300 are left
})

test('memory that the store has regained does not count as available', async () => {
  const { uses, store, changes } = underPressure()
  store.givesUp = 400
  await uses({ held: 600, anonymous: 9_100 }, 100) // 400 more are available
  Object.assign(store, { givesUp: 0, regains: [300] })
  await uses({ anonymous: 8_400 }, 60_100)
  await uses({ anonymous: 9_090 }, 1_000) // 100 of them are left
  expect(changes).toEqual([])
  await uses({ anonymous: 9_110 }, 1_000)
  expect(changes).toEqual([true])
})

test.each<[string, (memory: { held: number; anonymous: number }, share: number) => void]>([
  ['the heap', (memory, share) => void (memory.held = share * 1_000)],
  ['the container', (memory, share) => void (memory.anonymous = (share + 0.005) * 10_000)],
])('it is exhausted when hardly anything is left of %s, until a little more is', async (_what, use) => {
  const { clock, memory, exhaustions, pressure } = underPressure()
  const seen: boolean[] = []
  for (const share of [0.949, 0.951, 0.949, 0.926, 0.924, 0.926]) {
    use(memory, share)
    await clock.advance(200)
    seen.push(pressure.exhausted)
  }
  expect(seen).toEqual([false, true, true, true, false, false])
  expect(exhaustions).toEqual([true, false])
})

test('while it is exhausted, growth by half of what is kept free ends the rest', () => {
  expectCollections([
    [9_560, 1],
    [9_700, 1],
    [9_720, 2],
    [9_860, 2],
    [9_880, 3],
  ])
})

test('a process that exceeds its part is not exhausted while others leave enough of the container', async () => {
  const { clock, memory, uses, pressure } = underPressure()
  Object.assign(memory, { anonymous: 12_000, containerUsed: 0.94 })
  await clock.advance(200)
  expect([pressure.high, pressure.exhausted]).toEqual([true, false])
  await uses({ containerUsed: 0.96 }, 200)
  expect(pressure.exhausted).toBe(true)
})

/** @param steps memory in use as it grows, and how often it has been collected by then */
function expectCollections(steps: readonly (readonly [anonymous: number, expected: number])[]): void {
  const { memory, collections, receiveContent } = underPressure()
  for (const [anonymous, expected] of steps) {
    memory.anonymous = anonymous
    receiveContent()
    expect(collections()).toBe(expected)
  }
}
