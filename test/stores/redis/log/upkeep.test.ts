import { expect, test } from 'vitest'
import { Events, type LogEvent } from '../../../../src/events.ts'
import { Upkeep } from '../../../../src/stores/redis/log/upkeep.ts'
import { FakeClock, settle } from '../../../support/fake-clock.ts'

test('Redis is checked every minute, as its policy and replicas may have changed', async () => {
  const clock = new FakeClock()
  const events = new Events()
  const emitted: LogEvent['what'][] = []
  events.on('log', ({ what }) => emitted.push(what))
  const redis = { evictable: false as boolean | undefined, times: 0 }
  const isEvictable = () => {
    redis.times++
    return Promise.resolve(redis.evictable)
  }
  const known = { generation: '', position: 0, nonce: '' }
  const calls = { trim: () => Promise.resolve(0), isEvictable }
  const upkeep = new Upkeep({ calls, newest: { known }, clock, events, keepFor: 1_000 })
  const timesAfter = async (ms: number) => {
    await clock.advance(ms)
    upkeep.runDue()
    await settle()
    return redis.times
  }
  await upkeep.inspect()
  expect(await timesAfter(59_999)).toBe(1)
  redis.evictable = true
  expect(await timesAfter(1)).toBe(2)
  expect([emitted, upkeep.degraded]).toEqual([['evictable'], [expect.stringContaining('evict')]])
  redis.evictable = undefined // unavailable, so its policy may be unchanged
  expect(await timesAfter(60_000)).toBe(3)
  expect([emitted, upkeep.degraded]).toEqual([['evictable'], [expect.stringContaining('evict')]])
})
