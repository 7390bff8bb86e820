/** Values of caches that share a store, each with its own memory. */
import { expect, test, vi } from 'vitest'
import { createCache } from '../../../src/library/embed.ts'
import { localLog } from '../../../src/stores/memory/log.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import { createTiered } from '../../../src/stores/tiered.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import { FarStore } from '../../support/far-store.ts'

function pair() {
  const clock = new FakeClock()
  const far = new FarStore()
  const log = localLog({ generation: 'g' })
  const cache = () => {
    const store = createTiered([memoryStore({ maxBytes: '64MiB' }), far], clock)
    return createCache({ store, log, clock, defaults: { ttl: 1_000 } })
  }
  return { clock, far, a: cache(), b: cache() }
}

test.each<[string, (world: ReturnType<typeof pair>) => Promise<unknown>]>([
  ['has expired', ({ clock }) => clock.advance(1_001)],
  ['was purged', ({ a }) => a.purge({ keys: ['k'] })],
])('a copy in memory that %s does not hide a newer one in the shared store', async (_, end) => {
  const world = pair()
  const { a, b } = world
  await a.set('k', 'old')
  expect(await b.get('k')).toBe('old')
  await end(world)
  await a.set('k', 'new')
  const load = vi.fn(() => 'loaded')
  expect([await b.has('k'), await b.getMany(['k', 'none'])]).toEqual([true, ['new', undefined]])
  expect(await b.get('k')).toBe('new')
  await end(world)
  await a.set('k', 'newer')
  expect(await b.getOrSet('k', load)).toBe('newer')
  expect(load).not.toHaveBeenCalled()
})

test('getMany looks up what it was given, even if the list of keys is changed meanwhile', async () => {
  const { clock, a, b } = pair()
  const entries = [
    { key: 'k', value: 'old' },
    { key: 'l', value: 'old' },
  ]
  await a.setMany(entries)
  await b.getMany(['k', 'l'])
  await clock.advance(1_001)
  await a.setMany(entries.map((entry) => ({ ...entry, value: 'new' })))
  const keys = ['k', 'l']
  const found = b.getMany(keys)
  keys.fill('another')
  expect(await found).toEqual(['new', 'new'])
})

test('an expired value is looked up in the shared store once', async () => {
  const { clock, far, a, b } = pair()
  await a.set('k', 'old')
  await b.get('k')
  await clock.advance(1_001)
  const before = far.reads
  expect(await b.get('k')).toBeUndefined()
  expect(far.reads - before).toBe(1)
})

test('concurrent calls for an expired value read the shared store once, and never while it is loaded', async () => {
  const { clock, far, a, b } = pair()
  await a.set('k', 'old')
  await b.get('k')
  await clock.advance(1_001)
  const before = far.reads
  const gate = Promise.withResolvers<string>()
  const load = vi.fn(() => gate.promise)
  const first = Array.from({ length: 50 }, () => b.getOrSet('k', load))
  await settle()
  const later = Array.from({ length: 50 }, () => b.getOrSet('k', load))
  await settle()
  gate.resolve('new')
  expect(new Set(await Promise.all([...first, ...later]))).toEqual(new Set(['new']))
  expect([load.mock.calls.length, far.reads - before]).toEqual([1, 1])
})

test('a look-up in the shared store that began before a set does not answer a call after it', async () => {
  const { clock, far, a, b } = pair()
  await a.set('k', 'old')
  await b.get('k')
  await clock.advance(1_001)
  await a.set('k', 'new')
  const go = far.hold()
  const before = b.get('k')
  await b.set('k', 'newer', { ttl: 0 })
  const after = b.get('k')
  go()
  expect([await before, await after]).toEqual(['new', undefined])
})

test('a stale value that a call does not accept does not hide a newer one in the shared store', async () => {
  const { clock, a, b } = pair()
  await a.set('k', 'old', { grace: '1h' })
  await b.get('k')
  await clock.advance(180_000)
  await a.set('k', 'new')
  const load = vi.fn(() => 'loaded')
  expect(await b.getOrSet('k', load, { softTimeout: 0, grace: '1m' })).toBe('new')
  expect(load).not.toHaveBeenCalled()
})

test('a stale value that is returned at once does not wait for the shared store', async () => {
  const { clock, far, b } = pair()
  await b.set('k', 'old', { grace: '1h' })
  await clock.advance(1_001)
  const go = far.hold()
  expect(await b.getOrSet('k', () => 'new', { grace: '1h', softTimeout: 0 })).toBe('old')
  go()
})
