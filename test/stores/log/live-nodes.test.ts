import { expect, test } from 'vitest'
import { FORGOTTEN_AFTER_LEASES, LiveNodes } from '../../../src/stores/log/live-nodes.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const LEASE_MS = 100

function nodes() {
  const clock = new FakeClock()
  const live = new LiveNodes('a', LEASE_MS, clock)
  const list = (generation: string, ...names: string[]) =>
    live.replace({ generation, nodes: names.flatMap((name) => [name, `${generation} 5 ${LEASE_MS}`]), doubtForMs: 0 })
  const following = () => {
    live.applied('new', 7)
    return live.following({ generation: 'new', position: 7, at: clock.now() })
  }
  return { clock, live, list, following }
}

test('a node that Redis no longer lists is not waited for', () => {
  const { list, following } = nodes()
  list('old', 'a', 'b')
  expect(following()).toEqual({ expected: 2, acked: 1 })
  list('old', 'a')
  expect(following()).toEqual({ expected: 1, acked: 1 })
})

test('one that Redis lost with its data is, as it may be cut off and use what it fetches', async () => {
  const { clock, list, following } = nodes()
  list('old', 'a', 'b')
  list('new', 'a')
  expect(following()).toEqual({ expected: 2, acked: 1 })
  await clock.advance(3 * LEASE_MS)
  list('new', 'a')
  expect(following()).toEqual({ expected: 2, acked: 1 })
})

test('until it comes back, leaves, or has been silent for as long as any other', async () => {
  const { clock, live, list, following } = nodes()
  list('old', 'a', 'b', 'c')
  list('new', 'a', 'b')
  list('new', 'a')
  expect(following()).toEqual({ expected: 2, acked: 1 }) // c
  live.hear('c', 'left')
  expect(following()).toEqual({ expected: 1, acked: 1 })
  list('newer', 'a', 'b')
  list('newest', 'a')
  await clock.advance(FORGOTTEN_AFTER_LEASES * LEASE_MS)
  list('newest', 'a')
  expect(following()).toEqual({ expected: 1, acked: 1 })
})
