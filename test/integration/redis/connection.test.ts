import { once } from 'node:events'
import { expect, test } from 'vitest'
import { connectRedis, isReady, type RedisClient } from '../../../src/stores/redis/connection.ts'
import { deadPort } from '../../support/raw-origin.ts'
import { freePort, startRedis } from '../../support/redis.ts'
import { until } from '../../support/waiting.ts'

/** A socket timeout longer than any stall of the machine. */
const PATIENT = { socketTimeoutMs: 60_000 }

const ready = (client: RedisClient) => until(() => isReady(client), 'the client is connected')

test('commands without a connection fail at once, and the client connects once the server is up', async () => {
  const port = await freePort()
  const client = connectRedis(`redis://127.0.0.1:${port}`, PATIENT)
  const askedAt = performance.now()
  await expect(client.get('k')).rejects.toThrow("isn't writeable")
  expect(performance.now() - askedAt).toBeLessThan(10_000)
  await using redis = await startRedis({ port })
  await ready(client)
  expect(await client.set('k', 'v')).toBe('OK')
  await redis.kill()
  await until(() => !isReady(client), 'the loss is noticed')
  await expect(client.get('k')).rejects.toThrow("isn't writeable")
  await redis.restart()
  await ready(client)
  expect(await client.get('k')).toBeNull()
  client.disconnect()
})

test('when a server stops answering, its connection is closed and pending commands fail without a retry', async () => {
  await using redis = await startRedis()
  const client = connectRedis(redis.url, { socketTimeoutMs: 1_500 })
  await ready(client)
  redis.pause()
  await expect(client.incr('n')).rejects.toThrow()
  redis.resume()
  await ready(client)
  expect(Number(await client.get('n'))).toBeLessThanOrEqual(1)
  client.disconnect()
})

test('user, password and database come from the URL', async () => {
  await using redis = await startRedis({
    flags: ['--requirepass', 'p@ss/word', '--user', 'u', 'on', '>x', '~*', '+@all'],
  })
  const url = `redis://:p%40ss%2Fword@127.0.0.1:${redis.port}/3`
  const client = connectRedis(url, { ...PATIENT, name: 'herdgate-test' })
  await ready(client)
  await client.set('k', 'v')
  expect(await client.client('INFO')).toMatch(/ name=herdgate-test .* db=3 /)
  const other = connectRedis(`redis://u:x@127.0.0.1:${redis.port}/3`, PATIENT)
  await ready(other)
  expect(await other.get('k')).toBe('v')
  client.disconnect()
  other.disconnect()
})

test('the connection to a server that has become a replica is closed, and a new one is made', async () => {
  await using redis = await startRedis()
  await using other = await startRedis()
  const client = connectRedis(redis.url, PATIENT)
  await ready(client)
  await redis.cli('replicaof', '127.0.0.1', String(other.port))
  const givenUp = once(client, 'close')
  await expect(client.set('k', 'v')).rejects.toThrow('READONLY')
  await givenUp
  await redis.cli('replicaof', 'no', 'one')
  await ready(client)
  expect(await client.set('k', 'v')).toBe('OK')
  client.disconnect()
})

test('when a replica refuses many commands at once, the connection is closed once, not for each', async () => {
  await using redis = await startRedis()
  const client = connectRedis(redis.url, PATIENT)
  await ready(client)
  await redis.cli('replicaof', '127.0.0.1', String(await deadPort()))
  const warnings: string[] = []
  const note = ({ message }: Error) => void warnings.push(message)
  process.on('warning', note)
  const writes = await Promise.allSettled(Array.from({ length: 100 }, (_, at) => client.set(`k${at}`, 'v')))
  await ready(client)
  process.off('warning', note)
  expect(writes.every(({ status }) => status === 'rejected')).toBe(true)
  expect(warnings).toEqual([])
  client.disconnect()
})
