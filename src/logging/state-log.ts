/** Log lines about stores and the invalidation log: what is out of order, and what works again. */
import type { Logger } from 'pino'
import type { Events } from '../events.ts'

export function logStates(events: Events, logger: Logger): void {
  events.on('tier', ({ tier, state, why }) => {
    if (state === 'working') logger.info({ tier }, `store ${tier} works again`)
    else logger.warn({ tier, why }, state === 'emptied' ? `store ${tier} was emptied` : `store ${tier} is out of order`)
  })
  events.on('log', ({ what, detail }) => {
    if (what === 'synced') logger.info({ what }, detail)
    else logger.warn({ what }, detail)
  })
}
