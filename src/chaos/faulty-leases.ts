import type { Clock, FetchLeases } from '../model.ts'
import type { Fates } from './fate.ts'
import { roundTrip } from './round-trip.ts'

/**
 * Leases that are sometimes unavailable. One that was taken is released without faults.
 * @param deadlineMs after which an unanswered request has failed
 */
export function faultyLeases(leases: FetchLeases, fates: Fates, clock: Clock, deadlineMs: number): FetchLeases {
  return {
    async take(key) {
      const isAnswered = await roundTrip(fates.next(), deadlineMs, clock)
      return isAnswered ? leases.take(key) : { kind: 'unavailable' }
    },
    close: () => leases.close(),
  }
}
