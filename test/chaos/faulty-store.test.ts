import { describe, expect, test } from 'vitest'
import { damaged } from '../../src/chaos/damage.ts'
import type { ChaosRules } from '../../src/chaos/fate.ts'
import { faultyStore } from '../../src/chaos/faulty-store.ts'
import { Events, type StoreEvent } from '../../src/events.ts'
import type { Kept, Tier } from '../../src/model.ts'
import { encode } from '../../src/stores/codec/codec.ts'
import { memoryStore } from '../../src/stores/memory/store.ts'
import { createTiered } from '../../src/stores/tiered.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FarStore } from '../support/far-store.ts'
import { bodyOf, someStored } from '../stores/some-stored.ts'
import { response, storeContract } from '../stores/store-contract.ts'
import fc from '../support/fast-check.ts'
import { fates } from './rules.ts'

const memory = () => memoryStore({ maxBytes: '64MiB' })

function faulty(given: Partial<ChaosRules>, options: Options = {}) {
  const { tier, deadlineMs, seed } = { tier: 'redis' as const, deadlineMs: 50, seed: 1, ...options }
  const clock = new FakeClock()
  const events = new Events()
  const seen: StoreEvent[] = []
  events.on('store', (event) => seen.push(event))
  const inner = memory()
  const store = faultyStore(inner, { tier, fates: fates(given, clock, seed), clock, events, deadlineMs })
  return { clock, inner, store, seen }
}

interface Options {
  tier?: Tier
  deadlineMs?: number | undefined
  seed?: number
}

storeContract('a store in which nothing goes wrong', () => faulty({}).store)
storeContract('a far store in which nothing goes wrong', () => {
  const clock = new FakeClock()
  return faultyStore(new FarStore(), { tier: 'disk', fates: fates({}, clock), clock, events: new Events() })
})

test('synchronous reads stay synchronous', () => {
  const { store } = faulty({})
  expect(store.set('k', response('x'), 60_000)).toBeUndefined()
  expect(store.get('k')).toMatchObject({ kind: 'response' })
})

describe('a failure', () => {
  test('is unknown for a read, a lost write, and an event for each key', async () => {
    const { store, inner, seen } = faulty({ errorRate: 1 })
    await inner.set('k', response('x'), 60_000)
    expect(await store.get('k')).toBe('unknown')
    expect(await store.getMany(['k', 'l'])).toEqual(['unknown', 'unknown'])
    await store.set('l', response('y'), 60_000)
    await store.setMany([{ key: 'l', stored: response('y'), keepForMs: 60_000 }])
    await store.delete('k')
    await store.deleteMany(['k', 'l'])
    await store.clear()
    expect(await inner.getMany(['k', 'l'])).toMatchObject([{ kind: 'response' }, undefined])
    expect(seen.every(({ tier, outcome }) => tier === 'redis' && outcome === 'error')).toBe(true)
    expect(seen.map(({ op }) => op).join(' ')).toBe('get get get set set delete delete delete delete')
  })
})

describe('a delay', () => {
  test('delays answers, and keeps writes in order', async () => {
    const { store, inner, clock } = faulty({ delay: { min: 20, max: 40 } })
    const writes = [store.set('k', response('old'), 60_000), store.set('k', response('new'), 60_000)]
    expect(bodyOf(known(await inner.get('k')))?.toString()).toBe('new')
    const read = store.get('k')
    const ends = { writes: false, read: false }
    void Promise.all(writes).then(() => (ends.writes = true))
    void Promise.resolve(read).then(() => (ends.read = true))
    await clock.advance(19)
    expect(ends).toEqual({ writes: false, read: false })
    await clock.advance(21)
    expect(ends).toEqual({ writes: true, read: true })
    expect(await read).toMatchObject({ kind: 'response' })
  })

  test('beyond the deadline is a failure at the deadline', async () => {
    const { store, inner, clock, seen } = faulty({ delay: { min: 200, max: 200 } })
    await inner.set('k', response('x'), 60_000)
    const read = store.get('k')
    const write = store.set('l', response('y'), 60_000)
    await clock.advance(50)
    expect(await read).toBe('unknown')
    await write
    expect(await inner.get('l')).toBeUndefined()
    expect(seen.filter(({ outcome }) => outcome === 'error')).toHaveLength(2)
  })

  test('is waited for in full without a deadline', async () => {
    const { store, inner, clock } = faulty({ delay: { min: 200, max: 200 } }, { tier: 'disk', deadlineMs: undefined })
    await inner.set('k', response('x'), 60_000)
    const read = store.get('k')
    await clock.advance(200)
    expect(await read).toMatchObject({ kind: 'response' })
  })
})

describe('a partition', () => {
  const partition = { every: 1_000, for: 300 }

  test('is a black hole until the deadline, and shows as a degraded tier', async () => {
    const { store, inner, clock } = faulty({ partition })
    await inner.set('k', response('x'), 60_000)
    expect(await store.get('k')).toMatchObject({ kind: 'response' })
    expect(store.usage()[0]?.degraded).toBeUndefined()
    await clock.advance(700)
    expect(store.usage()[0]?.degraded).toBe(true)
    let answer: Kept | 'waiting' = 'waiting'
    void Promise.resolve(store.get('k')).then((kept) => (answer = kept))
    await clock.advance(49)
    expect(answer).toBe('waiting')
    await clock.advance(1)
    expect(answer).toBe('unknown')
    await clock.advance(250)
    expect(await store.get('k')).toMatchObject({ kind: 'response' })
  })

  test('fails at once without a deadline', async () => {
    const { store, clock } = faulty({ partition }, { tier: 'disk', deadlineMs: undefined })
    await clock.advance(700)
    expect(store.get('k')).toBe('unknown')
  })
})

describe('corruption', () => {
  const codecs = fc.constantFrom({}, { hmacKey: 'a secret of some length' })

  test('damage anywhere is detected, so that nothing wrong is ever returned', () => {
    const where = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.string(), someStored, where, codecs, (key, stored, where, codec) => {
        fc.pre(encode(key, stored, codec) !== undefined)
        expect(damaged(key, stored, where, codec)).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })

  test('a damaged copy is a miss and an event', async () => {
    const { store, inner, seen } = faulty({ corruption: 1 })
    await inner.set('k', response('x'), 60_000)
    expect(await store.get('k')).toBeUndefined()
    expect(await store.getMany(['none', 'k'])).toEqual([undefined, undefined])
    expect(seen).toHaveLength(2)
  })

  test('content never differs from what was stored, at any rate of corruption, with a memory store in front or without', async () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c'), op: fc.constantFrom('set', 'get', 'getMany') })
    const shares = fc.record({ corruption: fc.constantFrom(0.5, 1), seed: fc.nat(), hasMemory: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), shares, async (steps, { corruption, seed, hasMemory }) => {
        const { store: far, clock } = faulty({ corruption, errorRate: 0.2 }, { seed })
        const store = hasMemory ? createTiered([memory(), far], clock) : far
        const written = new Map<string, Set<string>>()
        for (const [turn, { key, op }] of steps.entries()) {
          if (op === 'set') {
            const text = `${key} as of ${turn}`
            written.set(key, (written.get(key) ?? new Set()).add(text))
            await store.set(key, response(text, { keepUntil: Number.POSITIVE_INFINITY }), 60_000)
          } else {
            const kept = op === 'get' ? await store.get(key) : (await store.getMany([key]))[0]
            const text = bodyOf(known(kept))?.toString()
            if (text !== undefined) expect(written.get(key)).toContain(text)
            if (corruption === 1 && !hasMemory) expect(text).toBeUndefined()
          }
        }
      }),
    )
  })
})

test('whatever fails, nothing rejects, and a result is the stored entry, a miss, or unknown', async () => {
  const share = fc.constantFrom(0, 0.3, 1)
  const delay = fc.constantFrom({ min: 0, max: 0 }, { min: 5, max: 100 })
  const partition = fc.constantFrom(undefined, { every: 100, for: 40 })
  await fc.assert(
    fc.asyncProperty(
      share,
      share,
      delay,
      partition,
      fc.nat(),
      async (errorRate, corruption, delay, partition, seed) => {
        const { store, clock } = faulty({ errorRate, corruption, delay, partition }, { seed })
        const answers = Array.from({ length: 20 }, async (_, turn) => {
          const key = `k${turn % 3}`
          await store.set(key, response(key), 60_000)
          return [key, await store.get(key)] as const
        })
        await clock.advance(1_000)
        for (const [key, kept] of await Promise.all(answers)) {
          const text = bodyOf(known(kept))?.toString()
          if (text === undefined) expect([undefined, 'unknown']).toContain(kept)
          else expect(text).toBe(key)
        }
      },
    ),
    { numRuns: 50 },
  )
})

const known = (kept: Kept) => (kept === 'unknown' ? undefined : kept)
