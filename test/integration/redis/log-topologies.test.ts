import type { Cluster } from 'ioredis'
import { expect, test } from 'vitest'
import type { FetchLeases, Lease } from '../../../src/model.ts'
import { connectRedis, isCluster, type RedisConnectionOptions } from '../../../src/stores/redis/connection.ts'
import { redisLeases } from '../../../src/stores/redis/leases.ts'
import { type RedisLog, redisLog } from '../../../src/stores/redis/log.ts'
import { redisStore } from '../../../src/stores/redis/store.ts'
import { startRedisCluster } from '../../support/redis-cluster.ts'
import { SENTINELS_REST_MS, startRedisSentinels } from '../../support/redis-sentinel.ts'
import { until } from '../../support/waiting.ts'

const synced = (...logs: RedisLog[]) => until(() => logs.every((log) => log.synced), 'every log is synced')

test('on a cluster the log is in one slot, and each lease in the slot of its key', async () => {
  await using cluster = await startRedisCluster()
  const [first, second] = [redisLog({ url: cluster.url }), redisLog({ url: cluster.url })]
  const [one, other] = [
    redisLeases({ url: cluster.url, deadline: '10s' }),
    redisLeases({ url: cluster.url, deadline: '10s' }),
  ]
  try {
    await synced(first, second)
    const receipt = await first.append('purge', { tags: ['t'] })
    expect(receipt.nodes).toEqual({ expected: 2, acked: 2 })
    expect(second.position).toBe(receipt.position)
    for (const key of ['a', 'b', 'c', 'd']) await handOver(one, other, key)
  } finally {
    await Promise.all([first.close(), second.close(), one.close(), other.close()])
  }
})

async function handOver(one: FetchLeases, other: FetchLeases, key: string): Promise<void> {
  await (await held(other, key)).release('stored') // connects it to the server of the key
  const lease = await held(one, key)
  const asked = other.take(key)
  await lease.release('stored')
  expect(['stored', 'held']).toContain((await asked).kind)
}

async function held(leases: FetchLeases, key: string): Promise<Lease> {
  const granted: Lease[] = []
  await until(async () => {
    const answer = await leases.take(key)
    if (answer.kind === 'held') granted.push(answer.lease)
    return answer.kind === 'held'
  }, 'it has the lease')
  const [lease] = granted
  if (lease === undefined) throw new Error('no lease')
  return lease
}

test('when a replica takes over from the only master of a cluster, log, store and leases find it', async () => {
  await using cluster = await startRedisCluster(1)
  const [master] = cluster.masters
  await using replica = await cluster.addReplica(master!)
  const clients: Cluster[] = []
  const connect = (options: RedisConnectionOptions) => {
    const client = connectRedis(`${cluster.url},127.0.0.1:${replica.port}`, options)
    if (isCluster(client)) clients.push(client)
    return client
  }
  const client = connect({})
  const store = redisStore({ client, deadline: '1s' })
  const [log, leases] = [redisLog({ connect }), redisLeases({ connect, deadline: '1s' })]
  try {
    await synced(log)
    const know = () => clients.every((each) => each.nodes('slave').length === 1)
    await until(know, 'all know of the replica')
    await master!.kill()
    await until(() => !log.synced, 'it is not synced')
    await replica.cli('cluster', 'failover', 'takeover')
    await synced(log)
    await until(async () => (await store.get('key')) === undefined, 'the store answers')
    await until(async () => (await leases.take('key')).kind === 'held', 'there are leases')
  } finally {
    await Promise.all([log.close(), leases.close(), store.close()])
    client.disconnect()
  }
})

const SURVIVES = 'behind Sentinels the log survives the loss of its master: acknowledged purges stay in effect'
test(SURVIVES, { timeout: 2 * SENTINELS_REST_MS }, async () => {
  await using sentinels = await startRedisSentinels()
  const options = { url: sentinels.url, purgeTimeout: '20s', appendTimeout: `${SENTINELS_REST_MS}ms` }
  const [first, second] = [redisLog(options), redisLog(options)]
  try {
    await synced(first, second)
    const { generation, position } = second
    const stamp = { url: 'u', tags: ['t'], generation, position, checked: position, startedAt: -Infinity }
    expect((await first.append('purge', { tags: ['t'] })).nodes.acked).toBe(2)
    await sentinels.servers[0].kill()
    const receipt = await first.append('purge', { tags: ['u'] })
    await until(() => first.position >= receipt.position && second.position >= receipt.position, 'both have applied it')
    await synced(first, second)
    expect(second.verdict(stamp)).toBe('dead')
    expect(second.generation).toBe(first.generation)
  } finally {
    await Promise.all([first.close(), second.close()])
  }
})
