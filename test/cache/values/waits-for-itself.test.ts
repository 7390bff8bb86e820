import { describe, expect, test, vi } from 'vitest'
import { createCache } from '../../../src/library/embed.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import { sharedLeases } from '../../support/shared-leases.ts'

const WAITS_FOR_ITSELF = 'the load of "k" waits for itself: something it waits for asks for the same key'

function library(options = {}) {
  const clock = new FakeClock()
  return { clock, cache: createCache({ clock, ...options }) }
}

describe('a load that waits for itself', () => {
  test.each([
    ['at once', undefined, {}],
    ['later', Promise.resolve(), {}],
    ['by force', undefined, { forceFresh: true }],
  ])('%s: it is told after a second, and so is who called', async (_, before, options) => {
    const { cache, clock } = library()
    const load = vi.fn(async (): Promise<unknown> => {
      await before
      return cache.getOrSet('k', load, options)
    })
    const asked = cache.getOrSet('k', load)
    const outcome = expect(asked).rejects.toThrow(WAITS_FOR_ITSELF)
    await settle()
    await clock.advance(1_000)
    await outcome
    expect(load).toHaveBeenCalledTimes(1)
    expect(cache.stats().waiting).toBe(0)
  })

  test('by way of another key', async () => {
    const { cache, clock } = library()
    const load = (): Promise<unknown> => cache.getOrSet('other', () => cache.getOrSet('k', load))
    const outcome = expect(cache.getOrSet('k', load)).rejects.toThrow(WAITS_FOR_ITSELF)
    await settle()
    await clock.advance(1_000)
    await outcome
  })

  test('by way of another load that waits for it', async () => {
    const { cache, clock } = library()
    const gate = Promise.withResolvers<void>()
    const loadOf = (key: string) => async (): Promise<unknown> => {
      await gate.promise
      return cache.getOrSet(key, () => 'loaded by nobody')
    }
    const both = Promise.allSettled([cache.getOrSet('k', loadOf('l')), cache.getOrSet('l', loadOf('k'))])
    await settle()
    gate.resolve()
    await settle()
    await clock.advance(1_000)
    expect(await both).toEqual([
      { status: 'rejected', reason: new Error(WAITS_FOR_ITSELF) },
      { status: 'rejected', reason: new Error(WAITS_FOR_ITSELF) },
    ])
  })

  test('where a lease is waited for before', async () => {
    const { cache, clock } = library({ sharing: { leases: sharedLeases(), maxObjectBytes: 1_000 } })
    const load = (): Promise<unknown> => cache.getOrSet('k', load)
    const outcome = expect(cache.getOrSet('k', load)).rejects.toThrow(WAITS_FOR_ITSELF)
    await settle()
    await clock.advance(1_000)
    await outcome
  })

  test('gets the value before, where there is one within grace', async () => {
    const { cache, clock } = library({ defaults: { ttl: '1s', grace: '1h' } })
    await cache.set('k', 'before')
    await clock.advance(1_500)
    const load = (): Promise<unknown> => cache.getOrSet('k', load)
    const asked = cache.getOrSet('k', load)
    await settle()
    await clock.advance(1_000)
    expect(await asked).toBe('before')
  })
})

test('a load that waits for itself no longer than its soft timeout gets the value before by then', async () => {
  const { cache, clock } = library({ defaults: { ttl: '1s', grace: '1h', softTimeout: '200ms' } })
  await cache.set('k', 'before')
  await clock.advance(1_500)
  const load = async (): Promise<string> => `${await cache.getOrSet('k', load)} and after`
  const asked = cache.getOrSet('k', load)
  await settle()
  await clock.advance(200)
  expect(await asked).toBe('before and after')
})

describe('a load that does not wait for itself', () => {
  test('may ask for its own key', async () => {
    const { cache, clock } = library()
    let inner: Promise<unknown> | undefined
    const gate = Promise.withResolvers<number>()
    const asked = cache.getOrSet('k', async () => {
      inner = cache.getOrSet('k', () => 8)
      return gate.promise
    })
    await settle()
    await clock.advance(999)
    gate.resolve(7)
    expect([await asked, await inner]).toEqual([7, 7])
  })

  test('may be waited for by what another load began, once that has ended', async () => {
    const { cache, clock } = library()
    const gate = Promise.withResolvers<void>()
    let late: Promise<unknown> | undefined
    await cache.getOrSet('k', () => {
      late = gate.promise.then(() => cache.getOrSet('k', () => 8))
      return 7
    })
    await cache.delete('k')
    const slow = Promise.withResolvers<number>()
    const again = cache.getOrSet('k', () => slow.promise)
    gate.resolve()
    await settle()
    await clock.advance(5_000)
    slow.resolve(9)
    expect([await again, await late]).toEqual([9, 9])
  })

  test('may wait for many that wait for the same', async () => {
    const { cache, clock } = library()
    const load = vi.fn(async (n: number): Promise<number> => {
      await Promise.resolve()
      return n < 2 ? n : ((await fibonacci(n - 1)) + (await fibonacci(n - 2))) % 1_000
    })
    const fibonacci = (n: number): Promise<number> => cache.getOrSet(`f${n}`, () => load(n))
    const asked = fibonacci(60)
    await clock.advance(2_000)
    expect(await asked).toBe(920)
    expect(load).toHaveBeenCalledTimes(61)
  })
})
