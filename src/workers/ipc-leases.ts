import { systemClock } from '../clock.ts'
import type { Clock, FetchLeases, Lease } from '../model.ts'
import { LEASE_LIFE_MS } from '../stores/lease-life.ts'
import type { Calls } from './calls.ts'
import type { PrimaryService } from './services.ts'

type Primary = Pick<Calls<Pick<PrimaryService, 'take' | 'release'>, unknown>, 'call' | 'notify'>

/** One fetch per key among the workers of one primary, which keeps the table. */
export function ipcLeases(primary: Primary, clock: Pick<Clock, 'now'> = systemClock): FetchLeases {
  const lease = (key: string, fence: number, askedAt: number): Lease => {
    let held = true
    return {
      fence,
      get isDoubtful() {
        return held && clock.now() - askedAt >= LEASE_LIFE_MS
      },
      release(ending) {
        if (held) primary.notify('release', { key, fence, ending })
        held = false
      },
    }
  }
  return {
    async take(key) {
      const askedAt = clock.now()
      const turn = await primary.call('take', key).catch(() => ({ kind: 'unavailable' }) as const)
      return turn.kind === 'held' ? { kind: 'held', lease: lease(key, turn.fence, askedAt) } : turn
    },
    close() {},
  }
}
