import { expect, test } from 'vitest'
import { Events, type LogEvent } from '../../../src/events.ts'
import { Upkeep } from '../../../src/stores/redis/upkeep.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'

test('Redis is checked every minute, as its policy and replicas may have changed', async () => {
  const clock = new FakeClock()
  const events = new Events()
  const told: LogEvent['what'][] = []
  events.on('log', ({ what }) => told.push(what))
  const said = { evictable: false as boolean | undefined, times: 0 }
  const isEvictable = () => {
    said.times++
    return Promise.resolve(said.evictable)
  }
  const known = { generation: '', position: 0, nonce: '' }
  const calls = { trim: () => Promise.resolve(0), isEvictable }
  const upkeep = new Upkeep({ calls, newest: { known }, clock, events, keepFor: 1_000 })
  const lookFor = async (ms: number) => {
    await clock.advance(ms)
    upkeep.runDue()
    await settle()
    return said.times
  }
  await upkeep.inspect()
  expect(await lookFor(59_999)).toBe(1)
  said.evictable = true
  expect(await lookFor(1)).toBe(2)
  expect([told, upkeep.degraded]).toEqual([['evictable'], [expect.stringContaining('evict')]])
  said.evictable = undefined // unavailable, so its policy may be unchanged
  expect(await lookFor(60_000)).toBe(3)
  expect([told, upkeep.degraded]).toEqual([['evictable'], [expect.stringContaining('evict')]])
})
