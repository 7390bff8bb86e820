import { expect, test } from 'vitest'
import type { Statistics } from '../../src/cache/statistics.ts'
import { type EventPayloads, Events } from '../../src/events.ts'
import { createLive, MAX_WATCHERS, type Snapshot } from '../../src/live/live.ts'
import { BOUNDS_MS } from '../../src/live/interval.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { requestEvent } from '../support/request-event.ts'

/** Events that count their listeners. */
class CountedEvents extends Events {
  listeners = 0

  override on<Name extends keyof EventPayloads>(name: Name, listener: (payload: EventPayloads[Name]) => void) {
    this.listeners++
    const off = super.on(name, listener)
    return () => {
      this.listeners--
      off()
    }
  }
}

function rig() {
  const clock = new FakeClock()
  const events = new CountedEvents()
  const now = { waiting: 0, inFlight: 0, looks: 0 }
  const live = createLive({
    events,
    clock,
    stats: () => {
      now.looks++
      return { waiting: now.waiting } as Statistics
    },
    synced: () => true,
    originUsage: () => [{ origin: 'api', inFlight: now.inFlight, queued: 0 }],
  })
  const seen: Snapshot[] = []
  return { clock, events, now, live, seen, watch: () => live.watch((snapshot) => void seen.push(snapshot)) }
}

test('without watchers it listens to nothing and runs no timer; it stops with the last watcher', async () => {
  const it = rig()
  await it.clock.advance(5_000)
  expect([it.events.listeners, it.now.looks]).toEqual([0, 0])

  const first = it.watch()
  const second = it.watch()
  expect(it.events.listeners).toBe(3)
  first?.()
  first?.()
  await it.clock.advance(1_000)
  expect(it.seen).toHaveLength(1)
  second?.()
  const { looks } = it.now
  await it.clock.advance(5_000)
  expect([it.events.listeners, it.now.looks, it.seen.length]).toEqual([0, looks, 1])
})

test('each watcher gets a snapshot a second, with what happened since the last', async () => {
  const it = rig()
  it.watch()
  it.watch()
  it.events.emit('request', requestEvent())
  it.events.emit('request', requestEvent({ outcome: { result: 'miss' } }))
  await it.clock.advance(1_000)
  await it.clock.advance(1_000)
  expect(it.seen.map(({ requests: { hit, miss } }) => [hit, miss])).toEqual([
    [1, 1],
    [1, 1],
    [0, 0],
    [0, 0],
  ])
  expect(it.seen[2]).toMatchObject({ at: it.clock.now(), elapsedMs: 1_000, synced: true })
})

test("times are the machine's, although its clock was set after the process began", async () => {
  const it = rig()
  it.clock.correct(3_600_000)
  it.watch()
  it.events.emit('request', requestEvent())
  const at = it.clock.wall()
  await it.clock.advance(1_000)
  expect(it.seen).toMatchObject([{ at: at + 1_000, elapsedMs: 1_000, recent: [{ at }] }])
})

test('the number of watchers is limited, and one that leaves makes room', () => {
  const { live } = rig()
  const leave = Array.from({ length: MAX_WATCHERS }, () => live.watch(() => {}))
  expect(live.watch(() => {})).toBeUndefined()
  leave[0]?.()
  expect(live.watch(() => {})).toBeDefined()
})

test('a watcher that leaves during a snapshot does not keep it from the others', async () => {
  const it = rig()
  const leave = it.live.watch(() => leave?.())
  it.watch()
  await it.clock.advance(2_000)
  expect(it.seen).toHaveLength(2)
})

test('a herd that came and went within a second is reported at its peak', async () => {
  const it = rig()
  it.watch()
  await it.clock.advance(300)
  Object.assign(it.now, { waiting: 100, inFlight: 1 })
  await it.clock.advance(300)
  Object.assign(it.now, { waiting: 0, inFlight: 0 })
  await it.clock.advance(1_400)
  expect(it.seen.map(({ herd }) => herd)).toEqual([
    { waiting: 100, fetching: 1 },
    { waiting: 0, fetching: 0 },
  ])
})

async function snapshotOf(happen: (events: Events) => void): Promise<Snapshot> {
  const it = rig()
  it.watch()
  happen(it.events)
  await it.clock.advance(1_000)
  const [snapshot] = it.seen
  if (snapshot === undefined) throw new Error('no snapshot')
  return snapshot
}

test('time to first byte, from cache and origin, has bounds that grow by a constant factor', async () => {
  expect([BOUNDS_MS[0], BOUNDS_MS[4], BOUNDS_MS[16], BOUNDS_MS.at(-1)]).toEqual([0.1, 1, 1000, 31_622.78])
  const { latency } = await snapshotOf((events) => {
    for (const firstByteMs of [0, 0.1, 1]) events.emit('request', requestEvent({ firstByteMs }))
    events.emit('request', requestEvent({ firstByteMs: 1.01, outcome: { result: 'stale_if_error' } }))
    events.emit('request', requestEvent({ firstByteMs: 900, outcome: { result: 'collapsed' } }))
    events.emit('request', requestEvent({ firstByteMs: 99_999, outcome: { result: 'miss' } }))
    events.emit('request', requestEvent({ firstByteMs: 1, outcome: { result: 'error' } }))
  })
  const filled = (counts: readonly number[]) => counts.flatMap((count, at) => (count > 0 ? [[at, count]] : []))
  expect([filled(latency.hit), filled(latency.miss)]).toEqual([
    [
      [0, 2],
      [4, 1],
      [5, 1],
    ],
    [
      [16, 1],
      [BOUNDS_MS.length, 1],
    ],
  ])
})

test('origins have counts of requests and failures, and times', async () => {
  const asked = { origin: 'api', route: 'r', reason: 'uri-miss' } as const
  const { origins } = await snapshotOf((events) => {
    for (const code of ['200', '304', '404', '503', 'origin_reset']) events.emit('origin', { ...asked, code, ms: 10 })
    events.emit('origin', { ...asked, code: '200', ms: 40 })
    events.emit('origin', { ...asked, origin: 'another', code: '200', ms: 1 })
  })
  expect(origins).toEqual([{ origin: 'api', inFlight: 0, queued: 0, requests: 6, failures: 2, meanMs: 15 }])
})

test('that a client leaves, or that no place is free, is no failure of the origin, as in the alert about it', async () => {
  const asked = { origin: 'api', route: 'r', reason: 'bypass', ms: 10 } as const
  const { origins } = await snapshotOf((events) => {
    for (const code of ['client_gone', 'overloaded', 'origin_timeout']) events.emit('origin', { ...asked, code })
  })
  expect(origins).toMatchObject([{ requests: 3, failures: 1 }])
})

test('evictions are counted by tier and reason', async () => {
  const { evictions } = await snapshotOf((events) => {
    for (let at = 0; at < 3; at++) events.emit('eviction', { tier: 'memory', reason: 'size' })
    events.emit('eviction', { tier: 'disk', reason: 'size' })
    events.emit('eviction', { tier: 'disk', reason: 'purged', count: 7 })
  })
  expect(evictions).toEqual([
    { tier: 'memory', reason: 'size', count: 3 },
    { tier: 'disk', reason: 'size', count: 1 },
    { tier: 'disk', reason: 'purged', count: 7 },
  ])
})

test('the sample of requests is small, and hits leave room for the rest', async () => {
  const { recent, requests } = await snapshotOf((events) => {
    for (let at = 0; at < 10_000; at++) events.emit('request', requestEvent())
    for (let at = 0; at < 100; at++) events.emit('request', requestEvent({ outcome: { result: 'miss' } }))
  })
  expect(requests).toMatchObject({ hit: 10_000, miss: 100 })
  const countOf = (result: string) => recent.filter(({ outcome }) => outcome.result === result).length
  expect([countOf('hit'), countOf('miss')]).toEqual([30, 20])
})

test('a long URL is truncated, and marked as such', async () => {
  const url = `http://a.test/${'x'.repeat(10_000)}`
  const { recent } = await snapshotOf((events) => events.emit('request', requestEvent({ url })))
  expect(recent).toMatchObject([{ url: url.slice(0, 2048), cut: true, method: 'GET', status: 200, firstByteMs: 0.6 }])
})
