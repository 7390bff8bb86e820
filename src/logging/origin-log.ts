/** Log lines about origins that fail: clients, metrics and request lines get only a code, and no address. */
import type { Logger } from 'pino'
import type { Events, OriginEvent } from '../events.ts'
import type { Clock } from '../model.ts'
import { printable } from './printable.ts'

/** How often an origin that goes on failing gets a line, in ms: each failed request has a line of its own. */
const LOGGED_EVERY_MS = 10_000
const LONGEST_REASON = 256

/** @returns a function that ends it: requests that are aborted by the shutdown are no failures */
export function logOrigins(events: Events, logger: Logger, clock: Pick<Clock, 'now'>): () => void {
  let hasEnded = false
  const failing = new Map<string, { failures: number; quietUntil: number }>()
  const log = ({ origin, code, why }: Pick<OriginEvent, 'origin' | 'code' | 'why'>): void => {
    if (why === undefined || hasEnded) return
    const { failures, quietUntil } = failing.get(origin) ?? { failures: 0, quietUntil: Number.NEGATIVE_INFINITY }
    const now = clock.now()
    if (now < quietUntil) return void failing.set(origin, { failures: failures + 1, quietUntil })
    const members = { origin, code, why: printable(why, LONGEST_REASON), failures: failures + 1 }
    logger.warn(members, 'requests to an origin fail')
    failing.set(origin, { failures: 0, quietUntil: now + LOGGED_EVERY_MS })
  }
  events.on('origin', log)
  events.on('broken', log)
  return () => {
    hasEnded = true
  }
}
