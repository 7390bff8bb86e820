/** Nobody waits for what Redis does not accept: the caches that share it load it for themselves, in parallel. */
import { expect, test } from 'vitest'
import { createCache } from '../../../src/library/embed.ts'
import type { Store } from '../../../src/model.ts'
import { localLog } from '../../../src/stores/memory/log.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import { redisLeases } from '../../../src/stores/redis/leases.ts'
import { redisStore } from '../../../src/stores/redis/store.ts'
import { tiered } from '../../../src/stores/tiered.ts'
import { response } from '../../stores/store-contract.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { until } from '../../support/waiting.ts'

const MAX_OBJECT_BYTES = 1_000

/** Caches with a memory tier each, which load what the test gives them. */
async function fleet({ url }: RedisServer, count: number) {
  const log = localLog({ generation: 'g' })
  const loads: PromiseWithResolvers<unknown>[] = []
  const load = () => {
    const loading = Promise.withResolvers<unknown>()
    loads.push(loading)
    return loading.promise
  }
  const nodes = Array.from({ length: count }, () => {
    const far = redisStore({ url, deadline: '5s', maxObjectBytes: MAX_OBJECT_BYTES })
    const leases = redisLeases({ url, deadline: '5s', life: '30s', maxWait: '60s' })
    const store = tiered(memoryStore({ maxBytes: '8MiB' }), far)
    const cache = createCache({ store, log, sharing: { leases, maxObjectBytes: MAX_OBJECT_BYTES } })
    const isReady = async () => {
      const answer = await leases.take('ready')
      if (answer.kind === 'held') await answer.lease.release('stored')
      return answer.kind !== 'unavailable' && far.usage()[0]?.degraded === false
    }
    return { cache, isReady }
  })
  for (const { isReady } of nodes) await until(isReady, 'it is connected')
  const caches = nodes.map(({ cache }) => cache)
  const close = async () => void (await Promise.all(caches.map((cache) => cache.close())))
  return { caches, loads, load, [Symbol.asyncDispose]: close }
}

/** One of them loads, and all the others wait. */
async function allAsk(redis: RedisServer, { caches, loads, load }: Awaited<ReturnType<typeof fleet>>) {
  const nodes = String(caches.length)
  await until(async () => (await redis.cli('pubsub', 'numsub', 'herdgate:fetched')).endsWith(nodes), 'all listen')
  const all = [caches[0]?.getOrSet('k', load)]
  await until(() => loads.length === 1, 'one loads')
  const took = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.cli('info', 'commandstats'))?.[1])
  const before = await took()
  for (const cache of caches.slice(1)) all.push(cache.getOrSet('k', load))
  await until(async () => (await took()) - before >= caches.length - 1, 'the others wait')
  return all
}

test.each<[string, unknown]>([
  ['is too long together with its head', 'x'.repeat(MAX_OBJECT_BYTES - 30)],
  ['is not plain data', new Date()],
])('a value that %s is loaded by every cache in parallel', async (_, value) => {
  await using redis = await startRedis()
  await using caches = await fleet(redis, 4)
  const all = await allAsk(redis, caches)
  caches.loads[0]?.resolve(value)
  await until(() => caches.loads.length === 4, 'every cache loads')
  for (const { resolve } of caches.loads) resolve(value)
  expect(await Promise.all(all)).toEqual([value, value, value, value])
})

test('a value for a full Redis is loaded by every cache in parallel', async () => {
  await using redis = await startRedis({ flags: ['--maxmemory-policy', 'noeviction'] })
  await using caches = await fleet(redis, 4)
  const all = await allAsk(redis, caches)
  await redis.cli('config', 'set', 'maxmemory', '1')
  caches.loads[0]?.resolve('v')
  await until(() => caches.loads.length === 4, 'every cache loads')
  for (const { resolve } of caches.loads) resolve('v')
  expect(await Promise.all(all)).toEqual(['v', 'v', 'v', 'v'])
})

test('a store on Redis reports what it has not stored', async () => {
  await using redis = await startRedis({ flags: ['--maxmemory-policy', 'noeviction'] })
  const store: Store = redisStore({ url: redis.url, deadline: '5s', maxObjectBytes: MAX_OBJECT_BYTES })
  await until(() => store.usage()[0]?.degraded === false, 'it is connected')
  expect(await store.set('k', response('x'), 60_000)).toBeUndefined()
  expect(await store.set('k', response('x'.repeat(MAX_OBJECT_BYTES)), 60_000)).toBe('lost')
  await redis.cli('config', 'set', 'maxmemory', '1')
  expect(await store.set('k', response('x'), 60_000)).toBe('lost')
  await store.close()
  expect(await store.set('k', response('x'), 60_000)).toBe('lost')
})
