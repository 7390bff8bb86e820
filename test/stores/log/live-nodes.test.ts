import { expect, test } from 'vitest'
import { FORGOTTEN_AFTER_LEASES, LiveNodes } from '../../../src/stores/log/live-nodes.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const LEASE_MS = 100
const LISTED_FOR_MS = FORGOTTEN_AFTER_LEASES * LEASE_MS

function nodes() {
  const clock = new FakeClock()
  const live = new LiveNodes('a', LEASE_MS, clock)
  const listing = (generation: string, names: readonly string[]) => {
    const nodes = names.flatMap((name) => [name, `${generation} 5 ${LEASE_MS}`, String(LISTED_FOR_MS)])
    return { nodes, doubtForMs: 0 }
  }
  const list = (generation: string, ...names: string[]) =>
    live.replace(listing(generation, names), { askedAt: clock.now(), wasOutOfReach: false })
  const listAfterOutage = (generation: string, ...names: string[]) =>
    live.replace(listing(generation, names), { askedAt: clock.now(), wasOutOfReach: true })
  const following = () => {
    live.applied('new', 7)
    return live.following({ generation: 'new', position: 7, at: clock.now() })
  }
  return { clock, live, list, listAfterOutage, following }
}

test('a node is waited for two leases after the record was logged, by its own lease if that is longer', async () => {
  const { clock, live } = nodes()
  live.receive('b', `new 5 ${LEASE_MS / 2}`)
  live.receive('c', `new 5 ${3 * LEASE_MS}`)
  live.applied('new', 7)
  const record = { generation: 'new', position: 7, at: clock.now() }
  const expected = () => live.following(record).expected
  await clock.advance(2 * LEASE_MS - 1)
  expect([expected(), live.silenceMs(record)]).toEqual([3, 1])
  await clock.advance(1)
  expect([expected(), live.silenceMs(record)]).toEqual([2, LEASE_MS]) // c, even if it leaves the list
  await clock.advance(4 * LEASE_MS - 1)
  expect([expected(), live.silenceMs(record)]).toEqual([2, 1])
  await clock.advance(1)
  expect(expected()).toBe(1)
})

test('while the list may lack nodes, one more is waited for', async () => {
  const { clock, live, following } = nodes()
  const record = { generation: '', position: 0, at: clock.now() }
  live.replace({ nodes: [], doubtForMs: LEASE_MS / 2 }, { askedAt: clock.now(), wasOutOfReach: false })
  expect([following(), live.silenceMs(record)]).toEqual([{ expected: 2, acked: 1 }, LEASE_MS / 2])
  await clock.advance(LEASE_MS / 2)
  expect(following()).toEqual({ expected: 1, acked: 1 })
})

test('listeners are notified when the slowest node advances, but not of every report, and not after they unsubscribe', () => {
  const { live } = nodes()
  let calls = 0
  const off = live.onChange(() => calls++)
  live.applied('new', 7)
  live.receive('b', `new 3 ${LEASE_MS}`)
  live.receive('b', `new 5 ${LEASE_MS}`)
  expect(calls).toBe(3)
  live.receive('c', `new 9 ${LEASE_MS}`)
  live.receive('c', `new 10 ${LEASE_MS}`)
  expect(calls).toBe(3)
  off()
  live.receive('b', 'left')
  expect(calls).toBe(3)
})

test('listeners are notified when a list says that the slowest node has advanced, and of a new generation', () => {
  const { live, list } = nodes()
  live.applied('new', 7)
  live.receive('b', `new 3 ${LEASE_MS}`)
  let calls = 0
  live.onChange(() => calls++)
  list('new', 'a', 'b')
  expect(calls).toBe(1)
  live.applied('newer', 5)
  live.receive('b', `newer 5 ${LEASE_MS}`)
  expect(calls).toBe(3)
})

test('reports by others about this node, of an earlier generation, or in an unknown format are ignored', () => {
  const { live, list, following } = nodes()
  live.applied('new', 7)
  live.receive('a', `new 9 ${LEASE_MS}`)
  expect(live.list()).toEqual([{ id: 'a', position: 7 }])
  for (const report of ['', 'new 7', 'new 7 x', 'new x 100', 'new -1 100']) {
    live.receive('b', report)
    expect([report, following()]).toEqual([report, { expected: 2, acked: 1 }])
  }
  live.receive('b', `old 9 ${LEASE_MS}`)
  expect(following()).toEqual({ expected: 2, acked: 1 })
  list('new', 'a', 'b')
  live.receive('b', `new 7 ${LEASE_MS}`)
  expect(following()).toEqual({ expected: 2, acked: 2 })
})

test('a node that Redis no longer lists when its time is up is not waited for', async () => {
  const { clock, list, following } = nodes()
  list('old', 'a', 'b')
  expect(following()).toEqual({ expected: 2, acked: 1 })
  await clock.advance(LISTED_FOR_MS)
  list('old', 'a')
  expect(following()).toEqual({ expected: 1, acked: 1 })
})

test('a node missing from an older list is still waited for, because Redis was rolled back', () => {
  const { list, following } = nodes()
  list('new', 'a', 'b')
  list('new', 'a')
  expect(following()).toEqual({ expected: 2, acked: 1 })
})

test('a node that has reported but is missing from the list is waited for like any other, by its own lease if longer', async () => {
  const { clock, live, list, following } = nodes()
  live.receive('b', `new 5 ${LEASE_MS}`)
  live.receive('c', `new 5 ${2 * LEASE_MS}`)
  await clock.advance(LISTED_FOR_MS - 1)
  list('new', 'a')
  expect(following()).toEqual({ expected: 3, acked: 1 })
  await clock.advance(1)
  list('new', 'a')
  expect(following()).toEqual({ expected: 2, acked: 1 })
  await clock.advance(LISTED_FOR_MS)
  list('new', 'a')
  expect(following()).toEqual({ expected: 1, acked: 1 })
})

test('a report counts only if no later list says less', async () => {
  const { clock, live, list, following } = nodes()
  list('new', 'a', 'b')
  live.receive('b', `new 7 ${LEASE_MS}`)
  expect(following()).toEqual({ expected: 2, acked: 2 })
  await clock.advance(1)
  list('new', 'a', 'b')
  expect(following()).toEqual({ expected: 2, acked: 1 })
})

test('a late list does not undo newer reports', async () => {
  const { clock, live, following } = nodes()
  const askedAt = clock.now()
  await clock.advance(1)
  live.receive('b', `new 7 ${LEASE_MS}`)
  live.replace({ nodes: ['b', `new 5 ${LEASE_MS}`, '100'], doubtForMs: 0 }, { askedAt, wasOutOfReach: false })
  expect(following()).toEqual({ expected: 2, acked: 2 })
})

test('a late list does not bring back a node that has left', async () => {
  const { clock, live, list, following } = nodes()
  list('new', 'a', 'b')
  const askedAt = clock.now()
  await clock.advance(1)
  live.receive('b', 'left')
  live.replace({ nodes: ['b', `new 5 ${LEASE_MS}`, '100'], doubtForMs: 0 }, { askedAt, wasOutOfReach: false })
  expect(following()).toEqual({ expected: 1, acked: 1 })
  await clock.advance(1)
  list('new', 'b') // it has joined again
  expect(following()).toEqual({ expected: 2, acked: 1 })
})

test('after an outage of the log, the nodes known before are expected for as long as any other', async () => {
  const { clock, list, listAfterOutage, following } = nodes()
  list('new', 'a', 'b')
  await clock.advance(LISTED_FOR_MS)
  listAfterOutage('new', 'a')
  expect(following()).toEqual({ expected: 2, acked: 1 })
})

test('that time is not cut short by a list from before the outage, on which a node has less time left', async () => {
  const { clock, live, list, following } = nodes()
  list('new', 'a', 'b')
  await clock.advance(LISTED_FOR_MS - 1)
  const nearlyForgotten = { nodes: ['b', `new 5 ${LEASE_MS}`, '1'], doubtForMs: 0 }
  live.replace(nearlyForgotten, { askedAt: clock.now(), wasOutOfReach: true })
  await clock.advance(LISTED_FOR_MS - 1)
  list('new', 'a')
  expect(following()).toEqual({ expected: 2, acked: 1 })
  await clock.advance(1)
  list('new', 'a')
  expect(following()).toEqual({ expected: 1, acked: 1 })
})

test('that time is granted once, however often the connection to the log is lost and restored', async () => {
  const { clock, list, listAfterOutage, following } = nodes()
  list('new', 'a', 'b')
  for (let times = 0; times < 4; times++) {
    await clock.advance(LISTED_FOR_MS / 2)
    listAfterOutage('new', 'a')
  }
  expect(following()).toEqual({ expected: 1, acked: 1 })
})

test('a node that Redis lost with its data is still waited for, as it may be cut off and serve what it has stored', async () => {
  const { clock, list, following } = nodes()
  list('old', 'a', 'b')
  list('new', 'a')
  expect(following()).toEqual({ expected: 2, acked: 1 })
  await clock.advance(3 * LEASE_MS)
  list('new', 'a')
  expect(following()).toEqual({ expected: 2, acked: 1 })
})

test('that node is waited for until it leaves, or has been silent for as long as any other', async () => {
  const { clock, live, list, following } = nodes()
  list('old', 'a', 'b', 'c')
  await clock.advance(1)
  list('new', 'a', 'b')
  expect(following()).toEqual({ expected: 3, acked: 1 })
  await clock.advance(LISTED_FOR_MS - 1)
  list('new', 'a')
  expect(following()).toEqual({ expected: 2, acked: 1 }) // b is still waited for
  live.receive('b', 'left')
  expect(following()).toEqual({ expected: 1, acked: 1 })
})
