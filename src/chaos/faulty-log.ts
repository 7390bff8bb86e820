import { HerdgateError } from '../errors.ts'
import type { Clock, InvalidationLog } from '../model.ts'
import type { Fates } from './fate.ts'
import { wait } from './wait.ts'

/**
 * A log whose records are sometimes not logged, and then said not to be. What others log is heard as ever: a node that
 * hears nothing is for the log's own tests.
 * @param deadlineMs after which an append that is not answered has failed
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
      const { fault, delayMs } = fates.next()
      const isLost = fault === 'partition' || delayMs >= deadlineMs
      await wait(isLost ? deadlineMs : delayMs, clock)
      if (isLost || fault !== 'none') throw new HerdgateError('not_logged', 'not logged, by chaos')
      return log.append(mode, selectors, waitMs)
    },
    verdict: (stamp) => log.verdict(stamp),
    holds: (stamp) => log.holds(stamp),
    nodes: () => log.nodes(),
    close: () => log.close(),
  }
}
