import { HerdgateError } from '../errors.ts'
import type { Clock, InvalidationLog } from '../model.ts'
import type { Fates } from './fate.ts'
import { roundTrip } from './round-trip.ts'

/**
 * A log whose appends sometimes fail, and say so. Records of other nodes still arrive: a node that receives none is a
 * case for the log's own tests.
 * @param deadlineMs after which an unanswered append has failed
 */
export function faultyLog(log: InvalidationLog, fates: Fates, clock: Clock, deadlineMs: number): InvalidationLog {
  return {
    get generation() {
      return log.generation
    },
    get position() {
      return log.position
    },
    get changes() {
      return log.changes
    },
    get synced() {
      return log.synced
    },
    get started() {
      return log.started
    },
    async append(mode, selectors, waitMs) {
      const isAnswered = await roundTrip(fates.next(), deadlineMs, clock)
      if (!isAnswered) throw new HerdgateError('not_logged', 'not logged, by chaos')
      return log.append(mode, selectors, waitMs)
    },
    verdict: (stamp) => log.verdict(stamp),
    holds: (stamp) => log.holds(stamp),
    nodes: () => log.nodes(),
    close: () => log.close(),
  }
}
