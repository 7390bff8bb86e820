import { expect, test } from 'vitest'
import { Counts } from '../../src/cache/statistics.ts'
import { Events } from '../../src/events.ts'
import { requestEvent } from '../support/request-event.ts'

test("a route's usual origin time is that of its answers, not of failures", () => {
  const events = new Events()
  const counts = new Counts(events)
  const ask = (code: string, ms: number) =>
    events.emit('origin', { origin: 'api', route: 'r', reason: 'stale', code, ms })
  ask('origin_timeout', 30_000)
  ask('200', 40)
  ask('origin_timeout', 30_000)
  ask('origin_refused', 0)
  ask('503', 40)
  events.emit('request', requestEvent({ route: 'r', outcome: { result: 'stale_if_error' } }))
  expect(counts).toMatchObject({ originRequests: 5, originTimeSavedMs: 40 })
})
