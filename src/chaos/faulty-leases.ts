import type { Clock, FetchLeases } from '../model.ts'
import type { Fates } from './fate.ts'
import { wait } from './wait.ts'

/**
 * Leases that are sometimes unavailable. One that was taken is released without faults.
 * @param deadlineMs after which an unanswered request has failed
 */
export function faultyLeases(leases: FetchLeases, fates: Fates, clock: Clock, deadlineMs: number): FetchLeases {
  return {
    async take(key) {
      const { fault, delayMs } = fates.next()
      const isLost = fault === 'partition' || delayMs >= deadlineMs
      await wait(isLost ? deadlineMs : delayMs, clock)
      return isLost || fault !== 'none' ? { kind: 'unavailable' } : leases.take(key)
    },
    close: () => leases.close(),
  }
}
