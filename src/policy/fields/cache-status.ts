/** Cache-Status (RFC 9211). */
import type { Detail, Outcome } from '../../model.ts'

/** This cache's member of the list: how the request was answered. */
export function cacheStatus(outcome: Outcome): string {
  const { result } = outcome
  if (result === 'hit' || result === 'stale') return `herdgate; hit${ttl(outcome)}${detail(outcome.detail)}`
  // The answer came from the cache; the detail says that the origin failed.
  if (result === 'stale_if_error') return `herdgate; hit${ttl(outcome)}${detail(outcome.detail ?? 'stale-if-error')}`
  return `herdgate${forwarded(outcome)}${detail(outcome.detail)}`
}

/** In whole seconds, rounded down, so that anything past expiry is negative. */
function ttl({ ttlMs }: Outcome): string {
  return ttlMs === undefined ? '' : `; ttl=${Math.floor(ttlMs / 1000)}`
}

function forwarded({ fwd, fwdStatus, stored, collapsed }: Outcome): string {
  let parameters = fwd === undefined ? '' : `; fwd=${fwd}`
  if (fwdStatus !== undefined) parameters += `; fwd-status=${fwdStatus}`
  if (stored) parameters += '; stored'
  if (collapsed) parameters += '; collapsed'
  return parameters
}

const detail = (token: Detail | undefined): string => (token === undefined ? '' : `; detail=${token}`)
