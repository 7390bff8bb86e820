import { expect, test, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { Events } from '../../src/events.ts'
import { onContent } from '../../src/heap/content-volume.ts'
import type { Kept } from '../../src/model.ts'
import { ipcStore, type IpcStoreOptions } from '../../src/workers/ipc-store.ts'
import { SharedMemory } from '../../src/workers/primary/shared-memory.ts'
import { response, storeContract } from '../stores/store-contract.ts'
import { line } from './line.ts'

/** A worker's store, connected to its primary's memory. */
function storeOn(memory: SharedMemory, options: Partial<IpcStoreOptions> = {}) {
  const { left, right } = line(
    {
      get({ key, mostBytes }: { key: string; mostBytes: number }) {
        const octets = memory.get(key)
        return octets !== undefined && octets.length <= mostBytes ? octets : undefined
      },
      put: ({ key, octets }: { key: string; octets: Uint8Array }) => memory.put(key, octets),
      forget: (keys: readonly string[]) => memory.forget(keys),
      forgetAll: () => memory.clear(),
    },
    {},
  )
  return { store: ipcStore(right, { maxUnderway: 2 ** 20, ...options }), hangUp: () => (left.hangUp(), right.hangUp()) }
}
const freshUntilOf = (kept: Kept) =>
  typeof kept === 'object' && kept.kind === 'response' ? kept.freshUntil : undefined
const memoryOf = (maxBytes: number, events = new Events()) => new SharedMemory({ maxBytes, events })

storeContract('ipcStore', () => storeOn(memoryOf(2 ** 20)).store, { exactUsage: false })

test('what one worker stores, another finds', async () => {
  const memory = memoryOf(2 ** 20)
  const [one, other] = [storeOn(memory).store, storeOn(memory).store]
  await one.set('k', response('body'), 60_000)
  await new Promise((resolve) => setImmediate(resolve))
  expect(await other.get('k')).toMatchObject({ kind: 'response', startedAt: Number.NEGATIVE_INFINITY })
  expect(memory.usage()).toMatchObject([{ tier: 'memory', objects: 1, maxBytes: 2 ** 20 }])
})

test("setting the machine's clock changes no copy", async () => {
  const memory = memoryOf(2 ** 20)
  const stored = { ...response('body'), freshUntil: systemClock.now() + 60_000 }
  await storeOn(memory).store.set('k', stored, 60_000)
  await new Promise((resolve) => setImmediate(resolve))
  vi.spyOn(Date, 'now').mockReturnValue(systemClock.now() - 3_600_000)
  const found = await storeOn(memory).store.get('k')
  vi.restoreAllMocks()
  expect(freshUntilOf(found)).toBeCloseTo(stored.freshUntil, 1)
})

test('workers whose clocks differ, as it was set between their starts, keep a copy for equally long', async () => {
  const memory = memoryOf(2 ** 20)
  const stored = { ...response('body'), freshUntil: 60_000 }
  await storeOn(memory, { correction: -3_600_000 }).store.set('k', stored, 60_000)
  await new Promise((resolve) => setImmediate(resolve))
  const found = await storeOn(memory, { correction: 0 }).store.get('k')
  expect(freshUntilOf(found)).toBe(60_000 - 3_600_000)
})

test('without its primary every look-up is unknown', async () => {
  const { store, hangUp } = storeOn(memoryOf(2 ** 20))
  hangUp()
  expect(await store.get('k')).toBe('unknown')
  expect(await store.set('k', response('body'), 60_000)).toBe('lost')
})

test('it reports entries that the memory has no room for', async () => {
  const { store } = storeOn(memoryOf(10_000))
  expect(await store.set('k', response('x'), 60_000)).toBeUndefined()
  expect(await store.set('k', response('x'.repeat(10_000)), 60_000)).toBe('lost')
})

test('entries on their way to the primary are bounded, the last one not counted', async () => {
  const { store } = storeOn(memoryOf(2 ** 20), { maxUnderway: 15_000 })
  const set = (key: string) => store.set(key, response('x'.repeat(10_000)), 60_000)
  await set('c')
  expect(await Promise.all(['a', 'b', 'c'].map(set))).toEqual([undefined, undefined, 'lost'])
  expect(await store.get('c')).toBeUndefined() // what was there was older
  expect(await set('c')).toBeUndefined()
})

test('while memory is short large entries are exchanged in neither direction', async () => {
  const memory = memoryOf(2 ** 20)
  const pressure = { high: false }
  const { store } = storeOn(memory, { pressure })
  const [large, small] = [response('x'.repeat(100_000)), response('x')]
  await store.set('large', large, 60_000)
  await store.set('small', small, 60_000)
  pressure.high = true
  expect(await store.get('large')).toBeUndefined()
  expect(await store.get('small')).toMatchObject({ kind: 'response' })
  expect(await store.set('small', small, 60_000)).toBeUndefined()
  expect(await store.set('large', large, 60_000)).toBe('lost')
  pressure.high = false
  expect(await store.get('large')).toBeUndefined() // what was there was older
})

test('what an entry takes on its way is announced', async () => {
  const announced: number[] = []
  const end = onContent((soon) => void announced.push(soon))
  const { store } = storeOn(memoryOf(2 ** 20))
  await store.set('k', response('x'.repeat(3 * 2 ** 20)), 60_000)
  end()
  expect(announced).toEqual([6 * 2 ** 20])
})

test('what comes from the primary counts as content received', async () => {
  const { store } = storeOn(memoryOf(10 * 2 ** 20))
  await store.set('k', response('x'.repeat(5 * 2 ** 20)), 60_000)
  let reports = 0
  const end = onContent(() => reports++)
  await store.get('k')
  end()
  expect(reports).toBe(1)
})

test('the memory is bounded, and evictions are reported', () => {
  const events = new Events()
  let evicted = 0
  events.on('eviction', () => evicted++)
  const memory = memoryOf(10_000, events)
  for (let at = 0; at < 100; at++) memory.put(`k${at}`, new Uint8Array(1_000))
  const [usage] = memory.usage()
  expect(usage?.bytes).toBeLessThanOrEqual(10_000)
  expect(evicted).toBe(100 - (usage?.objects ?? 0))
})
