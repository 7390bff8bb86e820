import { expect, test } from 'vitest'
import { Body, heldBytes, hold } from '../../../src/body.ts'
import { Events } from '../../../src/events.ts'
import type { StoredResponse } from '../../../src/model.ts'
import { AdmittingLru } from '../../../src/stores/memory/admitting-lru.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import fc from '../../support/fast-check.ts'
import { response, storeContract, unshareable, varies } from '../store-contract.ts'

storeContract('memoryStore', () => memoryStore({ maxBytes: '1MiB' }))
storeContract('memoryStore without admission', () => memoryStore({ maxBytes: '1MiB', admission: 'off' }))

test('without admission the least recently used entry is evicted first', () => {
  const store = memoryStore({ maxBytes: 100_000, admission: 'off' })
  for (let n = 0; n < 200; n++) {
    void store.set(`k${n}`, response('x'.repeat(1_000)), 60_000)
    void store.get('k0') // in constant use
  }
  expect(store.usage()[0]?.bytes).toBeLessThanOrEqual(100_000)
  expect(store.get('k0')).toBeDefined()
  expect(store.get('k1')).toBeUndefined()
})

test('an entry larger than the whole store is refused, and the older copy is removed', () => {
  const store = memoryStore({ maxBytes: 10_000 })
  void store.set('k', response('small'), 60_000)
  void store.set('k', response('x'.repeat(20_000)), 60_000)
  expect(store.get('k')).toBeUndefined()
})

test.each(['on', 'off'] as const)('what replaces an entry counts with its own size (admission %s)', (admission) => {
  const bytesWith = (...contents: string[]) => {
    const store = memoryStore({ maxBytes: 100_000, admission })
    for (const content of contents) void store.set('k', response(content), 60_000)
    return store.usage()[0]?.bytes
  }
  const [small, large] = ['x', 'x'.repeat(10_000)]
  expect([bytesWith(small, large), bytesWith(large, small)]).toEqual([bytesWith(large), bytesWith(small)])
})

test.each(['on', 'off'] as const)(
  'content that is being received is counted by the store until it leaves, and as held after that (admission %s)',
  (admission) => {
    const size = 200_000
    const [first, other] = [Buffer.alloc(size, 'a'), Buffer.alloc(size, 'b')]
    const letGo = hold(first)
    const of = (content: Buffer) => ({ ...response('x'), body: Body.of(content) })
    const held = (change: (store: ReturnType<typeof memoryStore>) => unknown) => {
      const store = memoryStore({ maxBytes: 300_000, admission })
      void store.set('k', of(first), 60_000)
      expect(heldBytes()).toBe(0)
      void change(store)
      const bytes = heldBytes()
      void store.close()
      return bytes
    }
    expect(held((store) => store.set('k', { ...of(first), status: 203 }, 60_000))).toBe(0)
    expect(held((store) => store.set('k', of(other), 60_000))).toBe(size)
    expect(held((store) => store.delete('k'))).toBe(size)
    expect(held((store) => store.clear())).toBe(size)
    expect(held((store) => store.set('k', of(Buffer.alloc(2 * size)), 60_000))).toBe(size)
    letGo()
    expect(heldBytes()).toBe(0)
  },
)

test('small content in large memory counts once: in the store', () => {
  const content = Buffer.alloc(100_000).subarray(0, 60_000)
  const letGo = hold(content)
  expect(heldBytes()).toBe(100_000)
  const store = memoryStore({ maxBytes: 300_000 })
  void store.set('k', { ...response('x'), body: Body.of(content) }, 60_000)
  expect(heldBytes()).toBe(0)
  void store.delete('k')
  expect(heldBytes()).toBe(100_000)
  letGo()
  expect(heldBytes()).toBe(0)
})

test('it never holds more than its limit', () => {
  const sizes = fc.array(fc.tuple(fc.nat(50), fc.nat(40_000), fc.boolean()), { maxLength: 300 })
  fc.assert(
    fc.property(sizes, fc.nat(), (calls, seed) => {
      const store = memoryStore({ maxBytes: 100_000, seed })
      for (const [n, size, reads] of calls) {
        if (reads) void store.get(`k${n}`)
        else void store.set(`k${n}`, response('x'.repeat(size)), 60_000)
        expect(store.usage()[0]?.bytes).toBeLessThanOrEqual(100_000)
      }
    }),
    { numRuns: 50 },
  )
})

test.each(['on', 'off'] as const)(
  'it gives way by a quarter at a time, down to 8 MiB, and regains an eighth at a time (admission %s)',
  (admission) => {
    const store = memoryStore({ maxBytes: '16MiB', admission })
    const fill = () => {
      for (let n = 0; n < 200; n++) void store.set(`k${n}`, response('x'.repeat(100_000)), 60_000)
    }
    const held = () => store.usage()[0]?.bytes ?? 0
    fill()
    const [before, given] = [held(), store.giveWay()]
    expect(held()).toBe(before - given)
    expect(given).toBeGreaterThanOrEqual(before / 4 - 1)
    expect(given).toBeLessThan(before / 4 + 101_000)
    const limit = store.usage()[0]?.maxBytes ?? 0
    expect(limit).toBe(Math.floor((before * 3) / 4))
    fill()
    expect(held()).toBeLessThanOrEqual(limit)

    for (let times = 0; times < 20; times++) store.giveWay()
    expect(store.usage()[0]?.maxBytes).toBe(8 * 2 ** 20)
    expect(store.giveWay()).toBe(0)
    expect(held()).toBeGreaterThan(8 * 2 ** 20 - 200_000)

    const regained = Array.from({ length: 7 }, () => store.regain() / 2 ** 20)
    expect(regained.map((mebibytes) => Number(mebibytes.toFixed(2)))).toEqual([1, 1.13, 1.27, 1.42, 1.6, 1.58, 0])
    fill()
    expect(held()).toBeGreaterThanOrEqual(before - 101_000)
  },
)

test('after the limit shrinks, counts of many small entries do not take all of it', () => {
  const lru = new AdmittingLru({ maxBytes: 64 * 2 ** 20, seed: 1, onEviction: () => {} })
  for (let n = 0; n < 200_000; n++) lru.set(`k${n}`, unshareable, 200)
  expect(lru.size).toBe(200_000)
  lru.limit(8 * 2 ** 20)
  expect(lru.bytes).toBeLessThanOrEqual(8 * 2 ** 20)
  expect(lru.size).toBeGreaterThan(20_000)
  lru.set('new', unshareable, 200)
  expect(lru.get('new')).toBeDefined()
  expect(lru.bytes).toBeLessThanOrEqual(8 * 2 ** 20)
})

test('counts survive a raised limit, though they take much of it', () => {
  const lru = new AdmittingLru({ maxBytes: 16 * 2 ** 20, seed: 1, onEviction: () => {} })
  for (let n = 0; n < 140_000; n++) lru.set(`k${n}`, unshareable, 50)
  const before = lru.bytes
  expect(before - lru.size * 50, 'of which counts').toBe(8 * 2 ** 20)
  lru.limit(17 * 2 ** 20)
  expect(lru.bytes).toBe(before)
})

test('an older copy is never kept when the newer one was refused', () => {
  const sizes = fc.array(fc.tuple(fc.nat(20), fc.nat(40_000)), { minLength: 20, maxLength: 200 })
  fc.assert(
    fc.property(sizes, fc.nat(), (calls, seed) => {
      const store = memoryStore({ maxBytes: 100_000, seed })
      for (const [position, [n, size]] of calls.entries()) {
        void store.set(`k${n}`, response('x'.repeat(size), { position }), 60_000)
        const found = store.get(`k${n}`)
        expect(found === undefined || (found as StoredResponse).position === position).toBe(true)
      }
    }),
    { numRuns: 50 },
  )
})

test('an entry just stored is kept, however popular others are', () => {
  const store = memoryStore({ maxBytes: 1_000_000 })
  for (let round = 0; round < 20; round++) {
    for (let n = 0; n < 600; n++) {
      if (store.get(`popular${n}`) === undefined) void store.set(`popular${n}`, response('x'.repeat(1_000)), 60_000)
    }
  }
  void store.set('new', response('x'.repeat(1_000)), 60_000)
  expect(store.get('new')).toBeDefined()
})

test('entries that lead to variants skip admission', () => {
  const store = memoryStore({ maxBytes: 20_000 })
  for (let round = 0; round < 20; round++) {
    for (let n = 0; n < 10; n++) {
      if (store.get(`popular${n}`) === undefined) void store.set(`popular${n}`, response('x'.repeat(1_000)), 60_000)
    }
  }
  for (const marker of [varies, unshareable]) {
    void store.set(marker.kind, marker, 60_000)
    expect(store.get(marker.kind)).toBe(marker)
  }
  void store.set('new', response('x'.repeat(1_000)), 60_000)
  expect(store.get('new')).toBeUndefined()
})

test('keys, fields, tags and the range of a part count as well as the body', () => {
  const bytesOf = (key: string, more: Parameters<typeof response>[1]) => {
    const store = memoryStore({ maxBytes: '1MiB' })
    void store.set(key, response('', more), 60_000)
    return store.usage()[0]?.bytes ?? 0
  }
  const base = bytesOf('k', {})
  expect(bytesOf('k'.repeat(1_001), {}) - base).toBe(1_000)
  expect(bytesOf('k', { tags: ['t', 'x'.repeat(1_000)] }) - base).toBeGreaterThan(1_000)
  expect(bytesOf('k', { fields: ['A', 'b', 'ETag', 'x'.repeat(1_000)] }) - base).toBeGreaterThan(1_000)
  expect(bytesOf('k', { vary: ['accept', 'x'.repeat(1_000)] }) - base).toBeGreaterThan(1_000)
  const partial = { parts: [{ first: 0, last: 0 }], complete: 9, reachesEnd: false, contentRange: undefined }
  const part = bytesOf('k', { partial: { ...partial, asked: undefined } })
  expect(bytesOf('k', { partial: { ...partial, asked: 'x'.repeat(1_000) } }) - part).toBe(1_000)
  const unusual = Array.from({ length: 100 }, (_, n) => [`x-${n}`.padEnd(40, 'x'), '1']).flat()
  expect(bytesOf('k', { fields: unusual }) - base).toBeGreaterThan(100 * 40)
})

test('every eviction is reported with its reason', () => {
  const events = new Events()
  const reasons: string[] = []
  events.on('eviction', ({ reason }) => void reasons.push(reason))
  const store = memoryStore({ maxBytes: 3_000, events })
  void store.set('a', response('x'.repeat(1_000)), 1)
  void store.set('a', response('x'.repeat(1_000)), 1)
  void store.set('b', response('x'.repeat(1_000)), 1)
  void store.set('c', response('x'.repeat(9_000)), 1)
  void store.delete('b')
  expect(reasons).toEqual(['replaced', 'size', 'rejected', 'purged'])
})

test.each(['on', 'off'] as const)(
  'that everything goes is reported once, with the count: admission %s',
  (admission) => {
    const events = new Events()
    const evictions: unknown[] = []
    events.on('eviction', (out) => void evictions.push(out))
    const store = memoryStore({ maxBytes: 100_000, admission, events })
    for (const key of ['a', 'b', 'c']) void store.set(key, response('x'), 1)
    void store.clear()
    void store.clear()
    expect(evictions).toEqual([{ tier: 'memory', reason: 'purged', count: 3 }])
    void store.set('d', response('x'), 1)
    void store.delete('d')
    expect(evictions.slice(1)).toEqual([{ tier: 'memory', reason: 'purged' }])
  },
)

test('a limit that is not a size is refused with a message that states what is expected', () => {
  expect(() => memoryStore({ maxBytes: '256MB!' })).toThrow('expected a size such as 512KiB')
})

test.each(['on', 'off'] as const)('a fractional limit is rounded down: admission %s', (admission) => {
  const store = memoryStore({ maxBytes: 100_000.5, admission })
  void store.set('k', response('x'), 60_000)
  expect(store.get('k')).toMatchObject({ kind: 'response' })
  expect(store.usage()[0]?.maxBytes).toBe(100_000)
  expect(() => memoryStore({ maxBytes: 0.5, admission })).toThrow(RangeError)
})
