import { expect, test } from 'vitest'
import { ipcLeases } from '../../src/workers/ipc-leases.ts'
import { LeaseTable } from '../../src/workers/lease-table.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { line } from './line.ts'

/** The leases of a worker, on a line to its primary. */
function leasesOf(table: LeaseTable, number: number) {
  const { left, right } = line(
    {
      take: (key: string) => table.take(key, number),
      release: ({ key, fence, ending }: { key: string; fence: number; ending: 'stored' | 'unshared' }) =>
        table.release(key, fence, ending),
    },
    {},
  )
  const die = () => {
    left.hangUp()
    right.hangUp()
    table.leave(number)
  }
  return { leases: ipcLeases(right), die }
}

async function held(answer: Awaited<ReturnType<ReturnType<typeof ipcLeases>['take']>>) {
  if (answer.kind !== 'held') throw new Error(`expected a lease, got ${answer.kind}`)
  return answer.lease
}

test.each(['stored', 'unshared'] as const)('who waits is told that the fetch ended as %s', async (ending) => {
  const table = new LeaseTable(new FakeClock())
  const [one, other] = [leasesOf(table, 1), leasesOf(table, 2)]
  const lease = await held(await one.leases.take('k'))
  const waiting = [other.leases.take('k'), one.leases.take('k')]
  await new Promise((resolve) => setImmediate(resolve))
  await lease.release(ending)
  await lease.release(ending === 'stored' ? 'unshared' : 'stored')
  expect(await Promise.all(waiting)).toEqual([{ kind: ending }, { kind: ending }])
  expect(table.size).toBe(0)
})

test('keys do not wait for each other', async () => {
  const { leases } = leasesOf(new LeaseTable(new FakeClock()), 1)
  expect((await leases.take('a')).kind).toBe('held')
  expect((await leases.take('b')).kind).toBe('held')
})

test('what a worker that ended held goes to whoever has waited longest; the others go on waiting', async () => {
  const table = new LeaseTable(new FakeClock())
  const [one, second, third] = [leasesOf(table, 1), leasesOf(table, 2), leasesOf(table, 3)]
  const lost = await held(await one.leases.take('k'))
  const [next, last] = [second.leases.take('k'), third.leases.take('k')]
  await new Promise((resolve) => setImmediate(resolve))
  one.die()
  const lease = await held(await next)
  expect(lease.fence).toBeGreaterThan(lost.fence)
  table.release('k', lost.fence, 'unshared') // comes too late
  await lease.release('stored')
  expect(await last).toEqual({ kind: 'stored' })
})

test('with nobody waiting, what a worker that ended held is free', async () => {
  const table = new LeaseTable(new FakeClock())
  const one = leasesOf(table, 1)
  await one.leases.take('k')
  one.die()
  expect(table.size).toBe(0)
  expect(await one.leases.take('k')).toEqual({ kind: 'unavailable' })
})

test('nobody waits without end', async () => {
  const clock = new FakeClock()
  const table = new LeaseTable(clock, 1_000)
  await table.take('k', 1)
  const waiting = table.take('k', 2)
  await clock.advance(1_000)
  expect(await waiting).toEqual({ kind: 'unavailable' })
})
