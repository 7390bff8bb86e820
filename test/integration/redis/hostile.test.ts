/** Others can write to Redis: a forged or damaged entry is a miss, is counted, and is removed. */
import { hash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Events } from '../../../src/events.ts'
import type { Stored, StoredResponse } from '../../../src/model.ts'
import { encode } from '../../../src/stores/codec/codec.ts'
import { VERSION, writeStored } from '../../../src/stores/codec/layout.ts'
import { OctetWriter } from '../../../src/stores/codec/octets.ts'
import { redisStore } from '../../../src/stores/redis/store.ts'
import { connectRedis, isReady, type RedisClient } from '../../../src/stores/redis/connection.ts'
import { sealWith } from '../../../src/stores/codec/seal.ts'
import { bodyOf } from '../../stores/some-stored.ts'
import { response } from '../../stores/store-contract.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { until } from '../../support/waiting.ts'

const KEY = 'GET http://a.test/x'
const hmacKey = 'a key that the others do not have'
const at = (key: string): string => `herdgate:e${VERSION}:${hash('sha256', key, 'base64url')}`

let redis: RedisServer
let attacker: RedisClient
beforeAll(async () => {
  redis = await startRedis({ flags: ['--proto-max-bulk-len', '600mb'] })
  attacker = connectRedis(redis.url, { socketTimeoutMs: 60_000 })
  await until(() => isReady(attacker), 'the attacker is connected')
})
afterAll(async () => {
  attacker.disconnect()
  await redis.stop()
})

/** An entry encoded without the rules for what may be stored. */
function forged(more: Partial<StoredResponse>, seal?: string): Buffer {
  const stored: Stored = response('body', more)
  const writer = new OctetWriter()
  writeStored(writer, KEY, stored)
  writer.raw(sealWith(seal).of(writer.written))
  return writer.written
}

const good = (): Buffer => encode(KEY, response('body'))!

/** A good entry with other octets at one place, and a seal that fits. */
function altered(where: (content: Buffer) => number, octets: Uint8Array): Buffer {
  const content = Buffer.from(good().subarray(0, -4))
  content.set(octets, where(content))
  return Buffer.concat([content, sealWith(undefined).of(content)])
}

const put = (octets: Buffer | string) => () => attacker.set(at(KEY), octets)
const INT32 = Buffer.of(0x7f, 0xff, 0xff, 0xff)
const UINT32 = Buffer.of(0xff, 0xff, 0xff, 0xff)
const random = Buffer.from(hash('sha512', 'random', 'buffer'))

describe.each<[string, () => Promise<unknown>]>([
  ['random octets', put(random)],
  ['random octets after our magic number', put(Buffer.concat([Buffer.from('hgsd'), Buffer.of(VERSION, 0), random]))],
  ['an entry cut short', put(good().subarray(0, -10))],
  ['an entry with one octet changed', put(Buffer.concat([Buffer.of(0x68 ^ 1), good().subarray(1)]))],
  ['a valid entry of another key', put(encode('GET http://a.test/other', response('body'))!)],
  ['a length of 2^31 - 1', put(altered(() => 6, INT32))],
  ['a length of 2^32 - 1', put(altered(() => 6, UINT32))],
  ['a list of 2^32 - 1 members', put(altered((content) => content.indexOf('\0\0\0\x01\0\0\0\x01t'), UINT32))],
  ['an older format', put(altered(() => 4, Buffer.of(VERSION - 1)))],
  ['a newer format', put(altered(() => 4, Buffer.of(VERSION + 1)))],
  ['an unknown kind', put(altered(() => 5, Buffer.of(9)))],
  ['a value of 100 MB', () => attacker.setrange(at(KEY), 100_000_000, 'x')],
  ['a list', () => attacker.rpush(at(KEY), 'x')],
  ['a hash', () => attacker.hset(at(KEY), '__proto__', 'x')],
  ['JSON with __proto__', put('{"__proto__":{"kind":"response"},"status":200}')],
  ['a line break in a field', put(forged({ fields: ['X', 'a\r\nSet-Cookie: b=c'] }))],
  ['a line break in the name of a field', put(forged({ fields: ['X: a\r\nY', 'b'] }))],
  ['a field for one connection', put(forged({ fields: ['Transfer-Encoding', 'chunked'] }))],
  ['a length that is not that of the body', put(forged({ fields: ['Content-Length', '999'] }))],
  ['an interim status', put(forged({ status: 101 }))],
  ['a position of 2^63', put(forged({ position: 2 ** 63 }))],
  ['a position below 0', put(forged({ position: -1 }))],
])('%s', (_, attack) => {
  test.each([
    ['with a seal', { hmacKey }],
    ['without', {}],
  ])('is a miss, counted, and removed: %s', async (_, options) => {
    await attacker.del(at(KEY))
    const events = new Events()
    const reasons: string[] = []
    const outcomes: string[] = []
    events.on('eviction', ({ reason }) => void reasons.push(reason))
    events.on('store', ({ op, outcome }) => void (op === 'get' && outcomes.push(outcome)))
    const store = redisStore({ url: redis.url, deadline: '10s', events, ...options })
    await until(() => store.usage()[0]?.degraded === false, 'the store is connected')
    await attack()
    expect(await store.get(KEY)).toBeUndefined()
    expect([reasons, outcomes]).toEqual([['defective'], ['error']])
    await until(async () => (await attacker.exists(at(KEY))) === 0, 'it is removed')
    await store.set(KEY, response('ours'), 60_000)
    expect(bodyOf((await store.get(KEY)) as Stored)?.toString()).toBe('ours')
    await store.close()
  })
})

test('with hmacKey an entry that was sealed without that key is a miss, however well formed', async () => {
  const store = redisStore({ url: redis.url, deadline: '10s', hmacKey })
  await until(() => store.usage()[0]?.degraded === false, 'the store is connected')
  for (const seal of [undefined, 'a guess']) {
    await attacker.set(at(KEY), forged({}, seal))
    expect(await store.get(KEY)).toBeUndefined()
  }
  await attacker.set(at(KEY), forged({}, hmacKey))
  expect(await store.get(KEY)).toMatchObject({ kind: 'response' })
  await store.close()
})

test('a defective entry among many is a miss, and the others are found', async () => {
  const store = redisStore({ url: redis.url, deadline: '10s' })
  await until(() => store.usage()[0]?.degraded === false, 'the store is connected')
  await store.set('a', response('a'), 60_000)
  await attacker.del(at('b'))
  await attacker.rpush(at('b'), 'x')
  expect(await store.getMany(['b', 'a', 'none'])).toMatchObject([undefined, { kind: 'response' }, undefined])
  expect(store.usage()[0]?.degraded).toBe(false)
  await store.close()
})
