import { expect, test } from 'vitest'
import type { InvalidationMode, Selectors, Stamp } from '../../src/model.ts'
import { IpcLog } from '../../src/workers/ipc-log.ts'
import { PrimaryLog, type WorkerRecord } from '../../src/workers/primary/primary-log.ts'
import { logContract } from '../stores/log-contract.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { line } from './line.ts'

/** A worker's log, connected to its primary's. */
function worker(primary: PrimaryLog) {
  const asked = {
    append: ({ mode, selectors }: { mode: InvalidationMode; selectors: Selectors }) => primary.append(mode, selectors),
  }
  const { left, right, down } = line(asked, { applyRecord: (record: WorkerRecord) => log.applyRecord(record) })
  const follower = {
    id: 'w',
    applyRecord: (record: WorkerRecord) =>
      left.call('applyRecord', record).then(
        () => true,
        () => false,
      ),
  }
  const log = new IpcLog({ id: 'w', state: primary.follow(follower), append: (record) => right.call('append', record) })
  const die = () => {
    left.hangUp()
    primary.leave(follower)
  }
  return { log, down, die }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))
const stampIn = ({ generation, position }: { generation: string; position: number }, tags = ['t']): Stamp => ({
  url: 'a.test/x',
  tags,
  generation,
  position,
  checked: position,
  startedAt: 0,
})

logContract('ipcLog', () => worker(new PrimaryLog(new FakeClock())).log)

test('a purge is acknowledged when every worker has applied it, not before', async () => {
  const primary = new PrimaryLog(new FakeClock())
  const [one, other] = [worker(primary), worker(primary)]
  const copy = stampIn(other.log)
  other.down(true)
  let receipt: unknown
  const purge = one.log.append('purge', { tags: ['t'] }).then((given) => (receipt = given))
  await settled()
  expect(one.log.verdict(stampIn({ ...copy, generation: copy.generation }))).toBe('dead')
  expect(other.log.verdict(copy)).toBe('valid')
  expect(receipt).toBeUndefined()
  other.down(false)
  expect(await purge).toMatchObject({ position: 1, nodes: { expected: 2, acked: 2 } })
  expect(other.log.verdict(copy)).toBe('dead')
  expect(primary.nodes()).toEqual([
    { id: 'w', position: 1 },
    { id: 'w', position: 1 },
  ])
})

test('a worker that does not acknowledge a purge in time is named as missing, and receives it all the same', async () => {
  const clock = new FakeClock()
  const primary = new PrimaryLog(clock)
  const [one, other] = [worker(primary), worker(primary)]
  const copy = stampIn(other.log)
  other.down(true)
  const purge = one.log.append('purge', { tags: ['t'] })
  await settled()
  await clock.advance(3_000)
  expect(one.log.position).toBe(1)
  expect(await purge).toMatchObject({ position: 1, nodes: { expected: 2, acked: 1 } })
  other.down(false)
  await settled()
  expect(other.log.verdict(copy)).toBe('dead')
})

test('a worker that has ended is not waited for', async () => {
  const primary = new PrimaryLog(new FakeClock())
  const [one, other] = [worker(primary), worker(primary)]
  other.down(true)
  const purge = one.log.append('purge', { all: true })
  await settled()
  other.die()
  expect(await purge).toMatchObject({ nodes: { expected: 1, acked: 1 } })
})

test("a worker that starts later knows every record, and judges others' copies as they do", async () => {
  const primary = new PrimaryLog(new FakeClock())
  const before = stampIn(primary, ['purged'])
  const untouched = stampIn(primary, ['other'])
  const invalidated = stampIn(primary, ['invalidated'])
  await primary.append('purge', { tags: ['purged'] })
  await primary.append('invalidate', { tags: ['invalidated'] })
  const { log } = worker(primary)
  expect(log.position).toBe(2)
  expect(log.verdict(before)).toBe('dead')
  expect(log.verdict(invalidated)).toBe('stale')
  expect(log.verdict(untouched)).toBe('valid')
})

test('a worker that starts later also knows that targets were forgotten', async () => {
  const primary = new PrimaryLog(new FakeClock(), 2)
  const before = stampIn(primary, ['first'])
  for (const tag of ['first', 'second', 'third']) await primary.append('purge', { tags: [tag] })
  expect(worker(primary).log.verdict(before)).toBe('dead')
})

test('what another worker fetched at a later position is judged from that position', async () => {
  const primary = new PrimaryLog(new FakeClock())
  const { log, down } = worker(primary)
  down(true)
  void primary.append('purge', { tags: ['t'] })
  const copy = stampIn(primary)
  await settled()
  expect(log.position).toBe(0)
  expect(log.verdict(copy)).toBe('valid')
  down(false)
  await settled()
  expect(log.position).toBe(1)
  expect(log.verdict(copy)).toBe('valid')
})
