import { describe, expect, test } from 'vitest'
import type { FetchLeases, Lease, LeaseAnswer } from '../../src/model.ts'

/** Two parties that share leases. */
export interface Shared {
  readonly one: FetchLeases
  readonly other: FetchLeases
  /** Resolves once everyone who requested a lease that another holds is waiting for it. */
  waits(): Promise<unknown>
  close(): Promise<unknown>
}

/** What all FetchLeases must do for a single party. */
export function leasesContract(name: string, create: () => FetchLeases | Promise<FetchLeases>): void {
  describe(`${name} are FetchLeases`, () => {
    test('leases of different keys do not wait for each other', async () => {
      const leases = await create()
      for (const key of ['a', 'b', '{a}', 'a\r\nDEL x', '']) heldBy(await leases.take(key))
      await leases.close()
    })

    test.each(['stored', 'unshared', 'overtaken'] as const)(
      'what was given back as %s is there for the next; giving it back again does no harm',
      async (ending) => {
        const leases = await create()
        for (let round = 0; round < 3; round++) {
          const lease = heldBy(await leases.take('k'))
          await lease.release(ending)
          await lease.release('stored')
        }
        await leases.close()
      },
    )
  })
}

/** What shared FetchLeases must do: one fetch per key among all parties. */
export function sharedLeasesContract(name: string, create: () => Promise<Shared>): void {
  describe(`${name} are shared`, () => {
    test.each(['stored', 'unshared', 'overtaken'] as const)(
      'one has the lease, and whoever waits for it hears "%s"',
      async (ending) => {
        const { one, other, waits, close } = await create()
        const lease = heldBy(await one.take('k'))
        const waiting = [other.take('k'), other.take('k'), one.take('k')]
        await waits()
        await lease.release(ending)
        expect(await Promise.all(waiting)).toEqual([{ kind: ending }, { kind: ending }, { kind: ending }])
        await close()
      },
    )

    test('a released lease is available again, with a higher fencing token', async () => {
      const { one, other, close } = await create()
      const lease = heldBy(await one.take('k'))
      await lease.release('stored')
      expect(heldBy(await other.take('k')).fence).toBeGreaterThan(lease.fence)
      await close()
    })

    test('releasing it twice does not take it from the next holder', async () => {
      const { one, other, waits, close } = await create()
      const lost = heldBy(await one.take('k'))
      await lost.release('stored')
      const lease = heldBy(await other.take('k'))
      await lost.release('unshared')
      const waiting = one.take('k')
      await waits()
      await lease.release('overtaken')
      expect(await waiting).toEqual({ kind: 'overtaken' })
      await close()
    })
  })
}

export function heldBy(answer: LeaseAnswer | undefined): Lease {
  if (answer?.kind !== 'held') throw new Error(`expected to hold the lease, got ${answer?.kind}`)
  return answer.lease
}
