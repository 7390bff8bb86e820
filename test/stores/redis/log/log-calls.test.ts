import { expect, test } from 'vitest'
import type { RedisClient } from '../../../../src/stores/redis/connection.ts'
import { RedisLogCalls } from '../../../../src/stores/redis/log/log-calls.ts'
import { settle } from '../../../support/fake-clock.ts'

/** Calls to a Redis with this many replicas; the test completes each WAIT with the number of replicas in time. */
async function withReplicas(count: number) {
  const waits: ((inTime: number) => void)[] = []
  const client = {
    info: () => Promise.resolve(`connected_slaves:${count}\r\nmaxmemory_policy:noeviction\r\n`),
    wait: () => new Promise<number>((resolve) => void waits.push(resolve)),
  } as unknown as RedisClient
  const calls = new RedisLogCalls(client, { prefix: 'p', node: 'n', lease: 5_000, maxTargets: 100 }, () => [])
  await calls.isEvictable()
  let replicated = 0
  const replicate = (times: number) => {
    for (let time = 0; time < times; time++) void calls.replicate().then(() => replicated++)
    return settle()
  }
  const answer = (inTime: number) => {
    waits.at(-1)?.(inTime)
    return settle()
  }
  return { calls, waits, replicate, answer, replicated: () => replicated }
}

test('one WAIT for a replica runs at a time: later callers share the next one', async () => {
  const { waits, replicate, answer, replicated } = await withReplicas(1)
  await replicate(1)
  await replicate(100)
  expect(waits).toHaveLength(1)
  await answer(1)
  expect([waits.length, replicated()]).toEqual([2, 1])
  await answer(1)
  expect([waits.length, replicated()]).toEqual([2, 101])
})

test('a replica that was late or has gone is not waited for until the next check', async () => {
  const { calls, waits, replicate, answer, replicated } = await withReplicas(1)
  await replicate(1)
  await replicate(100)
  await answer(0)
  await replicate(100)
  expect([waits.length, replicated()]).toEqual([1, 201])
  await calls.isEvictable()
  await replicate(1)
  expect(waits).toHaveLength(2)
})
