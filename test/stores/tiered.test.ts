import { describe, expect, test } from 'vitest'
import type { Store, StoredResponse, Tier } from '../../src/model.ts'
import { memoryStore } from '../../src/stores/memory/store.ts'
import { createTiered, tiered } from '../../src/stores/tiered.ts'
import { FakeClock, settle } from '../support/fake-clock.ts'
import { FarStore } from '../support/far-store.ts'
import { response, storeContract } from './store-contract.ts'

storeContract('two memories', () => tiered(memory(), memory()))
storeContract('a memory before a far store', () => tiered(memory(), new FarStore()))
storeContract('three tiers', () => tiered(memory(), memory(), new FarStore()))

const memory = () => memoryStore({ maxBytes: '64MiB' })

function tiers() {
  const clock = new FakeClock()
  const near = memory()
  const far = new FarStore()
  return { clock, near, far, store: createTiered([near, far], clock) }
}

/** Fresh for this many ms from the start of the fake clock. */
const freshFor = (clock: FakeClock, ms: number, body = 'x'): StoredResponse => {
  const until = clock.now() + ms
  return response(body, { freshUntil: until, keepUntil: until + 60_000 })
}

/** A memory store under another tier's name and without `peek`, as remote tiers are. */
const named = (tier: Tier): Store => {
  const { peek: _, ...store } = memory()
  return { ...store, usage: () => store.usage().map((usage) => ({ ...usage, tier })) }
}

describe('peek', () => {
  test('names the nearest tier that holds the key, and copies nothing', async () => {
    const clock = new FakeClock()
    const [near, middle, far] = [memory(), named('disk'), named('redis')]
    const store = createTiered([near, middle, far], clock)
    const peeked = async () => {
      const { kept, tier } = (await store.peek?.('k')) ?? {}
      return [typeof kept === 'object' ? kept.kind : kept, tier]
    }
    expect((await peeked())[0]).toBeUndefined()
    await far.set('k', freshFor(clock, 1000), 61_000)
    expect(await peeked()).toEqual(['response', 'redis'])
    expect([near.get('k'), middle.get('k')]).toEqual([undefined, undefined])
    await store.get('k')
    expect(await peeked()).toEqual(['response', 'memory'])
  })

  test('when asked anew without a copy at hand, looks beyond the nearest tier, as a read does', async () => {
    const { store, near, far, clock } = tiers()
    await near.set('k', { ...freshFor(clock, 9000), position: 7 }, 69_000)
    await far.set('k', { ...freshFor(clock, 1000), position: 8 }, 61_000)
    const anew = { past: undefined, generation: 'g' }
    expect(await store.peek?.('k', anew)).toMatchObject({ kept: { position: 8 } })
    await far.set('k', { ...freshFor(clock, 1000), position: 6 }, 61_000)
    expect(await store.peek?.('k', anew)).toMatchObject({ kept: { position: 7 } })
    expect(near.get('k')).toMatchObject({ position: 7 })
  })

  test('an unknown result from a far tier does not count as a miss', async () => {
    const { store, far } = tiers()
    far.failing = true
    expect(await store.peek?.('k')).toMatchObject({ kept: 'unknown' })
  })
})

describe('reading', () => {
  test('an entry in the near store is returned as a value, not a promise', async () => {
    const { store, clock } = tiers()
    await store.set('k', freshFor(clock, 1000), 61_000)
    expect(store.get('k')).toMatchObject({ kind: 'response' })
  })

  test('an entry in the far store is copied to the near one, with its own times and position', async () => {
    const { store, near, far, clock } = tiers()
    const stored = freshFor(clock, 1000)
    await far.set('k', stored, 61_000)
    expect(await store.get('k')).toMatchObject({ position: 7, freshUntil: stored.freshUntil })
    expect(near.get('k')).toMatchObject({ position: 7, freshUntil: stored.freshUntil, bornAt: stored.bornAt })
    expect(far.reads).toBe(1)
    await store.get('k')
    expect(far.reads).toBe(1)
  })

  test('an entry that no longer needs to be kept is not copied', async () => {
    const { store, near, far, clock } = tiers()
    await far.set('k', freshFor(clock, 1000), 61_000)
    await clock.advance(61_001)
    expect(await store.get('k')).toMatchObject({ kind: 'response' })
    expect(near.get('k')).toBeUndefined()
  })

  test('concurrent reads of a key share one read', async () => {
    const { store, far, clock } = tiers()
    await far.set('k', freshFor(clock, 1000), 61_000)
    const go = far.hold()
    const all = Array.from({ length: 50 }, () => store.get('k'))
    go()
    for (const kept of await Promise.all(all)) expect(kept).toMatchObject({ kind: 'response' })
    expect(far.reads).toBe(1)
  })

  test('an unknown result is passed on, and does not count as a miss', async () => {
    const { store, near, far } = tiers()
    far.failing = true
    expect(await store.get('k')).toBe('unknown')
    expect(await store.getMany(['k', 'l'])).toEqual(['unknown', 'unknown'])
    expect(near.get('k')).toBeUndefined()
  })

  test('getMany asks the far tier only for what is missing', async () => {
    const { store, near, far, clock } = tiers()
    await near.set('a', freshFor(clock, 1000, 'near'), 61_000)
    await far.set('b', freshFor(clock, 1000, 'far'), 61_000)
    expect(await store.getMany(['b', 'none', 'a'])).toMatchObject([
      { kind: 'response' },
      undefined,
      { kind: 'response' },
    ])
    expect(far.reads).toBe(2)
    expect(near.get('b')).toMatchObject({ kind: 'response' })
  })
})

describe('asking anew', () => {
  const { generation } = response('')

  test('looks beyond a copy that is not good enough', async () => {
    const { store, near, far, clock } = tiers()
    const past = freshFor(clock, 1000, 'old')
    await near.set('k', past, 61_000)
    await far.set('k', freshFor(clock, 5000, 'new'), 65_000)
    expect(store.get('k')).toMatchObject({ freshUntil: past.freshUntil })
    expect(await store.get('k', { past, generation })).toMatchObject({ freshUntil: past.freshUntil + 4000 })
    expect(near.get('k')).toMatchObject({ freshUntil: past.freshUntil + 4000 })
  })

  test('an older copy in a far tier does not replace the one at hand', async () => {
    const { store, near, far, clock } = tiers()
    const past = freshFor(clock, 5000, 'at hand')
    await near.set('k', past, 61_000)
    await far.set('k', freshFor(clock, 1000, 'older'), 61_000)
    await store.get('k', { past, generation })
    expect(near.get('k')).toMatchObject({ freshUntil: past.freshUntil })
  })

  test('without a copy at hand, looks beyond the near tier, whose entry may be dead', async () => {
    const { store, near, far, clock } = tiers()
    await near.set('k', { ...freshFor(clock, 9000), position: 7 }, 69_000)
    await far.set('k', { ...freshFor(clock, 1000), position: 8 }, 61_000)
    expect(await store.get('k', { past: undefined, generation })).toMatchObject({ position: 8 })
    expect(near.get('k')).toMatchObject({ position: 8 })
  })

  test('an older copy in a far tier does not replace a near one the caller did not name', async () => {
    const { store, near, far, clock } = tiers()
    await near.set('k', { ...freshFor(clock, 5000), position: 7 }, 65_000)
    await far.set('k', { ...freshFor(clock, 1000), position: 6 }, 61_000)
    expect(await store.get('k', { past: undefined, generation })).toMatchObject({ position: 7 })
    expect(near.get('k')).toMatchObject({ position: 7 })
  })

  test.each(['a later copy', 'one that was asked for later'])(
    '%s suffices although its lifetime is shorter',
    async (which) => {
      const { store, near, far, clock } = tiers()
      const past = { ...freshFor(clock, 9000), position: 7, askedAt: 1 }
      const later = { ...past, freshUntil: past.freshUntil - 8000 }
      await near.set('k', past, 69_000)
      await far.set('k', which === 'a later copy' ? { ...later, position: 8 } : { ...later, askedAt: 2 }, 61_000)
      expect(await store.get('k', { past, generation })).toMatchObject({ freshUntil: later.freshUntil })
      expect(near.get('k')).toMatchObject({ freshUntil: later.freshUntil })
    },
  )

  test('a copy requested earlier does not replace it although its lifetime is longer', async () => {
    const { store, near, far, clock } = tiers()
    const past = { ...freshFor(clock, 1000), askedAt: 2 }
    await near.set('k', past, 61_000)
    await far.set('k', { ...freshFor(clock, 9000), askedAt: 1 }, 69_000)
    await store.get('k', { past, generation })
    expect(near.get('k')).toMatchObject({ freshUntil: past.freshUntil })
  })

  test('a copy of the current generation suffices although its lifetime is shorter, and one of another generation does not replace it', async () => {
    const { store, near, far, clock } = tiers()
    const [past, present] = [freshFor(clock, 9000), { ...freshFor(clock, 1000), generation: 'present' }]
    await near.set('k', past, 69_000)
    await far.set('k', present, 61_000)
    expect(await store.get('k', { past, generation: 'present' })).toMatchObject({ generation: 'present' })
    expect(near.get('k')).toMatchObject({ generation: 'present' })
    await far.set('k', past, 69_000)
    await store.get('k', { past: present, generation: 'present' })
    expect(near.get('k')).toMatchObject({ generation: 'present' })
  })

  test('does not join a read that may have begun too early', async () => {
    const { store, far, clock } = tiers()
    const go = far.hold()
    const early = store.get('k')
    await far.set('k', freshFor(clock, 1000), 61_000)
    const late = store.get('k', { past: undefined, generation })
    go()
    expect(await early).toBeUndefined()
    expect(await late).toMatchObject({ kind: 'response' })
  })
})

describe('a read overtaken', () => {
  test.each(['set', 'setMany', 'delete', 'deleteMany', 'clear'] as const)('by %s is not copied over it', async (op) => {
    const { store, near, far, clock } = tiers()
    await far.set('k', freshFor(clock, 1000, 'old'), 61_000)
    const go = far.hold()
    const reads = [store.get('k'), store.getMany(['k'])]
    const newer = freshFor(clock, 9000, 'new')
    if (op === 'set') await store.set('k', newer, 69_000)
    if (op === 'setMany') await store.setMany([{ key: 'k', stored: newer, keepForMs: 69_000 }])
    if (op === 'delete') await store.delete('k')
    if (op === 'deleteMany') await store.deleteMany(['k'])
    if (op === 'clear') await store.clear()
    go()
    await Promise.all(reads)
    const there = near.get('k')
    if (op.startsWith('set')) expect(there).toMatchObject({ freshUntil: newer.freshUntil })
    else expect(there).toBeUndefined()
  })
})

test('a read that begins before another and ends after it does not replace what the other found', async () => {
  const { store, near, far, clock } = tiers()
  await far.set('k', freshFor(clock, 1000, 'old'), 61_000)
  const go = far.hold()
  const early = store.getMany(['k', 'l']) // from several servers, so it waits for the slowest
  await settle()
  far.hold()()
  const newer = freshFor(clock, 500, 'new')
  await far.set('k', newer, 61_000)
  expect(await store.get('k')).toMatchObject({ freshUntil: newer.freshUntil })
  go()
  await early
  expect(near.get('k')).toMatchObject({ freshUntil: newer.freshUntil })
})

describe('a read while something else is written', () => {
  test.each(['set', 'setMany', 'delete', 'deleteMany', 'clear'] as const)(
    'by %s is not copied: the near store, which has no room for the new one, would go on with the old one',
    async (op) => {
      const clock = new FakeClock()
      const near = memoryStore({ maxBytes: '1MiB' })
      const far = new FarStore()
      const store = createTiered([near, far], clock)
      await far.set('k', freshFor(clock, 1000, 'old'), 61_000)
      const large = freshFor(clock, 9000, 'x'.repeat(2 ** 21))
      const go = far.holdWrites()
      const write = {
        set: () => store.set('k', large, 69_000),
        setMany: () => store.setMany([{ key: 'k', stored: large, keepForMs: 69_000 }]),
        delete: () => store.delete('k'),
        deleteMany: () => store.deleteMany(['k']),
        clear: () => store.clear(),
      }[op]()
      expect(await store.get('k')).toMatchObject({ kind: 'response' })
      expect(await store.getMany(['k'])).toMatchObject([{ kind: 'response' }])
      go()
      await write
      expect(near.get('k')).toBeUndefined()
      const kept = await store.get('k')
      if (op.startsWith('set')) expect(kept).toMatchObject({ freshUntil: large.freshUntil })
      else expect(kept).toBeUndefined()
      await far.set('k', freshFor(clock, 9000, 'newer'), 69_000)
      await store.get('k')
      expect(near.get('k')).toMatchObject({ kind: 'response' }) // normal again when the write is over
    },
  )

  test('nor from a synchronous store', async () => {
    const clock = new FakeClock()
    const near = memoryStore({ maxBytes: '1MiB' })
    const inner = memory()
    const gate = Promise.withResolvers<void>()
    const set: Store['set'] = (...write) => gate.promise.then(() => inner.set(...write))
    const store = createTiered([near, { ...inner, set }], clock)
    await inner.set('k', freshFor(clock, 1000, 'old'), 61_000)
    const large = freshFor(clock, 9000, 'x'.repeat(2 ** 21))
    const written = store.set('k', large, 69_000)
    expect(store.get('k')).toMatchObject({ kind: 'response' })
    gate.resolve()
    await written
    expect(store.get('k')).toMatchObject({ freshUntil: large.freshUntil })
  })
})
