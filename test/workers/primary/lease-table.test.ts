import { describe, expect, test } from 'vitest'
import { createCache } from '../../../src/library/embed.ts'
import { localLog } from '../../../src/stores/memory/log.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import { createTiered } from '../../../src/stores/tiered.ts'
import { ipcLeases } from '../../../src/workers/ipc-leases.ts'
import { LeaseTable } from '../../../src/workers/primary/lease-table.ts'
import { heldBy, leasesContract, sharedLeasesContract } from '../../stores/leases-contract.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FarStore } from '../../support/far-store.ts'
import { line } from '../line.ts'

/** A worker's leases, connected to its primary's. */
function leasesOf(table: LeaseTable, number: number, clock?: FakeClock) {
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
  return { leases: ipcLeases(right, clock), die }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

leasesContract('ipcLeases', () => leasesOf(new LeaseTable(new FakeClock()), 1).leases)
sharedLeasesContract('ipcLeases', async () => {
  const table = new LeaseTable(new FakeClock())
  const [one, other] = [leasesOf(table, 1).leases, leasesOf(table, 2).leases]
  return { one, other, waits: settled, close: async () => {} }
})

test.each(['stored', 'unshared'] as const)('a waiter learns that the fetch ended as %s', async (ending) => {
  const table = new LeaseTable(new FakeClock())
  const [one, other] = [leasesOf(table, 1), leasesOf(table, 2)]
  const lease = heldBy(await one.leases.take('k'))
  const waiting = [other.leases.take('k'), one.leases.take('k')]
  await settled()
  await lease.release(ending)
  await lease.release(ending === 'stored' ? 'unshared' : 'stored')
  expect(await Promise.all(waiting)).toEqual([{ kind: ending }, { kind: ending }])
  expect(table.size).toBe(0)
})

test('the lease of a worker that ended goes to the longest waiter; the others continue to wait', async () => {
  const table = new LeaseTable(new FakeClock())
  const [one, second, third] = [leasesOf(table, 1), leasesOf(table, 2), leasesOf(table, 3)]
  const lost = heldBy(await one.leases.take('k'))
  const [next, last] = [second.leases.take('k'), third.leases.take('k')]
  await settled()
  one.die()
  const lease = heldBy(await next)
  expect(lease.fence).toBeGreaterThan(lost.fence)
  table.release('k', lost.fence, 'unshared') // too late
  await lease.release('stored')
  expect(await last).toEqual({ kind: 'stored' })
})

test('without waiters, the lease of a worker that ended is free', async () => {
  const table = new LeaseTable(new FakeClock())
  const one = leasesOf(table, 1)
  await one.leases.take('k')
  one.die()
  expect(table.size).toBe(0)
  expect(await one.leases.take('k')).toEqual({ kind: 'unavailable' })
})

test('the lease of an unresponsive worker goes to a waiter, and its own release comes too late', async () => {
  const clock = new FakeClock()
  const table = new LeaseTable(clock)
  const [one, other] = [leasesOf(table, 1, clock), leasesOf(table, 2, clock)]
  const late = heldBy(await one.leases.take('k'))
  const [own, next] = [one.leases.take('k'), other.leases.take('k')]
  await settled()
  await clock.advance(1_999)
  table.reassignFrom(1)
  expect([table.size, late.isDoubtful]).toEqual([1, false])
  await clock.advance(1)
  table.reassignFrom(1)
  expect(late.isDoubtful).toBe(true)
  const lease = heldBy(await next)
  await late.release('unshared')
  await settled()
  await lease.release('stored')
  expect(await own).toEqual({ kind: 'stored' })
  expect(table.size).toBe(0)
})

describe('a slow worker whose fetch another has taken over', () => {
  const KEPT = { ttl: '1s', grace: '1h', softTimeout: 0 }

  /** Both fetch, the first of them earlier. Each has its own memory store. */
  async function bothFetch() {
    const clock = new FakeClock()
    const table = new LeaseTable(clock)
    const [far, log] = [new FarStore(), localLog()]
    const cacheOf = (worker: number) => {
      const { leases } = leasesOf(table, worker, clock)
      const store = createTiered([memoryStore({ maxBytes: '1MiB' }), far], clock)
      return createCache({ store, log, clock, sharing: { leases, maxObjectBytes: 1_024 } })
    }
    const [one, other, third] = [cacheOf(1), cacheOf(2), cacheOf(3)]
    const [old, newer] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
    const slow = one.getOrSet('k', () => old.promise, KEPT)
    await settled()
    const next = other.getOrSet('k', () => newer.promise, KEPT)
    await settled()
    await clock.advance(2_000)
    table.reassignFrom(1)
    await settled()
    const bring = async (load: PromiseWithResolvers<string>, asked: Promise<string>, value: string) => {
      load.resolve(value)
      expect(await asked).toBe(value)
      await settled()
    }
    return {
      clock,
      bringOld: () => bring(old, slow, 'old'),
      bringNew: () => bring(newer, next, 'new'),
      stored: () => Promise.all([one, other, third].map((each) => each.getOrSet('k', () => 'loaded anew', KEPT))),
    }
  }

  test('does not replace what the other has stored', async () => {
    const { bringOld, bringNew, stored } = await bothFetch()
    await bringNew()
    await bringOld()
    expect(await stored()).toEqual(['new', 'new', 'new'])
  })

  test('does not replace it even if it is stale by then', async () => {
    const { clock, bringOld, bringNew, stored } = await bothFetch()
    await bringNew()
    await clock.advance(1_500)
    await bringOld()
    expect(await stored()).toEqual(['new', 'new', 'new'])
  })

  test('is replaced by the other if it stores first', async () => {
    const { bringOld, bringNew, stored } = await bothFetch()
    await bringOld()
    await bringNew()
    expect(await stored()).toEqual(['old', 'new', 'new']) // each process continues to use what its own memory holds
  })
})

test('without waiters, the lease of an unresponsive worker is free', async () => {
  const clock = new FakeClock()
  const table = new LeaseTable(clock)
  const [one, other] = [leasesOf(table, 1), leasesOf(table, 2)]
  await one.leases.take('k')
  const own = one.leases.take('k')
  await settled()
  await clock.advance(2_000)
  table.reassignFrom(1)
  await heldBy(await other.leases.take('k')).release('stored')
  expect(await own).toEqual({ kind: 'stored' })
})

test('leases of others are unaffected when a waiting worker is unresponsive', async () => {
  const clock = new FakeClock()
  const table = new LeaseTable(clock)
  const [one, other] = [leasesOf(table, 1), leasesOf(table, 2)]
  const lease = heldBy(await other.leases.take('k'))
  const waiting = one.leases.take('k')
  await settled()
  await clock.advance(2_000)
  table.reassignFrom(1)
  await lease.release('stored')
  expect(await waiting).toEqual({ kind: 'stored' })
})

test('no request waits for ever', async () => {
  const clock = new FakeClock()
  const table = new LeaseTable(clock, 1_000)
  await table.take('k', 1)
  const waiting = table.take('k', 2)
  await clock.advance(1_000)
  expect(await waiting).toEqual({ kind: 'unavailable' })
})
