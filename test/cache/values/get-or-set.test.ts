import { describe, expect, test, vi } from 'vitest'
import { type Cache, createCache } from '../../../src/library/embed.ts'
import type { Values } from '../../../src/cache/values/values.ts'
import { HerdgateError } from '../../../src/errors.ts'
import { Events } from '../../../src/events.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'

function library(defaults = {}) {
  const clock = new FakeClock()
  return { clock, cache: createCache({ clock, defaults }) }
}

/** A loader whose loads end when the test resolves them. */
function gated<T>() {
  const open: PromiseWithResolvers<T>[] = []
  const load = vi.fn(() => {
    const gate = Promise.withResolvers<T>()
    open.push(gate)
    return gate.promise
  })
  return { load, open }
}

function fail(): never {
  throw new Error('no text')
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

describe('getOrSet', () => {
  test('loads once, then answers from memory, by reference', async () => {
    const { cache } = library()
    const value = { id: 1 }
    const load = vi.fn(() => value)
    expect(await cache.getOrSet('k', load, { ttl: '1m' })).toBe(value)
    expect(await cache.getOrSet('k', load, { ttl: '1m' })).toBe(value)
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('a hundred concurrent callers share one load', async () => {
    const { cache } = library()
    const { load, open } = gated<number>()
    const all = Array.from({ length: 100 }, () => cache.getOrSet('k', load))
    await settle()
    open[0]?.resolve(7)
    expect(new Set(await Promise.all(all))).toEqual(new Set([7]))
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('a load that asks for its own key, without waiting for it, joins itself', async () => {
    const { cache } = library()
    let inner: Promise<number> | undefined
    const load = vi.fn(() => {
      inner ??= cache.getOrSet('k', load)
      return 7
    })
    expect(await cache.getOrSet<number>('k', load)).toBe(7)
    expect(await inner).toBe(7)
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('waiters for a load are counted while they wait, and reported as collapsed', async () => {
    const { cache } = library()
    const reused = vi.fn()
    cache.events.on('collapse', reused)
    const { load, open } = gated<number>()
    const all = Array.from({ length: 10 }, () => cache.getOrSet('k', load))
    expect(cache.stats().waiting).toBe(10)
    open[0]?.resolve(7)
    await Promise.all(all)
    expect(cache.stats()).toMatchObject({ waiting: 0, inFlight: 0, requests: { miss: 1, collapsed: 9 } })
    expect(reused.mock.calls).toEqual(Array.from({ length: 9 }, () => [{ route: 'library', outcome: 'reused' }]))
  })

  test('waiters for a load that skips each load their own value', async () => {
    const { cache } = library()
    let n = 0
    const load = ({ skip }: { skip(): void }) => {
      skip()
      return Promise.resolve(++n)
    }
    const all = await Promise.all(Array.from({ length: 5 }, () => cache.getOrSet('k', load)))
    expect(new Set(all)).toEqual(new Set([1, 2, 3, 4, 5]))
    expect(cache.stats().waiting).toBe(0)
  })

  test('no more than maxWaiting callers may wait for loads', async () => {
    const cache = createCache({ clock: new FakeClock(), limits: { maxWaiting: 3 } })
    const { load, open } = gated<number>()
    const all = Array.from({ length: 3 }, () => cache.getOrSet('k', load))
    await expect(cache.getOrSet('k', load)).rejects.toMatchObject({ code: 'overloaded' })
    open[0]?.resolve(7)
    expect(await Promise.all(all)).toEqual([7, 7, 7])
  })

  test.each([
    ['later', true],
    ['at once', false],
  ])('a store that answers %s is asked once', async (_, isLater) => {
    const kept = memoryStore({ maxBytes: '1MiB' })
    const get = vi.fn((key: string) => (isLater ? Promise.resolve(kept.get(key)) : kept.get(key)))
    const cache = createCache({ clock: new FakeClock(), store: { ...kept, get } })
    await cache.getOrSet('k', () => 1)
    expect(await cache.getOrSet('k', () => 2)).toBe(1)
    expect(get).toHaveBeenCalledTimes(2)
  })

  test.each([undefined, null, 0, '', false])('%j is a value like any other and is cached', async (value) => {
    const { cache } = library()
    const load = vi.fn(() => value)
    await cache.getOrSet('k', load)
    expect(await cache.getOrSet('k', load)).toBe(value)
    expect(load).toHaveBeenCalledTimes(1)
    expect(await cache.has('k')).toBe(true)
  })

  test('past its ttl a value is loaded again', async () => {
    const { cache, clock } = library()
    let n = 0
    const ask = () => cache.getOrSet('k', () => ++n, { ttl: '5s' })
    expect(await ask()).toBe(1)
    await clock.advance(4_999)
    expect(await ask()).toBe(1)
    await clock.advance(1)
    expect(await ask()).toBe(2)
  })

  test('what the loader throws reaches every caller unchanged, and is shared for 250 ms', async () => {
    const { cache, clock } = library()
    const problem = new Error('database is down')
    const load = vi.fn(() => Promise.reject(problem))
    const all = await Promise.allSettled([cache.getOrSet('k', load), cache.getOrSet('k', load)])
    expect(all.map((each) => each.status === 'rejected' && each.reason === problem)).toEqual([true, true])
    await expect(cache.getOrSet('k', load)).rejects.toBe(problem)
    expect(load).toHaveBeenCalledTimes(1)
    await clock.advance(250)
    expect(await cache.getOrSet('k', () => 'well again')).toBe('well again')
  })

  test('within grace the old value is returned when the load fails', async () => {
    const { cache, clock } = library()
    const options = { ttl: '5s', grace: '1h' }
    await cache.getOrSet('k', () => 'old', options)
    await clock.advance(6_000)
    expect(await cache.getOrSet('k', () => Promise.reject(new Error('down')), options)).toBe('old')
  })

  test('after softTimeout the old value is returned and the load goes on', async () => {
    const { cache, clock } = library()
    const options = { ttl: '5s', grace: '1h', softTimeout: '200ms' }
    await cache.getOrSet('k', () => 'old', options)
    await clock.advance(6_000)
    const { load, open } = gated<string>()
    const slow = cache.getOrSet('k', load, options)
    await clock.advance(200)
    expect(await slow).toBe('old')
    open[0]?.resolve('new')
    await settle()
    expect(await cache.get('k')).toBe('new')
  })

  test('softTimeout bounds the whole wait of a caller that waited for a load that skips, then loads for itself', async () => {
    const { cache, clock } = library({ ttl: '1m', grace: '1h', softTimeout: 200 })
    await cache.set('k', 'old')
    await clock.advance(61_000)
    const gate = Promise.withResolvers<void>()
    const first = cache.getOrSet('k', async ({ skip }) => {
      await gate.promise
      skip()
      return 'own'
    })
    const second = cache.getOrSet('k', () => new Promise<string>(() => {}))
    const answered = vi.fn()
    void second.then(answered)
    await clock.advance(150)
    gate.resolve()
    expect(await first).toBe('own')
    await clock.advance(50)
    expect(answered).toHaveBeenCalledExactlyOnceWith('old')
  })

  test('a caller that got the old value after softTimeout no longer counts as waiting', async () => {
    const { cache, clock } = library()
    const options = { ttl: '5s', grace: '1h', softTimeout: '200ms' }
    await cache.getOrSet('k', () => 'old', options)
    await clock.advance(6_000)
    const { load, open } = gated<string>()
    const all = [cache.getOrSet('k', load, options), cache.getOrSet('k', load, options)]
    await settle()
    expect(cache.stats().waiting).toBe(2)
    await clock.advance(200)
    expect(await Promise.all(all)).toEqual(['old', 'old'])
    expect(cache.stats().waiting).toBe(0)
    open[0]?.resolve('new')
    await settle()
    expect(cache.stats().waiting).toBe(0)
  })

  test('softTimeout 0s of a call returns the old value at once, also when set() stored it', async () => {
    const { cache, clock } = library()
    await cache.set('k', 'old', { ttl: '5s', grace: '1h' })
    await clock.advance(6_000)
    const { load, open } = gated<string>()
    expect(await cache.getOrSet('k', load, { ttl: '5s', grace: '1h', softTimeout: '0s' })).toBe('old')
    open[0]?.resolve('new')
    await settle()
    expect(await cache.get('k')).toBe('new')
  })

  test('softTimeout of a call overrides that with which the value was stored', async () => {
    const { cache, clock } = library({ ttl: '5s', grace: '1h', softTimeout: '0s' })
    await cache.set('k', 'old')
    await cache.set('l', 'old')
    await clock.advance(6_000)
    const { load, open } = gated<string>()
    const soon = cache.getOrSet('k', load, { softTimeout: '200ms' })
    const late = cache.getOrSet('l', load, { softTimeout: '200ms' })
    await settle()
    open[0]?.resolve('new')
    await settle()
    await clock.advance(200)
    expect([await soon, await late]).toEqual(['new', 'old'])
  })

  test('a softTimeout above 0 is not kept with the value: a call that passes none waits for the load', async () => {
    const { cache, clock } = library()
    await cache.getOrSet('k', () => 'old', { ttl: '5s', grace: '1h', softTimeout: '200ms' })
    await clock.advance(6_000)
    const { load, open } = gated<string>()
    const waiting = cache.getOrSet('k', load)
    await clock.advance(300)
    open[0]?.resolve('new')
    expect(await waiting).toBe('new')
  })

  test.each([0, 1, 2, -0.5, Number.NaN])('refreshAhead %d is refused', async (refreshAhead) => {
    const { cache } = library()
    const message = `expected a number above 0 and below 1, such as 0.8, got ${refreshAhead}`
    await expect(cache.getOrSet('k', () => 1, { refreshAhead })).rejects.toThrow(new RangeError(message))
    await expect(cache.set('k', 1, { refreshAhead })).rejects.toThrow(RangeError)
    const tooLate = cache.getOrSet('k', ({ setOptions }) => setOptions({ refreshAhead }))
    await expect(tooLate).rejects.toThrow(RangeError)
  })

  test('refreshAhead loads in the background after a hit', async () => {
    const { cache, clock } = library()
    const options = { ttl: '10s', refreshAhead: 0.5 }
    let n = 0
    const ask = () => cache.getOrSet('k', () => ++n, options)
    await ask()
    await clock.advance(6_000)
    expect(await ask()).toBe(1)
    await settle()
    expect(await ask()).toBe(2)
  })

  test('forceFresh loads although a fresh value is stored', async () => {
    const { cache } = library()
    await cache.getOrSet('k', () => 'old')
    expect(await cache.getOrSet('k', () => 'new', { forceFresh: true })).toBe('new')
    expect(await cache.get('k')).toBe('new')
  })

  test('a loader may set lifetime and tags, see the old value, and keep its value out of the cache', async () => {
    const { cache, clock } = library({ ttl: '1h' })
    await cache.getOrSet('k', ({ setOptions }) => (setOptions({ ttl: '1s', tags: ['t'] }), 'v1'))
    await clock.advance(1_000)
    expect(await cache.getOrSet('k', ({ setOptions, stale }) => (setOptions({ tags: ['t'] }), `after ${stale}`))).toBe(
      'after undefined',
    )
    await cache.purge({ tags: ['t'] })
    expect(await cache.get('k')).toBeUndefined()
    expect(await cache.getOrSet('s', ({ skip }) => (skip(), 'mine'))).toBe('mine')
    expect(await cache.has('s')).toBe(false)
  })

  test.each<[unknown, string]>([
    ['soon', '"soon"'],
    [-1, '-1'],
    [null, 'null'],
    [5n, '5'],
  ])('an invalid duration is refused: %s', async (given, shown) => {
    const { cache } = library()
    const message = new RangeError(`expected a duration such as 250ms, 30s, 5m, 1h or 7d, got ${shown}`)
    await expect(cache.getOrSet('k', () => 1, { ttl: given as string })).rejects.toThrow(message)
  })
})

describe('races', () => {
  test('a value set during a load is not replaced by it', async () => {
    const { cache } = library()
    const { load, open } = gated<string>()
    const slow = cache.getOrSet('k', load)
    await settle()
    await cache.set('k', 'set meanwhile')
    open[0]?.resolve('loaded')
    expect(await slow).toBe('loaded')
    expect(await cache.get('k')).toBe('set meanwhile')
  })

  test('a caller after a purge does not get a value whose load began before it', async () => {
    const { cache } = library()
    const { load, open } = gated<string>()
    const before = cache.getOrSet('k', load, { tags: ['t'] })
    await settle()
    await cache.purge({ tags: ['t'] })
    const after = cache.getOrSet('k', load, { tags: ['t'] })
    await settle()
    open[0]?.resolve('old')
    await settle()
    open[1]?.resolve('new')
    expect([await before, await after]).toEqual(['old', 'new'])
    expect(await cache.get('k')).toBe('new')
  })

  test.each(['delete', 'purge by tag', 'clear'])('%s during a load: its value is not stored', async (how) => {
    const { cache } = library()
    const { load, open } = gated<string>()
    const slow = cache.getOrSet('k', load, { tags: ['t'] })
    await settle()
    if (how === 'delete') await cache.delete('k')
    else if (how === 'clear') await cache.clear()
    else await cache.purge({ tags: ['t'] })
    open[0]?.resolve('old')
    expect(await slow).toBe('old')
    expect(await cache.get('k')).toBeUndefined()
  })

  test('a value set during a load that then skips is kept', async () => {
    const cache = createCache()
    const gate = Promise.withResolvers<void>()
    const skipping = cache.getOrSet('k', async ({ skip }) => {
      await gate.promise
      skip()
      return 'mine'
    })
    await settle()
    await cache.set('k', 'new')
    gate.resolve()
    await skipping
    expect(await cache.get('k')).toBe('new')
  })

  test('a value set during a load of an unshareable key is kept', async () => {
    const { cache } = library()
    await cache.getOrSet('k', ({ skip }) => skip())
    const gate = Promise.withResolvers<void>()
    const alone = cache.getOrSet('k', async () => {
      await gate.promise
      return 'old'
    })
    await settle()
    await cache.set('k', 'new')
    gate.resolve()
    expect(await alone).toBe('old')
    expect(await cache.get('k')).toBe('new')
    await cache.delete('k')
    expect(await cache.getOrSet('k', () => 'newer')).toBe('newer')
    expect(await cache.get('k')).toBe('newer')
  })
})

describe('single and many', () => {
  test('get, set, has, delete', async () => {
    const { cache, clock } = library()
    expect(await cache.get('k')).toBeUndefined()
    await cache.set('k', 1, { ttl: '1s' })
    expect([await cache.get('k'), await cache.has('k')]).toEqual([1, true])
    await clock.advance(1_000)
    expect([await cache.get('k'), await cache.has('k')]).toEqual([undefined, false])
    await cache.set('k', 2)
    expect([await cache.delete('k'), await cache.delete('k'), await cache.get('k')]).toEqual([true, false, undefined])
  })

  describe.each<[string, (cache: Cache) => Values]>([
    ['the cache', (cache) => cache],
    ['a namespace', (cache) => cache.namespace('users')],
  ])('%s', (_, of) => {
    test.each<unknown>([7, undefined, null, Symbol('k'), ['k'], { id: 1 }])(
      'a key that is not a string rejects, and nothing is stored: %o',
      async (given) => {
        const { cache } = library()
        const values = of(cache)
        const key = given as string
        const load = vi.fn(() => 1)
        const calls = [
          () => values.getOrSet(key, load),
          () => values.getOrSet(key, load, { forceFresh: true }),
          () => values.get(key),
          () => values.set(key, 1),
          () => values.has(key),
          () => values.delete(key),
          () => values.getMany(['k', key]),
          () => values.setMany([{ key, value: 1 }]),
          () => values.deleteMany(['k', key]),
        ]
        for (const call of calls) {
          await expect(call()).rejects.toThrow(new TypeError(`expected a string as key, got ${typeof given}`))
        }
        expect(load).not.toHaveBeenCalled()
        expect(cache.stats()).toMatchObject({ tiers: [{ bytes: 0, objects: 0 }], log: { position: 0 } })
      },
    )

    test.each<unknown>([undefined, null, 'keys', new Set(['k'])])(
      'an argument that is not a list rejects: %o',
      async (given) => {
        const { cache } = library()
        const values = of(cache)
        const keys = given as string[]
        await expect(values.getMany(keys)).rejects.toThrow('expected a list of keys')
        await expect(values.deleteMany(keys)).rejects.toThrow('expected a list of keys')
        const entries = given as { key: string; value: unknown }[]
        await expect(values.setMany(entries)).rejects.toThrow('expected a list of entries')
        await expect(values.setMany([entries as never])).rejects.toThrow(/^expected an? (object|string) as/)
      },
    )
  })

  test.each<unknown>(['users', [7], [undefined], new Set(['t'])])(
    'tags that are not a list of strings reject: %o',
    async (given) => {
      const { cache } = library()
      const tags = given as string[]
      const message = new TypeError('expected tags as a list of strings')
      await expect(cache.set('k', 1, { tags })).rejects.toThrow(message)
      await expect(cache.getOrSet('k', () => 1, { tags })).rejects.toThrow(message)
      await expect(cache.getOrSet('l', ({ setOptions }) => setOptions({ tags }))).rejects.toThrow(message)
      expect(cache.stats().tiers[0]?.bytes).toBe(0)
    },
  )

  test('a value with an empty tag, which no purge may name, is not stored', async () => {
    const { cache } = library()
    const tags = ['users', '']
    const message = new RangeError('expected tags that are not empty')
    await expect(cache.set('k', 1, { tags })).rejects.toThrow(message)
    await expect(cache.setMany([{ key: 'k', value: 1, tags }])).rejects.toThrow(message)
    await expect(cache.getOrSet('k', () => 1, { tags })).rejects.toThrow(message)
    await expect(cache.getOrSet('l', ({ setOptions }) => setOptions({ tags }))).rejects.toThrow(message)
    expect(cache.stats().tiers[0]?.bytes).toBe(0)
  })

  test.each<[string, object]>([
    [
      'a getter',
      {
        get late(): never {
          throw new Error('not yet')
        },
      },
    ],
    [
      'a proxy',
      new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('not yet')
          },
        },
      ),
    ],
  ])('a value that cannot be inspected because of %s is cached like any other', async (_, value) => {
    const { cache } = library()
    const load = vi.fn(() => ({ value }))
    for (const asked of [cache.getOrSet('k', load), cache.getOrSet('k', load)]) expect((await asked).value).toBe(value)
    expect(load).toHaveBeenCalledTimes(1)
    await cache.set('l', value)
    expect(await cache.get('l')).toBe(value)
    expect(cache.stats().tiers[0]?.bytes).toBeGreaterThan(1_000)
  })

  test('getMany, setMany, deleteMany keep the order of the keys', async () => {
    const { cache } = library()
    await cache.setMany([
      { key: 'a', value: 1, tags: ['odd'] },
      { key: 'b', value: 2, ttl: '1h' },
    ])
    expect(await cache.getMany(['b', 'x', 'a'])).toEqual([2, undefined, 1])
    await cache.purge({ tags: ['odd'] })
    const { position } = cache.stats().log
    expect(await cache.deleteMany([])).toBe(0)
    expect(cache.stats().log.position).toBe(position)
    expect(await cache.deleteMany(['a', 'b', 'x'])).toBe(1)
  })

  test('deleteMany removes what it was given, even if the list of keys is emptied meanwhile', async () => {
    const { cache } = library()
    await cache.setMany([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ])
    const keys = ['a', 'b']
    const deleted = cache.deleteMany(keys)
    keys.length = 0
    expect(await deleted).toBe(2)
    expect(await cache.getMany(['a', 'b'])).toEqual([undefined, undefined])
  })

  test('a value whose grace ends before the load fails is not returned', async () => {
    const { cache, clock } = library({ ttl: '5s', grace: '10s' })
    await cache.set('k', 'old')
    await clock.advance(14_000)
    const loading = Promise.withResolvers<string>()
    const asked = cache.getOrSet('k', () => loading.promise)
    await clock.advance(2_000)
    loading.reject(new Error('down'))
    await expect(asked).rejects.toThrow('down')
  })

  describe('the grace of a call bounds how stale a value it accepts', () => {
    const down = () => Promise.reject(new Error('down'))

    test.each<[string, string | number, 'old' | undefined]>([
      ['none', 0, undefined],
      ['too short', '1m', undefined],
      ['as long as it has to be', '3m', 'old'],
      ['longer than that of the value', '9h', 'old'],
    ])('%s', async (_, grace, expected) => {
      const { cache, clock } = library({ grace: '5m' })
      await cache.set('k', 'old', { ttl: '1m', grace: '1h' })
      await clock.advance(180_000)
      const asked = cache.getOrSet('k', down, { ttl: '1m', grace })
      if (expected === undefined) await expect(asked).rejects.toThrow('down')
      else expect(await asked).toBe(expected)
    })

    test('and does not extend the grace of the value', async () => {
      const { cache, clock } = library()
      await cache.set('k', 'old', { ttl: '1m', grace: '5m' })
      await clock.advance(360_001)
      await expect(cache.getOrSet('k', down, { grace: '1h' })).rejects.toThrow('down')
    })

    test.each([
      ['of the call', {}, '1h'],
      ['by default', { grace: '1h' }, undefined],
    ])('nor gives one to an invalidated value that has none: %s', async (_, defaults, grace) => {
      const { cache } = library(defaults)
      await cache.set('k', 'old', { ttl: '1h', grace: 0 })
      await cache.invalidate({ keys: ['k'] })
      await expect(cache.getOrSet('k', down, { grace })).rejects.toThrow('down')
    })

    test('but a default grace does not: then that of the value counts', async () => {
      const { cache, clock } = library({ ttl: '1m', grace: '1s' })
      await cache.set('k', 'old', { grace: '1h' })
      await clock.advance(180_000)
      expect(await cache.getOrSet('k', down)).toBe('old')
      expect(await cache.getOrSet('k', down, { grace: undefined, ttl: '1m' })).toBe('old')
    })

    test.each([
      ['of the call', undefined, '0s'],
      ['of the value', '0s', undefined],
    ])('so the call waits for the load, though softTimeout %s would return at once', async (_, ofValue, ofCall) => {
      const { cache, clock } = library()
      await cache.set('k', 'old', { ttl: '1m', grace: '1h', ...(ofValue && { softTimeout: ofValue }) })
      await clock.advance(180_000)
      const options = { grace: '1m', ...(ofCall && { softTimeout: ofCall }) }
      expect(await cache.getOrSet('k', () => 'new', options)).toBe('new')
    })

    test('so the call waits for a slow load', async () => {
      const { cache, clock } = library()
      const { load, open } = gated<string>()
      await cache.set('k', 'old', { ttl: '1m', grace: '1h' })
      await clock.advance(180_000)
      const asked = cache.getOrSet('k', load, { grace: 0, softTimeout: '200ms' })
      const other = cache.getOrSet('k', load, { softTimeout: '200ms' })
      await clock.advance(201)
      expect(await other).toBe('old')
      open[0]?.resolve('new')
      expect(await asked).toBe('new')
    })

    test('so a call without grace does not accept an invalidated value', async () => {
      const { cache } = library()
      await cache.set('k', 'old', { ttl: '1h', grace: '1h' })
      await cache.invalidate({ keys: ['k'] })
      await expect(cache.getOrSet('k', down, { grace: 0 })).rejects.toThrow('down')
    })
  })

  test('invalidate makes the next use load, and keeps the old value for a load that fails', async () => {
    const { cache } = library()
    const options = { ttl: '1h', grace: '1h', tags: ['t'] }
    await cache.getOrSet('k', () => 'old', options)
    await cache.invalidate({ keys: ['k'] })
    expect(await cache.getOrSet('k', () => Promise.reject(new Error('down')), options)).toBe('old')
    await cache.invalidate({ tags: ['t'] })
    expect(await cache.get('k')).toBeUndefined()
  })

  test.each(['fresh', 'stale', 'none'])(
    'invalid options reject and do not throw, whatever is stored: %s',
    async (there) => {
      const { cache, clock } = library()
      const options = { ttl: '1s', grace: '1h' }
      if (there !== 'none') await cache.set('k', 'stored', options)
      if (there === 'stale') await clock.advance(1_001)
      const forced = { ttl: 'soon', forceFresh: there === 'fresh' }
      await expect(cache.getOrSet('k', () => 'loaded', forced)).rejects.toThrow('a duration')
      await expect(cache.set('k', 'v', { ttl: 'soon' })).rejects.toThrow('a duration')
    },
  )

  test.each<[unknown, string]>([
    [60_000, 'expected an object as options'],
    ['5m', 'expected an object as options'],
    [null, 'expected an object as options'],
    [{ TTL: '5m' }, 'as option, got "TTL"'],
    [{ ttl: '5m', tag: ['users'] }, 'as option, got "tag"'],
    [['5m'], 'as option, got "0"'],
  ])('options that are no object or name unknown options reject, and nothing is stored: %j', async (given, message) => {
    const { cache } = library()
    const options = given as { ttl: string }
    const calls = [
      () => cache.set('k', 1, options),
      () => cache.getOrSet('k', () => 1, options),
      () => cache.getOrSet('k', ({ setOptions }) => setOptions(options)),
      () => cache.namespace('n').set('k', 1, options),
    ]
    if (given !== null && typeof given === 'object')
      calls.push(() => cache.setMany([{ ...options, key: 'k', value: 1 }]))
    for (const call of calls) await expect(call()).rejects.toThrow(message)
    expect(cache.stats().tiers[0]?.objects).toBe(0)
  })

  test.each<unknown>([1, 'true', null])('forceFresh: %j rejects, also where a fresh value is stored', async (given) => {
    const { cache } = library()
    const forceFresh = given as boolean
    const load = vi.fn(() => 'loaded')
    await cache.set('k', 'stored')
    for (const key of ['k', 'l']) {
      await expect(cache.getOrSet(key, load, { forceFresh })).rejects.toThrow('expected true or false as forceFresh')
    }
    expect(load).not.toHaveBeenCalled()
  })

  test('options may be shared by calls, have no prototype, or inherit properties', async () => {
    const { cache } = library()
    const options = Object.assign(Object.create(null), { ttl: '1m', forceFresh: true, softTimeout: undefined })
    await cache.getOrSet('k', () => 1, options)
    await cache.set('l', 1, options)
    await cache.set('m', 1, Object.assign(Object.create({ given: 'to all' }), { ttl: '1m' }))
    expect(await cache.getMany(['k', 'l', 'm'])).toEqual([1, 1, 1])
  })

  test.each<[string, (cache: Cache, tags: string[]) => Promise<unknown>]>([
    ['set', (cache, tags) => cache.set('k', 1, { tags })],
    ['getOrSet', (cache, tags) => cache.getOrSet('k', () => 1, { tags })],
    ['setOptions', (cache, tags) => cache.getOrSet('k', ({ setOptions }) => (setOptions({ tags }), 1))],
  ])('after %s, changing the list of tags does not change the tags of the value', async (_, put) => {
    const { cache } = library()
    const tags = ['t']
    await put(cache, tags)
    tags[0] = 'another'
    await cache.purge({ tags: ['another'] })
    expect(await cache.get('k')).toBe(1)
    await cache.purge({ tags: ['t'] })
    expect(await cache.get('k')).toBeUndefined()
  })

  test('a namespace has its own keys and is cleared alone', async () => {
    const { cache } = library()
    const users = cache.namespace('users')
    await users.set('1', 'ada')
    await cache.set('1', 'one')
    expect([await users.get('1'), await cache.get('users/1'), await cache.get('1')]).toEqual(['ada', 'ada', 'one'])
    await users.clear()
    expect([await users.get('1'), await cache.get('1')]).toEqual([undefined, 'one'])
  })

  test('clearing a namespace also removes the key that is its name, alone or before "?", and no other key', async () => {
    const { cache } = library()
    const keys = ['users', 'users?page=2', 'users/1', 'users2', 'other/users']
    await cache.setMany(keys.map((key) => ({ key, value: key })))
    await cache.namespace('users').clear()
    expect(await cache.getMany(keys)).toEqual([undefined, undefined, undefined, 'users2', 'other/users'])
  })

  test.each(['fresh', 'stale'])('a load that skips leaves the stored %s value', async (age) => {
    const { cache, clock } = library({ ttl: '1m', grace: '1h' })
    await cache.set('k', 'stored')
    if (age === 'stale') await clock.advance(61_000)
    const own = cache.getOrSet('k', ({ skip }) => (skip(), 'own'), { forceFresh: age === 'fresh' })
    expect(await own).toBe('own')
    await clock.advance(6_000)
    const failing = () => Promise.reject(new Error('down'))
    expect(await cache.getOrSet('k', failing)).toBe('stored')
  })

  test.each(['1h', undefined])(
    'an invalidated value with its own grace is returned when the load fails: ttl %s',
    async (ttl) => {
      const { cache } = library()
      await cache.set('k', 'old', { grace: '1h', ...(ttl !== undefined && { ttl }) })
      await cache.invalidate({ keys: ['k'] })
      expect(await cache.getOrSet('k', () => Promise.reject(new Error('down')))).toBe('old')
    },
  )

  test('an invalidated value without grace is not returned when the load fails', async () => {
    const { cache } = library()
    for (const ttl of ['1h', undefined]) {
      await cache.set('k', 'old', ttl === undefined ? {} : { ttl })
      await cache.invalidate({ keys: ['k'] })
      await expect(cache.getOrSet('k', () => Promise.reject(new Error('down')))).rejects.toThrow('down')
      await cache.delete('k')
    }
  })

  test('what a load throws reaches the caller unchanged, whatever it is', async () => {
    const { cache } = library()
    const own = new HerdgateError('not_logged', 'of an inner purge', { cause: new Error('of that') })
    for (const [at, thrown] of [own, new Error('plain'), undefined, 'text'].entries()) {
      const caught = await cache.getOrSet(`k${at}`, () => Promise.reject(thrown)).catch((error: unknown) => ({ error }))
      expect(caught).toEqual({ error: thrown })
      if (at === 0) expect(caught).toHaveProperty('error', own)
    }
  })

  test.each<[string, () => unknown]>([
    ['an object without a prototype', () => Object.create(null)],
    ['an object whose text is an error', () => ({ toString: () => fail() })],
    ['an error whose message is an error', () => Object.defineProperty(new Error(''), 'message', { get: fail })],
    ['a proxy that is revoked', revoked],
  ])('a load that throws %s rejects with just that, and the next call loads', async (_, make) => {
    const { cache, clock } = library()
    const thrown = make()
    const failing = () => Promise.reject(thrown)
    const all = await Promise.allSettled([cache.getOrSet('k', failing), cache.getOrSet('k', failing)])
    for (const settled of all) expect(settled.status === 'rejected' && settled.reason === thrown).toBe(true)
    await clock.advance(6_000)
    expect(cache.stats()).toMatchObject({ waiting: 0, inFlight: 0 })
    expect(await cache.getOrSet('k', () => 'loaded')).toBe('loaded')
  })

  test.each([Number.NaN, -1, undefined])(
    'a sizeOf that returns %s is an error, and nothing is stored',
    async (size) => {
      const cache = createCache({ sizeOf: () => size as number })
      await expect(cache.set('k', 1)).rejects.toThrow(RangeError)
      await expect(cache.getOrSet('k', () => 1)).rejects.toThrow(RangeError)
      expect(cache.stats().tiers[0]?.bytes).toBe(0)
    },
  )

  test.each(['', 'a?b', 'a/', '/a', '/', '?'])(
    'a namespace cannot be named %j, as its clear would not find it',
    (name) => {
      expect(() => library().cache.namespace(name)).toThrow(RangeError)
    },
  )

  test.each(['a', 'a/b', 'a b', 'ä'])('a namespace named %j is cleared', async (name) => {
    const { cache } = library()
    const named = cache.namespace(name)
    await named.set('k?x/y', 1)
    await named.clear()
    expect(await named.get('k?x/y')).toBeUndefined()
  })

  test('stats counts the load time that hits have saved', async () => {
    const { cache, clock } = library()
    const { load, open } = gated<number>()
    const loading = cache.getOrSet('k', load)
    await clock.advance(300)
    open[0]?.resolve(7)
    await loading
    expect(cache.stats().originTimeSavedMs).toBe(0)
    await cache.getOrSet('k', load)
    await cache.get('k')
    expect(cache.stats()).toMatchObject({ originRequests: 1, originTimeSavedMs: 600, requests: { hit: 2, miss: 1 } })
  })

  test.each<[string, (controls: { skip: () => void }) => unknown]>([
    ['fails', fail],
    ['is for its caller alone', ({ skip }) => skip()],
    ['brings a value', () => 1],
  ])('a load that %s is in flight until it ends, and not while its failure is shared', async (_, end) => {
    const { cache, clock } = library()
    await cache.set('k', 'old', { ttl: '1s', grace: '1h' })
    await clock.advance(1_001)
    const gate = Promise.withResolvers<void>()
    const asked = cache.getOrSet('k', async (controls) => (await gate.promise, end(controls)))
    await settle()
    expect(cache.stats().inFlight).toBe(1)
    gate.resolve()
    await asked.catch(() => {})
    expect(cache.stats().inFlight).toBe(0)
    await clock.advance(6_000)
    expect(cache.stats().inFlight).toBe(0)
  })

  test('loads that fail are counted like those that give a value, whether they reject or throw', async () => {
    const { cache } = library()
    const failing = [() => Promise.reject(new Error('down')), fail]
    for (const [at, load] of failing.entries()) await expect(cache.getOrSet(`k${at}`, load)).rejects.toThrow()
    await cache.getOrSet('k', () => 1)
    expect(cache.stats()).toMatchObject({ originRequests: 3, requests: { error: 2, miss: 1 } })
  })

  test('a delete counts neither as a hit nor as load time saved', async () => {
    const { cache, clock } = library()
    const { load, open } = gated<number>()
    const loading = cache.getOrSet('k', load)
    await clock.advance(300)
    open[0]?.resolve(7)
    await loading
    await cache.set('l', 8)
    expect([await cache.delete('k'), await cache.delete('k'), await cache.deleteMany(['k', 'l'])]).toEqual([
      true,
      false,
      1,
    ])
    expect(cache.stats()).toMatchObject({ requests: { hit: 0, miss: 1 }, hitRatio: 0, originTimeSavedMs: 0 })
  })

  test('stats counts hits and misses', async () => {
    const { cache } = library()
    await cache.getOrSet('k', () => 1)
    await cache.getOrSet('k', () => 1)
    await cache.get('k')
    expect(cache.stats()).toMatchObject({ requests: { hit: 2, miss: 1 }, hitRatio: 2 / 3, inFlight: 0 })
  })
})

test.each<[unknown, string]>([
  [undefined, 'got undefined'],
  ['value', 'got "value"'],
  [Promise.resolve(1), 'got an object'],
])('a loader that is not a function is refused and fails no other caller: %j', async (given, message) => {
  const { cache } = library()
  const wrong = cache.getOrSet('k', given as () => number)
  const right = cache.getOrSet('k', () => 1)
  await expect(wrong).rejects.toThrow(`expected a function that loads, ${message}`)
  expect(await right).toBe(1)
  expect(cache.stats()).toMatchObject({ originRequests: 1, requests: { error: 0, miss: 1 } })
})

test('listeners that throw affect neither calls nor the limit of the store', async () => {
  const later = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => {})
  const events = new Events()
  for (const name of ['collapse', 'eviction', 'purge', 'revalidation', 'store'] as const) events.on(name, fail)
  const clock = new FakeClock()
  const cache = createCache({ clock, events, store: memoryStore({ maxBytes: '64KiB', events }) })
  const options = { ttl: '1s', grace: '1h', softTimeout: '0s' }
  expect(await Promise.all([cache.getOrSet('k', () => 1, options), cache.getOrSet('k', () => 2)])).toEqual([1, 1])
  await clock.advance(1_001)
  expect(await cache.getOrSet('k', () => 2, options)).toBe(1)
  await settle()
  expect(await cache.get('k')).toBe(2)
  await cache.purge({ keys: ['k'] })
  for (let at = 0; at < 200; at++) await cache.set(`k${at}`, 'x'.repeat(1_000))
  expect(cache.stats().tiers[0]?.objects).toBeLessThan(60)
  expect(later).toHaveBeenCalled()
  later.mockRestore()
})

test('a fractional size does not hang the caller', async () => {
  const cache = createCache({ sizeOf: () => 0.5 })
  expect(await cache.getOrSet('k', () => 1)).toBe(1)
})

test('a refused setMany does not affect a load in progress', async () => {
  const { cache } = library()
  const { load, open } = gated<string>()
  const loading = cache.getOrSet('a', load)
  const entries = [
    { key: 'a', value: 'set' },
    { key: 5 as unknown as string, value: 'set' },
  ]
  await expect(cache.setMany(entries)).rejects.toThrow(TypeError)
  open[0]?.resolve('loaded')
  await loading
  expect(await cache.get('a')).toBe('loaded')
})
