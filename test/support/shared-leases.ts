import type { FetchLeases } from '../../src/model.ts'
import { LeaseTable } from '../../src/workers/primary/lease-table.ts'

/** Leases never expire. */
const ENDLESS = { now: () => 0, after: () => () => {} }

/** Leases for several caches in one process. */
export function sharedLeases(): FetchLeases & { readonly held: number } {
  const table = new LeaseTable(ENDLESS)
  return {
    get held() {
      return table.size
    },
    async take(key) {
      const turn = await table.take(key, 0)
      if (turn.kind !== 'held') return turn
      const { fence } = turn
      return { kind: 'held', lease: { fence, release: (ending) => table.release(key, fence, ending) } }
    },
    close() {},
  }
}
