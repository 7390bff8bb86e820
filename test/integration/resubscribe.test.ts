import { expect, test } from 'vitest'
import { redisLeases } from '../../src/stores/redis/leases.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/waiting.ts'

test('a connection that is lost again before it has subscribed causes no unhandled rejection', async () => {
  await using server = await startRedis()
  await using proxy = await startFaultProxy({ port: server.port })
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  const subscribed = async () => /name=herdgate-endings .*sub=1/.test(await server.cli('CLIENT', 'LIST'))

  const leases = redisLeases({ url: `redis://127.0.0.1:${proxy.port}`, prefix: 'test' })
  await until(subscribed, 'it listens')
  proxy.set({ kind: 'reset' })
  await until(async () => !(await server.cli('CLIENT', 'LIST')).includes('herdgate-endings'), 'nobody is left')
  proxy.set({ kind: 'delay', ms: 300 })
  await until(subscribed, 'it would subscribe again') // its answer is on the way
  proxy.set({ kind: 'reset' })
  await until(() => proxy.connections === 0, 'nobody is left')
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  await leases.close()
  expect(unhandled).toEqual([])
})
