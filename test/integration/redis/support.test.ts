import { expect, test } from 'vitest'
import { startRedis } from '../../support/redis.ts'

test('a test server can be killed, restarted empty on its port, and paused', async () => {
  await using redis = await startRedis()
  expect(await redis.cli('set', 'k', 'v')).toBe('OK')
  await redis.kill()
  await expect(redis.cli('ping')).rejects.toThrow('Connection refused')
  await redis.restart()
  expect(await redis.cli('get', 'k')).toBe('')
  redis.pause()
  const answer = redis.cli('ping')
  redis.resume()
  expect(await answer).toBe('PONG')
})
