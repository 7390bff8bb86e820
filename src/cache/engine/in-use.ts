/** What an error does not take the place of: whatever may still answer somebody, if only while the origin fails. */
import type { Entry, InvalidationLog, Stored, Verdict } from '../../model.ts'
import type { Question } from './question.ts'

/** Whether a copy may stand in for an origin that fails, for others, even if not for who asks now. */
export function mayStandIn(
  { mustRevalidate, freshUntil, staleIfErrorUntil }: Entry,
  verdict: Verdict,
  now: number,
): boolean {
  if (mustRevalidate) return verdict === 'valid' && now < freshUntil
  return verdict !== 'dead' && now < staleIfErrorUntil
}

/**
 * Whether what stands at a key is worth more than an error: not another error, but any variants as long as they are
 * kept.
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
