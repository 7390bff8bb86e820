import { hash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { type EventPayloads, Events } from '../../../src/events.ts'
import type { Store, StoredResponse } from '../../../src/model.ts'
import { VERSION } from '../../../src/stores/codec/layout.ts'
import { LONGEST_KEEP_MS, type RedisStoreSettings, redisStore } from '../../../src/stores/redis/store.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { response, storeContract } from '../../stores/store-contract.ts'
import { until } from '../../support/waiting.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

/** A connected store on an empty Redis, with a deadline that allows for a slow machine. */
async function emptyStore(settings: RedisStoreSettings = {}): Promise<Store> {
  await redis.cli('flushall')
  return connected(redisStore({ url: redis.url, deadline: '5s', ...settings }))
}

async function connected(store: Store): Promise<Store> {
  await until(() => store.usage()[0]?.degraded === false, 'the store is connected')
  return store
}

function recorded() {
  const events = new Events()
  const seen: string[] = []
  events.on('store', ({ op, outcome, ms }) => void seen.push(`${op} ${outcome}${ms === undefined ? ' untimed' : ''}`))
  events.on('eviction', ({ reason }: EventPayloads['eviction']) => void seen.push(reason))
  return { events, seen }
}

/** The name in Redis of a key's entry. */
const at = (key: string, prefix = 'herdgate') => `${prefix}:e${VERSION}:${hash('sha256', key, 'base64url')}`

const text = ({ body }: StoredResponse) => body.bytes?.toString()

storeContract('redisStore', () => emptyStore(), { exactUsage: false })
storeContract('redisStore with a seal', () => emptyStore({ hmacKey: 'secret' }), { exactUsage: false })

test('a key in Redis reveals nothing of the cache key', async () => {
  const store = await emptyStore({ prefix: 'shop.1' })
  await store.set('GET http://a.test/{x}\r\nsecret', response('x'), 60_000)
  expect(await redis.cli('keys', '*')).toMatch(new RegExp(`^shop\\.1:e${VERSION}:[\\w-]{43}$`))
  await store.close()
})

test('a look-up is one command', async () => {
  const store = await emptyStore()
  const reads = async () => /cmdstat_getrange:calls=(\d+)/.exec(await redis.cli('info', 'commandstats'))?.[1]
  await store.set('a', response('x'), 60_000)
  await redis.cli('config', 'resetstat')
  await store.get('a')
  expect(await reads()).toBe('1')
  expect(await redis.cli('info', 'commandstats')).not.toMatch(/cmdstat_(?!getrange|config|info|ping)/)
  await store.close()
})

test('a maxObjectBytes that is not a whole number is rounded down', async () => {
  const store = await emptyStore({ maxObjectBytes: 0.1 * 2 ** 20 })
  await store.set('k', response('x'), 60_000)
  expect(await store.get('k')).toMatchObject({ kind: 'response' })
  await store.close()
})

test('a copy from a machine whose clock is ahead counts as absent, and stays for the others', async () => {
  const ahead = await emptyStore({ clock: { ...systemClock, wall: () => systemClock.now() + 200_000 } })
  const { events, seen } = recorded()
  const store = await connected(redisStore({ url: redis.url, deadline: '5s', events }))
  await ahead.set('k', { ...response('x'), askedAt: systemClock.now() }, 60_000)
  expect(await store.get('k')).toBeUndefined()
  expect(seen).toEqual(['get miss'])
  expect(await ahead.get('k')).toMatchObject({ kind: 'response' })
  await Promise.all([store.close(), ahead.close()])
})

test('what it stores expires in Redis', async () => {
  const store = await emptyStore()
  await store.set('k', response('x'), 5_000)
  expect(Number(await redis.cli('pttl', at('k')))).toBeGreaterThan(0)
  expect(Number(await redis.cli('pttl', at('k')))).toBeLessThanOrEqual(5_000)
  await store.set('k', response('x'), Number.POSITIVE_INFINITY)
  expect(Number(await redis.cli('pttl', at('k')))).toBeLessThanOrEqual(LONGEST_KEEP_MS)
  await store.set('k', response('x'), 20)
  await until(async () => (await store.get('k')) === undefined, 'it has expired')
  await store.close()
})

test('times and position are those of the fetch, and the copy is checked against the log from there', async () => {
  const store = await emptyStore()
  const stored = response('x', { bornAt: 1.5, freshUntil: 2.25, position: 41, checked: 99, generation: 'g-1' })
  await store.set('k', stored, 60_000)
  expect(await store.get('k')).toMatchObject({
    bornAt: 1.5,
    freshUntil: 2.25,
    refreshAt: Number.POSITIVE_INFINITY,
    generation: 'g-1',
    position: 41,
    checked: 41,
    startedAt: Number.NEGATIVE_INFINITY,
  })
  await store.close()
})

test('every operation emits an event with its outcome', async () => {
  const { events, seen } = recorded()
  const store = await emptyStore({ events })
  await store.setMany([
    { key: 'a', stored: response('x'), keepForMs: 60_000 },
    { key: 'b', stored: response('x'), keepForMs: 60_000 },
  ])
  await store.getMany(['a', 'none'])
  await store.delete('a')
  expect(seen).toEqual(['set ok', 'set ok', 'get hit', 'get miss', 'delete ok'])
  await store.close()
  expect(await store.get('b')).toBe('unknown')
  await store.set('b', response('x'), 60_000)
  expect(seen.slice(5)).toEqual(['get unknown', 'set dropped'])
})

test('what cannot be stored is refused, and the older copy is removed', async () => {
  const { events, seen } = recorded()
  const store = await emptyStore({ events, maxObjectBytes: '1KiB' })
  const value = { ...response('x'), kind: 'value' as const, value: new Map(), bytes: 1 }
  for (const stored of [response('x'.repeat(2_000)), value]) {
    await store.set('k', response('small'), 60_000)
    await store.set('k', stored, 60_000)
    expect(await store.get('k')).toBeUndefined()
  }
  expect(seen.filter((word) => word === 'rejected')).toHaveLength(2)
  await store.close()
})

test('while memory is short large entries are not read', async () => {
  const { events, seen } = recorded()
  const pressure = { high: true }
  const store = await emptyStore({ events, pressure })
  await store.set('large', response('x'.repeat(100_000)), 60_000)
  await store.set('small', response('x'), 60_000)
  expect(await store.get('large')).toBe('unknown')
  expect(await store.get('small')).toMatchObject({ kind: 'response' })
  pressure.high = false
  expect(await store.get('large')).toMatchObject({ kind: 'response' })
  expect(seen.slice(2)).toEqual(['get unknown', 'get hit', 'get hit'])
  await store.close()
})

test('clearing removes the entries under its prefix and nothing else', async () => {
  const store = await emptyStore({ prefix: 'one' })
  const other = await connected(redisStore({ url: redis.url, deadline: '5s', prefix: 'on' }))
  await redis.cli('set', 'one:log', 'x')
  await other.set('k', response('x'), 60_000)
  await store.setMany(
    Array.from({ length: 2_000 }, (_, n) => ({ key: `${n}`, stored: response('x'), keepForMs: 60_000 })),
  )
  await store.clear()
  expect((await redis.cli('keys', '*')).split('\n').sort()).toEqual([at('k', 'on'), 'one:log'].sort())
  await store.close()
  await other.close()
})

test('batches of any size are written, read and deleted', async () => {
  const { events, seen } = recorded()
  const store = await emptyStore({ events })
  const keys = Array.from({ length: 3_000 }, (_, number) => `k${number}`)
  const puts = keys.map((key) => ({ key, stored: response(key), keepForMs: 60_000 }))
  await store.setMany(puts)
  expect(await redis.cli('dbsize')).toBe('3000')
  const found = await store.getMany([...keys, 'none'])
  expect(found.map((kept) => typeof kept === 'object' && kept.kind === 'response' && text(kept))).toEqual([
    ...keys,
    false,
  ])
  await store.deleteMany(keys)
  expect(await redis.cli('dbsize')).toBe('0')
  expect(new Set(seen)).toEqual(new Set(['set ok', 'get hit', 'get miss', 'delete ok']))
  await store.close()
})

test('an operation during a large batch wins over the rest of the batch', async () => {
  const store = await emptyStore()
  const batchOf = (body: string) =>
    Array.from({ length: 3_000 }, (_, at) => ({ key: `k${at}`, stored: response(body), keepForMs: 60_000 }))
  const read = async (...keys: string[]) =>
    (await store.getMany(keys)).map((kept) => typeof kept === 'object' && kept.kind === 'response' && text(kept))
  await Promise.all([store.setMany(batchOf('old')), store.set('k2999', response('new'), 60_000), store.delete('k2998')])
  expect(await read('k0', 'k2997', 'k2998', 'k2999')).toEqual(['old', 'old', false, 'new'])
  const removed = store.deleteMany(batchOf('').map(({ key }) => key))
  await Promise.all([removed, store.set('k2999', response('newer'), 60_000)])
  expect(await read('k0', 'k2997', 'k2999')).toEqual([false, false, 'newer'])
  await store.close()
})

test('one clear runs at a time, and all that are asked for meanwhile share the next', async () => {
  const store = await emptyStore()
  await store.setMany(
    Array.from({ length: 2_000 }, (_, n) => ({ key: `${n}`, stored: response('x'), keepForMs: 60_000 })),
  )
  const scans = async () => Number(/cmdstat_scan:calls=(\d+)/.exec(await redis.cli('info', 'commandstats'))?.[1] ?? 0)
  const before = await scans()
  await Promise.all(Array.from({ length: 10 }, () => store.clear()))
  expect(await redis.cli('keys', '*')).toBe('')
  await store.set('late', response('x'), 60_000)
  const first = store.clear()
  await Promise.resolve()
  const rest = Array.from({ length: 10 }, () => store.clear())
  await Promise.all([first, ...rest])
  expect(await redis.cli('keys', '*')).toBe('')
  expect((await scans()) - before).toBeLessThan(20)
  await store.close()
})

test('usage is what the server reports', async () => {
  await redis.cli('config', 'set', 'maxmemory', '64mb')
  const store = await emptyStore()
  await until(() => (store.usage()[0]?.bytes ?? 0) > 0, 'it has been asked')
  expect(store.usage()).toMatchObject([{ tier: 'redis', objects: 0, maxBytes: 64 * 2 ** 20, degraded: false }])
  await redis.cli('config', 'set', 'maxmemory', '0')
  await store.close()
})

test.each([
  [{ prefix: '' }, 'as a prefix'],
  [{ prefix: 'a*' }, 'as a prefix'],
  [{ prefix: '{a}' }, 'as a prefix'],
  [{ url: 'http://a' }, 'redis://host:port'],
  [{ deadline: 'soon' }, 'a duration'],
  [{ maxObjectBytes: 'big' }, 'a size'],
  [{ hmacKey: '' }, 'as hmacKey'],
  [{ hmacKey: new Uint8Array(0) }, 'as hmacKey'],
])('the settings %j are refused', (options, why) => {
  expect(() => redisStore({ url: redis.url, ...options })).toThrow(RangeError)
  expect(() => redisStore({ url: redis.url, ...options })).toThrow(why)
})
