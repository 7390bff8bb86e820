import { expect, test } from 'vitest'
import { Lease } from '../../../../src/stores/log/lease.ts'
import { LiveNodes } from '../../../../src/stores/log/live-nodes.ts'
import { Beat } from '../../../../src/stores/redis/log/beat.ts'
import { Closing } from '../../../../src/stores/redis/log/closing.ts'
import { NewestRecord } from '../../../../src/stores/redis/log/newest-record.ts'
import { SyncState } from '../../../../src/stores/redis/log/sync-state.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const LEASE_MS = 5_000

/** A beat that knows one other node, which is the only one that Redis lists, if any. */
function started() {
  const clock = new FakeClock()
  const lease = new Lease(LEASE_MS, clock)
  const nodes = new LiveNodes('self', LEASE_MS, clock)
  const log = { generation: 'g', position: 1, nonce: 'n' }
  const state = { answers: true, listed: ['other', `g 1 ${LEASE_MS}`, String(12 * LEASE_MS)] }
  const report = async () => {
    if (!state.answers) throw new Error('away')
    return { head: { ...log, doubtForMs: 0 }, nodes: state.listed }
  }
  const beat = new Beat({
    calls: { report },
    log,
    newest: new NewestRecord(log),
    lease,
    nodes,
    tail: { isOutOfStep: false, fallOutOfStep: () => {} },
    syncState: new SyncState({ lease, clock, events: undefined }),
    clock,
    closing: new Closing(clock),
    everyMs: LEASE_MS / 3,
    onBeat: () => {},
  })
  beat.start()
  return { clock, nodes, state }
}

test('after an outage in which Redis only answered reads and has forgotten all nodes, they are still known', async () => {
  const { clock, nodes, state } = started()
  await clock.advance(LEASE_MS)
  state.answers = false
  await clock.advance(12 * LEASE_MS)
  state.answers = true
  state.listed = []
  await clock.advance(LEASE_MS)
  expect(nodes.list().map(({ id }) => id)).toEqual(['self', 'other'])
})

test('a node that Redis has forgotten while this one could report is not known any more', async () => {
  const { clock, nodes, state } = started()
  await clock.advance(LEASE_MS)
  state.listed = []
  await clock.advance(11 * LEASE_MS)
  expect(nodes.list().map(({ id }) => id)).toEqual(['self', 'other'])
  await clock.advance(LEASE_MS)
  expect(nodes.list().map(({ id }) => id)).toEqual(['self'])
})
