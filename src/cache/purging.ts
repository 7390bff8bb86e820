/** Appends a purge or invalidation to the log, and reports it as a `purge` event. */
import type { Events } from '../events.ts'
import type { Clock, InvalidationLog, InvalidationMode, Receipt, Selectors } from '../model.ts'

export interface Purge {
  readonly mode: InvalidationMode
  readonly selectors: Selectors
  /** Who requested it. */
  readonly by: string
  /** How long to wait for other nodes, in ms; undefined: the log's default. */
  readonly mostWaitMs?: number
}

export interface PurgingParts {
  readonly log: InvalidationLog
  readonly events: Events
  readonly clock: Clock
}

/** Rejects if the record could not be logged. */
export async function append(
  { mode, selectors, by, mostWaitMs }: Purge,
  { log, events, clock }: PurgingParts,
): Promise<Receipt> {
  const startedAt = clock.now()
  const report = (outcome: 'done' | 'failed', receipt?: Receipt) =>
    events.emit('purge', { mode, selectors, outcome, receipt, tookMs: clock.now() - startedAt, by })
  let receipt: Receipt
  try {
    receipt = await log.append(mode, selectors, mostWaitMs)
  } catch (error) {
    report('failed')
    throw error
  }
  report('done', receipt)
  return receipt
}
