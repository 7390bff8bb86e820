/** A fault of Redis may cost copies, but it is never an error and never takes longer than the deadline. */
import dns, { type LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Events } from '../../../src/events.ts'
import type { Store, StoredResponse } from '../../../src/model.ts'
import { type RedisStoreSettings, redisStore } from '../../../src/stores/redis/store.ts'
import { connectRedis, isReady } from '../../../src/stores/redis/connection.ts'
import { response } from '../../stores/store-contract.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { freePort, type RedisServer, startRedis } from '../../support/redis.ts'
import { until } from '../../support/waiting.ts'

const DEADLINE_MS = 200
/** What a busy machine may add. */
const SLACK_MS = 15_000

function storeOn(url: string, settings: RedisStoreSettings = {}) {
  const events = new Events()
  const states: string[] = []
  const outcomes: string[] = []
  events.on('tier', ({ tier, state }) => void states.push(`${tier} ${state}`))
  events.on('store', ({ op, outcome }) => void outcomes.push(`${op} ${outcome}`))
  const store = redisStore({ url, deadline: DEADLINE_MS, events, ...settings })
  return { store, states, outcomes }
}

let locked: RedisServer
beforeAll(async () => void (locked = await startRedis({ flags: ['--requirepass', 'right'] })))
afterAll(() => locked[Symbol.asyncDispose]())

const isConnected = (store: Store) => store.usage()[0]?.degraded === false
const connected = (store: Store) => until(() => isConnected(store), 'the store is connected')

/** Waits until something is found again, by trying as requests do. */
const works = (store: Store) =>
  until(async () => {
    await store.set('again', response('x'), 60_000)
    const found = await store.get('again')
    return found !== undefined && found !== 'unknown'
  }, 'the store works again')

async function timed<T>(operation: () => T | Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const result = await operation()
  expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS * 10 + SLACK_MS)
  return result
}

/** Nothing rejects, and look-ups are `unknown`; once the breaker is open, nothing is even sent. */
async function failsQuietly({ store, states }: ReturnType<typeof storeOn>): Promise<void> {
  for (let n = 0; n < 6; n++) expect(await timed(() => store.get('k'))).toBe('unknown')
  expect(await timed(() => store.getMany(['k', 'l']))).toEqual(['unknown', 'unknown'])
  await timed(() => store.set('k', response('x'), 60_000))
  await timed(() => store.setMany([{ key: 'k', stored: response('x'), keepForMs: 60_000 }]))
  await timed(() => store.delete('k'))
  await timed(() => store.deleteMany(['k', 'l']))
  await timed(() => store.clear())
  expect(states.at(-1)).toBe('redis degraded')
  expect(store.usage()[0]?.degraded).toBe(true)
}

test('without Redis at the start nothing fails, and the store works once Redis is up', async () => {
  const port = await freePort()
  const at = storeOn(`redis://127.0.0.1:${port}`)
  await failsQuietly(at)
  await using _ = await startRedis({ port })
  await works(at.store)
  expect(at.states).toEqual(['redis degraded', 'redis working'])
  await at.store.close()
})

test.each([
  [
    'that does not run',
    async () => `redis://127.0.0.1:${await freePort()}`,
    /^not connected: connect ECONNREFUSED 127/,
  ],
  [
    'none of whose addresses answers',
    async () => {
      const addresses: LookupAddress[] = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }))
      vi.spyOn(dns, 'lookup').mockImplementation((...args: unknown[]) => {
        const found = args.at(-1) as (error: null, addresses: LookupAddress[]) => void
        found(null, addresses)
      })
      return `redis://redis.test:${await freePort()}`
    },
    /^not connected: connect E\w+ 127\.0\.0\.1:\d+; connect E\w+ 127\.0\.0\.2:/,
  ],
  ['that refuses the password', async () => `redis://:wrong@127.0.0.1:${locked.port}`, /^not connected: WRONGPASS /],
])('of a Redis %s the store reports why there is no connection', async (_, urlOf, why) => {
  const client = connectRedis(await urlOf())
  const events = new Events()
  const reasons: string[] = []
  events.on('tier', (tier) => void reasons.push(tier.why))
  const store = redisStore({ client, events })
  await once(client, 'error')
  for (let n = 0; n < 6; n++) await store.get('k')
  expect(reasons).toEqual([expect.stringMatching(why)])
  await store.close()
  client.disconnect()
})

test('after Redis is killed and comes back empty, its copies are misses', async () => {
  await using redis = await startRedis()
  const at = storeOn(redis.url)
  await connected(at.store)
  await at.store.set('k', response('x'), 60_000)
  await redis.kill()
  await failsQuietly(at)
  await redis.restart()
  await works(at.store)
  await until(async () => (await at.store.get('k')) !== 'unknown', 'k is found or reported missing')
  expect(await at.store.get('k')).toBeUndefined()
  await at.store.close()
})

test('the store reports that Redis is back, even if nobody asks it for anything', async () => {
  await using redis = await startRedis()
  const at = storeOn(redis.url)
  await connected(at.store)
  await redis.kill()
  await failsQuietly(at)
  await redis.restart()
  await connected(at.store)
  expect(at.states).toEqual(['redis degraded', 'redis working'])
  await at.store.close()
})

test('the store reports that Redis is back after it was late for a moment and stayed connected', async () => {
  await using redis = await startRedis()
  const clock = new FakeClock()
  const at = storeOn(redis.url, { clock })
  await connected(at.store)
  redis.pause()
  const asked = Array.from({ length: 5 }, () => at.store.get('k'))
  await clock.advance(DEADLINE_MS)
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['unknown']))
  expect(at.states).toEqual(['redis degraded'])
  redis.resume()
  await until(async () => {
    await clock.advance(1_000)
    return isConnected(at.store)
  }, 'it is tried')
  expect(at.states).toEqual(['redis degraded', 'redis working'])
  await at.store.close()
})

test('pending operations are answered when Redis is killed', async () => {
  await using redis = await startRedis()
  const { store } = storeOn(redis.url, { deadline: '30s' })
  await connected(store)
  redis.pause()
  const asked = [store.get('k'), store.getMany(['k', 'l']), store.set('k', response('x'), 60_000), store.delete('k')]
  await redis.kill()
  expect(await timed(() => Promise.all(asked))).toEqual(['unknown', ['unknown', 'unknown'], 'lost', undefined])
  await store.close()
})

test('a Redis that stops answering costs a few deadlines, then nothing, until it answers again', async () => {
  await using redis = await startRedis()
  const at = storeOn(redis.url)
  await connected(at.store)
  redis.pause()
  await failsQuietly(at)
  let waits = 0
  for (let n = 0; n < 1_000; n++) {
    const askedAt = performance.now()
    expect(await at.store.get('k')).toBe('unknown')
    if (performance.now() - askedAt >= DEADLINE_MS) waits++
  }
  expect(waits).toBeLessThan(50) // the trials of the breaker
  redis.resume()
  await works(at.store)
  await at.store.close()
})

test('a look-up that takes longer than the deadline is unknown', async () => {
  await using redis = await startRedis({ flags: ['--enable-debug-command', 'yes'] })
  const { store, outcomes } = storeOn(redis.url, { deadline: '50ms' })
  await connected(store)
  const slept = redis.cli('debug', 'sleep', '1')
  await until(async () => (await store.get('k')) === 'unknown', 'a look-up times out')
  await slept
  await works(store)
  expect(outcomes).toContain('get unknown')
  await store.close()
})

test('with a long deadline a late answer is still used, and its connection is not given up before it', async () => {
  await using redis = await startRedis()
  const { store } = storeOn(redis.url, { deadline: '30s' })
  await connected(store)
  await store.set('k', response('x'), 60_000)
  redis.pause()
  const asked = store.get('k')
  await new Promise((resolve) => setTimeout(resolve, 3_000)) // real time: the test is about a late answer
  redis.resume()
  expect(await asked).toMatchObject({ kind: 'response' })
  await store.close()
})

test('when Redis has become a replica, writes are lost and a new connection is made', async () => {
  await using redis = await startRedis()
  await using other = await startRedis()
  const { store, outcomes } = storeOn(redis.url, { deadline: '5s' })
  await connected(store)
  await redis.cli('replicaof', '127.0.0.1', String(other.port))
  await store.set('k', response('x'), 60_000)
  expect(outcomes).toEqual(['set error'])
  await redis.cli('replicaof', 'no', 'one')
  await works(store)
  await store.close()
})

test('when Redis is full and evicts nothing, writes are lost and look-ups still work', async () => {
  await using redis = await startRedis({ flags: ['--maxmemory-policy', 'noeviction'] })
  const { store, states, outcomes } = storeOn(redis.url, { deadline: '5s' })
  await connected(store)
  await store.set('k', response('kept'), 60_000)
  await redis.cli('config', 'set', 'maxmemory', '1')
  for (let n = 0; n < 10; n++) await store.set(`l${n}`, response('x'), 60_000)
  expect(await store.get('k')).toMatchObject({ kind: 'response' })
  expect(outcomes.filter((outcome) => outcome === 'set error')).toHaveLength(10)
  expect([states, isConnected(store)]).toEqual([[], true])
  await store.delete('k')
  expect(await store.get('k')).toBeUndefined()
  await store.close()
})

test('after Redis is flushed, its copies are misses', async () => {
  await using redis = await startRedis()
  const { store } = storeOn(redis.url, { deadline: '5s' })
  await connected(store)
  await store.set('k', response('x'), 60_000)
  await redis.cli('flushall')
  expect(await store.get('k')).toBeUndefined()
  await works(store)
  await store.close()
})

test('with a Redis user that lacks permissions nothing fails', async () => {
  await using redis = await startRedis({ flags: ['--user', 'default', 'on', 'nopass', '~*', '+@connection', '+get'] })
  const at = storeOn(redis.url)
  await until(() => isConnected(at.store), 'it is connected')
  await failsQuietly(at)
  await at.store.close()
})

test('when the connection is cut again and again, nothing fails and the store recovers', async () => {
  await using redis = await startRedis()
  const { store } = storeOn(redis.url, { deadline: '5s' })
  await connected(store)
  for (let n = 0; n < 5; n++) {
    const asked = Promise.all(Array.from({ length: 50 }, (_, key) => store.get(`${key}`)))
    await redis.cli('client', 'kill', 'type', 'normal', 'skipme', 'yes')
    for (const kept of await asked) expect([undefined, 'unknown']).toContain(kept)
    await works(store)
  }
  await store.close()
})

test('pending writes are bounded in number and bytes; more are dropped', async () => {
  await using redis = await startRedis()
  const { store, outcomes } = storeOn(redis.url, { deadline: '60s', maxObjectBytes: '8MiB' })
  await connected(store)
  redis.pause()
  const many = Array.from({ length: 1_200 }, (_, n) => store.set(`${n}`, response('x'), 60_000))
  await until(() => outcomes.length > 0, 'some were dropped')
  expect(outcomes).toEqual(Array.from({ length: 200 }, () => 'set dropped'))
  redis.resume()
  await Promise.all(many)
  expect(outcomes.filter((outcome) => outcome === 'set ok')).toHaveLength(1_000)

  outcomes.length = 0
  redis.pause()
  const large = Array.from({ length: 10 }, (_, n) => store.set(`${n}`, response('x'.repeat(2 ** 22)), 60_000))
  redis.resume()
  await Promise.all(large)
  expect(outcomes.filter((outcome) => outcome === 'set dropped')).toHaveLength(6)
  await store.close()
})

test('a client given by the caller is used, and not closed', async () => {
  await using redis = await startRedis()
  const client = connectRedis(redis.url)
  await until(() => isReady(client), 'the client is connected')
  const store = redisStore({ client, deadline: '5s' })
  await store.set('k', response('x'), 60_000)
  expect(((await store.get('k')) as StoredResponse).status).toBe(200)
  await store.close()
  expect(await client.ping()).toBe('PONG')
  client.disconnect()
})
