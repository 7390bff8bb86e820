import { expect, test } from 'vitest'
import { Generations } from '../../../../src/stores/log/generations.ts'
import { Lease } from '../../../../src/stores/log/lease.ts'
import { LiveNodes } from '../../../../src/stores/log/live-nodes.ts'
import type { RedisClient } from '../../../../src/stores/redis/connection.ts'
import { Closing } from '../../../../src/stores/redis/log/closing.ts'
import type { RedisLogCalls } from '../../../../src/stores/redis/log/log-calls.ts'
import { NewestRecord } from '../../../../src/stores/redis/log/newest-record.ts'
import { SyncState } from '../../../../src/stores/redis/log/sync-state.ts'
import { Tail } from '../../../../src/stores/redis/log/tail.ts'
import { FakeClock, settle } from '../../../support/fake-clock.ts'

const LEASE_MS = 5_000

/** A tail that has joined an empty log, knows one other node, which is nearly forgotten, and waits for records. */
async function started() {
  const clock = new FakeClock()
  const lease = new Lease(LEASE_MS, clock)
  const nodes = new LiveNodes('self', LEASE_MS, clock)
  const log = new Generations('g', 100)
  const syncState = new SyncState({ lease, clock, events: undefined })
  const state = { listed: ['other', `g 0 ${LEASE_MS}`, '1000'], joined: 0 }
  const reads: PromiseWithResolvers<never>[] = []
  const xread = () => {
    const read = Promise.withResolvers<never>()
    reads.push(read)
    return read.promise
  }
  const client = { status: 'ready', xread, on: () => {}, off: () => {} } as unknown as RedisClient
  const head = { generation: 'g', position: 0, doubtForMs: 0 }
  const join = async () => ({ head, lastReport: '0-0', nodes: state.listed, state: undefined })
  const tail = new Tail({
    client,
    calls: { client, streams: { records: 'records', acks: 'acks' }, join } as unknown as RedisLogCalls,
    log,
    newest: new NewestRecord(log),
    lease,
    nodes,
    syncState,
    clock,
    closing: new Closing(clock),
    blockMs: LEASE_MS / 3,
    generationChanged: () => {},
    joined: () => state.joined++,
    applied: () => {},
  })
  void tail.follow(() => {})
  await settle()
  const breakOff = () => reads.at(-1)?.reject(new Error('the connection was lost'))
  return { clock, nodes, syncState, state, breakOff }
}

test('a node that is not listed when the log is joined again is still known, even if the lease has not run out', async () => {
  const { clock, nodes, syncState, state, breakOff } = await started()
  await clock.advance(1_000)
  state.listed = []
  breakOff()
  await settle()
  await clock.advance(1_000)
  expect([state.joined, syncState.synced]).toEqual([2, true])
  expect(nodes.list().map(({ id }) => id)).toEqual(['self', 'other'])
})
