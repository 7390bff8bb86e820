import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Store } from '../../../src/model.ts'
import { redisStore } from '../../../src/stores/redis/store.ts'
import { response } from '../../stores/store-contract.ts'
import { type RedisSentinels, SENTINELS_REST_MS, startRedisSentinels } from '../../support/redis-sentinel.ts'
import { until } from '../../support/waiting.ts'

let redis: RedisSentinels
beforeAll(async () => {
  redis = await startRedisSentinels()
})
afterAll(() => redis.stop())

const works = (store: Store) =>
  until(async () => {
    await store.set('again', response('x'), 60_000)
    const found = await store.get('again')
    return found !== undefined && found !== 'unknown'
  }, 'the store works')

test(
  'when a replica takes over from a dead master the store follows it, and stays when the old master is back',
  async () => {
    const store = redisStore({ url: redis.url, deadline: '5s' })
    const [master, replica] = redis.servers
    await works(store)
    await store.set('k', response('x'), 600_000)
    await until(async () => Number(await replica.cli('dbsize')) === 2, 'the replica has it')

    await master.kill()
    for (let n = 0; n < 10; n++) {
      expect(['unknown', undefined]).toContain(await store.get('never set'))
      await store.set('l', response('x'), 600_000)
    }
    await until(async () => (await redis.masterPort()) === replica.port, 'the Sentinels agree', SENTINELS_REST_MS)
    await works(store)
    await until(async () => (await store.get('k')) !== 'unknown', 'k is found or reported missing')
    expect(await store.get('k')).toMatchObject({ kind: 'response' })

    await master.restart()
    await until(
      async () => {
        const role = await master.cli('role').catch(() => '') // closed by a Sentinel that makes it a replica
        return role.startsWith('slave')
      },
      'the old master follows the new',
      SENTINELS_REST_MS,
    )
    await store.set('m', response('x'), 600_000)
    await works(store)
    expect(await replica.cli('role')).toMatch(/^master/)
    await store.close()
  },
  2 * SENTINELS_REST_MS,
)

test('one Sentinel may be down', async () => {
  await redis.sentinels[0]!.kill()
  const store = redisStore({ url: redis.url, deadline: '500ms' })
  await works(store)
  await store.close()
})
