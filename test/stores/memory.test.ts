import { expect, test } from 'vitest'
import { Events } from '../../src/events.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { response, storeContract } from './store-contract.ts'

storeContract('memoryStore', () => memoryStore({ maxBytes: '1MiB' }))

test('it never holds more than its limit: the least recently used goes first', () => {
  const store = memoryStore({ maxBytes: 100_000 })
  for (let n = 0; n < 200; n++) {
    void store.set(`k${n}`, response('x'.repeat(1_000)), 60_000)
    void store.get('k0') // in use all the time
  }
  expect(store.usage()[0]?.bytes).toBeLessThanOrEqual(100_000)
  expect(store.get('k0')).toBeDefined()
  expect(store.get('k1')).toBeUndefined()
})

test('what is larger than the whole store is refused, and takes an older copy with it', () => {
  const store = memoryStore({ maxBytes: 10_000 })
  void store.set('k', response('small'), 60_000)
  void store.set('k', response('x'.repeat(20_000)), 60_000)
  expect(store.get('k')).toBeUndefined()
})

test('keys, fields and tags count as well as the body', () => {
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
})

test('every departure is reported with its reason', () => {
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

test('a limit that is no size is refused with a message that says what was expected', () => {
  expect(() => memoryStore({ maxBytes: '256MB!' })).toThrow('expected a size such as 512KiB')
})
