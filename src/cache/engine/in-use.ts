/** Entries that an error must not replace: those that may still answer a caller, if only while the origin fails. */
import type { Entry, InvalidationLog, Stored, Verdict } from '../../model.ts'
import type { Question } from './question.ts'

/**
 * Whether what is stored is worth more than an error response: an error is not, a "varies" marker is until `keepUntil`.
 */
export function isInUse<E extends Entry, D>(
  question: Question<E, D>,
  stored: Stored | undefined,
  log: InvalidationLog,
  now: number,
): boolean {
  if (stored === undefined || stored.kind === 'unshareable') return false
  const verdict = log.verdict(stored)
  if (stored.kind === 'varies') return verdict !== 'dead' && now < stored.keepUntil
  return mayStandIn(stored, verdict, now) && !(question.isEntry(stored) && question.isError(stored))
}

/** Whether a copy may stand in for a failing origin, for other callers if not for this one. */
function mayStandIn({ mustRevalidate, freshUntil, staleIfErrorUntil }: Entry, verdict: Verdict, now: number): boolean {
  if (mustRevalidate) return verdict === 'valid' && now < freshUntil
  return verdict !== 'dead' && now < staleIfErrorUntil
}
