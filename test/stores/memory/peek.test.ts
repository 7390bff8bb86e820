import { expect, test } from 'vitest'
import { Events } from '../../../src/events.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import { storedResponse } from '../../support/stored-response.ts'

/** Room for three entries. */
const ROOM = 25_000
const EACH = 6_000

test.each(['on', 'off'] as const)('peeking does not count as use: admission %s', async (admission) => {
  const events = new Events()
  const emitted: string[] = []
  events.on('store', ({ op, outcome }) => emitted.push(`${op} ${outcome}`))
  const store = memoryStore({ maxBytes: ROOM, admission, events })
  const large = storedResponse({ tags: ['x'.repeat(EACH)], keepUntil: Number.POSITIVE_INFINITY })
  for (const key of ['a', 'b', 'c']) await store.set(key, large, 1_000)
  emitted.length = 0

  expect(await store.peek?.('a')).toEqual({ kept: large, tier: 'memory' })
  expect(await store.peek?.('z')).toEqual({ kept: undefined, tier: 'memory' })
  expect(emitted).toEqual([])
})

test('the least recently used entry is evicted, whatever has been peeked at', async () => {
  const store = memoryStore({ maxBytes: ROOM, admission: 'off' })
  const large = storedResponse({ tags: ['x'.repeat(EACH)] })
  const keys = ['a', 'b', 'c', 'd'] // one more than fits
  for (const key of keys) {
    await store.set(key, large, 1_000)
    await store.peek?.('a')
  }
  const held = await Promise.all(keys.map(async (key) => ((await store.get(key)) === undefined ? undefined : key)))
  expect(held).toEqual([undefined, 'b', 'c', 'd'])
})
