import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Kept, Store } from '../../../src/model.ts'
import { redisStore } from '../../../src/stores/redis/store.ts'
import { bodyOf } from '../../stores/some-stored.ts'
import { response, storeContract } from '../../stores/store-contract.ts'
import { type RedisCluster, startRedisCluster } from '../../support/redis-cluster.ts'
import { until } from '../../support/waiting.ts'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterAll(() => cluster.stop())

async function emptyStore(deadline = '10s'): Promise<Store> {
  const store = redisStore({ url: cluster.url, deadline })
  await until(async () => !(await store.getMany(keys)).includes('unknown'), 'every master answers')
  await cluster.flush()
  return store
}

const keys = Array.from({ length: 300 }, (_, n) => `GET http://a.test/${n}`)
const textOf = (kept: Kept | undefined) => (kept === 'unknown' ? kept : bodyOf(kept)?.toString())
const keysOn = async () => Promise.all(cluster.masters.map(async (master) => Number(await master.cli('dbsize'))))

storeContract('redisStore on a cluster', () => emptyStore(), { exactUsage: false })

test('every master holds its share, and batches are read and removed across all of them', async () => {
  const store = await emptyStore()
  await store.setMany(keys.map((key) => ({ key, stored: response(key), keepForMs: 60_000 })))
  for (const share of await keysOn()) expect(share).toBeGreaterThan(keys.length / 10)
  expect((await store.getMany(keys)).map(textOf)).toEqual(keys)
  await store.deleteMany(keys.slice(1))
  expect((await store.getMany(keys)).filter((kept) => kept !== undefined)).toHaveLength(1)
  await store.clear()
  expect(await keysOn()).toEqual([0, 0, 0])
  await store.close()
})

test('while slots move to another master under load, every answer is right and nothing is lost', async () => {
  const store = await emptyStore()
  const newest = new Map(keys.map((key) => [key, 0]))
  const versionOf = (key: string, version: number) => `${key} ${version}`
  await store.setMany(keys.map((key) => ({ key, stored: response(versionOf(key, 0)), keepForMs: 600_000 })))
  const moved = new AbortController()
  let reads = 0
  const wrong: unknown[] = []

  /** Works on keys of its own, so that it knows which version must be there. */
  const work = async (own: readonly string[]) => {
    for (let round = 1; !moved.signal.aborted; round++) {
      for (const key of own) {
        const before = textOf(await store.get(key))
        if (before !== versionOf(key, newest.get(key) ?? 0)) wrong.push([key, newest.get(key), before])
        reads++
        if (round % 2 === 0) {
          newest.set(key, round)
          await store.set(key, response(versionOf(key, round)), 600_000)
        }
      }
      const together = (await store.getMany(own)).map(textOf)
      const expected = own.map((key) => versionOf(key, newest.get(key) ?? 0))
      if (together.some((text, at) => text !== expected[at])) wrong.push(together)
    }
  }
  const workers = [0, 1, 2, 3].map((worker) => work(keys.filter((_, at) => at % 4 === worker)))
  const [first, second, third] = cluster.masters
  await cluster.reshard(first!, second!, 1_000)
  await cluster.reshard(third!, first!, 1_000)
  moved.abort()
  await Promise.all(workers)
  expect(wrong).toEqual([])
  expect(reads).toBeGreaterThan(keys.length)
  await store.close()
})

test('when one master is down the others still answer, and its share works again when it is back', async () => {
  const store = await emptyStore('200ms')
  await store.setMany(keys.map((key) => ({ key, stored: response(key), keepForMs: 600_000 })))
  const lost = cluster.masters[2]!
  await lost.kill()
  const share = async () => {
    const found = await store.getMany(keys.slice(0, 60))
    return found.filter((kept) => kept !== undefined && kept !== 'unknown').length
  }
  await until(async () => (await share()) > 20, 'the others answer')
  expect((await store.getMany(keys)).filter((kept) => kept === 'unknown').length).toBeGreaterThan(0)
  await lost.restart()
  await until(async () => !(await store.getMany(keys)).includes('unknown'), 'all answer')
  await until(async () => {
    await store.setMany(keys.map((key) => ({ key, stored: response(key), keepForMs: 600_000 })))
    return (await store.getMany(keys)).every((kept, at) => textOf(kept) === keys[at])
  }, 'all can be written')
  await store.close()
})

test('while the whole cluster is down look-ups are unknown, and it works again when it is back', async () => {
  const store = await emptyStore('200ms')
  await Promise.all(cluster.masters.map((master) => master.kill()))
  for (let n = 0; n < 10; n++) {
    expect(await store.get(keys[n]!)).toBe('unknown')
    await store.set(keys[n]!, response('x'), 60_000)
  }
  expect(store.usage()[0]?.degraded).toBe(true)
  await Promise.all(cluster.masters.map((master) => master.restart()))
  await until(async () => {
    await store.set('k', response('x'), 60_000)
    return textOf(await store.get('k')) === 'x'
  }, 'it works again')
  await store.close()
})
