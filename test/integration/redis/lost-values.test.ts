/** After Redis has not accepted a value, the older one that it still has does not come back. */
import { expect, test } from 'vitest'
import { createCache } from '../../../src/library/embed.ts'
import type { Store, StoredValue } from '../../../src/model.ts'
import { localLog } from '../../../src/stores/memory/log.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import { type RedisStoreSettings, redisStore } from '../../../src/stores/redis/store.ts'
import { tiered } from '../../../src/stores/tiered.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { response } from '../../stores/store-contract.ts'
import { until } from '../../support/waiting.ts'

const startFull = () => startRedis({ flags: ['--maxmemory-policy', 'noeviction'] })
const fill = (redis: RedisServer) => redis.cli('config', 'set', 'maxmemory', '1')
const empty = (redis: RedisServer) => redis.cli('config', 'set', 'maxmemory', '0')

async function connected({ url }: RedisServer, settings: RedisStoreSettings = {}): Promise<Store> {
  const store = redisStore({ url, deadline: '5s', ...settings })
  await until(() => store.usage()[0]?.degraded === false, 'the store is connected')
  return store
}

const value = (text: string): StoredValue => ({ ...response(''), kind: 'value', value: text, bytes: text.length })

test('the older value is a miss for the node that wrote, and is removed for all as soon as possible', async () => {
  await using redis = await startFull()
  const clock = new FakeClock()
  const [store, other] = [await connected(redis, { clock }), await connected(redis)]
  await store.setMany(['k', 'l'].map((key) => ({ key, stored: value('old'), keepForMs: 3_600_000 })))
  await fill(redis)
  await store.set('k', value('new'), 3_600_000)
  expect(await store.getMany(['k', 'l'])).toMatchObject([undefined, { value: 'old' }])
  expect(await other.get('k')).toMatchObject({ value: 'old' })
  await clock.advance(1_000)
  await until(async () => (await other.get('k')) === undefined, 'it is gone')
  expect(await other.get('l')).toMatchObject({ value: 'old' })
  await store.close()
  await other.close()
})

test('a value that was written since then stays', async () => {
  await using redis = await startFull()
  const clock = new FakeClock()
  const store = await connected(redis, { clock })
  await store.set('k', value('old'), 3_600_000)
  await fill(redis)
  await store.setMany([
    { key: 'k', stored: value('new'), keepForMs: 3_600_000 },
    { key: 'l', stored: value('new'), keepForMs: 3_600_000 },
  ])
  await empty(redis)
  await store.set('k', value('newer'), 3_600_000)
  expect(await store.get('k')).toMatchObject({ value: 'newer' })
  await clock.advance(1_000)
  await settle()
  expect(await store.get('k')).toMatchObject({ value: 'newer' })
  await store.close()
})

test('while Redis cannot be reached the removal is tried again', async () => {
  await using redis = await startRedis({ flags: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  const clock = new FakeClock()
  const store = await connected(redis, { clock })
  await store.set('k', value('old'), 3_600_000)
  await redis.kill()
  await store.set('k', value('new'), 3_600_000)
  await redis.restart()
  const other = await connected(redis)
  expect(await other.get('k')).toMatchObject({ value: 'old' })
  await until(async () => {
    await clock.advance(1_000)
    return (await other.get('k')) === undefined
  }, 'it is gone')
  await store.close()
  await other.close()
})

test('a new cache does not get the older value back', async () => {
  await using redis = await startFull()
  const log = localLog({ generation: 'g' })
  const create = async () =>
    createCache({ store: tiered(memoryStore({ maxBytes: '8MiB' }), await connected(redis)), log })
  const before = await create()
  await before.set('k', 'old')
  await fill(redis)
  await before.set('k', 'new')
  await before.close()
  const after = await create()
  expect(await after.get('k')).toBeUndefined()
  await after.close()
})

test('an older response stays, as it is used no longer than its own freshness allows', async () => {
  await using redis = await startFull()
  const clock = new FakeClock()
  const store = await connected(redis, { clock })
  await store.set('k', response('old'), 3_600_000)
  await fill(redis)
  await store.set('k', response('new'), 3_600_000)
  await clock.advance(1_000)
  expect(await store.get('k')).toMatchObject({ kind: 'response' })
  await store.close()
})
