/** A purge or an invalidation in the log, and what is told of it. */
import type { Events } from '../events.ts'
import type { Clock, InvalidationLog, InvalidationMode, Receipt, Selectors } from '../model.ts'

export interface Purge {
  readonly mode: InvalidationMode
  readonly selectors: Selectors
  /** Who asks. */
  readonly by: string
  /** How long other nodes are waited for, in ms; undefined: as long as the log waits. */
  readonly mostWaitMs?: number
}

export interface PurgingParts {
  readonly log: InvalidationLog
  readonly events: Events
  readonly clock: Clock
}

/** Appends to the log and tells what became of it. Rejects when it could not be logged. */
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
