/** The ways in which a request is answered, and numbers for each of them. */
import type { Result } from '../model.ts'

export const byResult = (numberOf: (result: Result) => number): Record<Result, number> => ({
  hit: numberOf('hit'),
  stale: numberOf('stale'),
  stale_if_error: numberOf('stale_if_error'),
  revalidated: numberOf('revalidated'),
  collapsed: numberOf('collapsed'),
  miss: numberOf('miss'),
  pass: numberOf('pass'),
  error: numberOf('error'),
  shed: numberOf('shed'),
})

/** All there are. */
export const RESULTS = Object.keys(byResult(() => 0)) as readonly Result[]

/** Answered without waiting for the origin, or in its stead. */
export const isFromCache = (result: Result): boolean =>
  result === 'hit' || result === 'stale' || result === 'stale_if_error'

/** Share of `isFromCache` among what the cache was asked for: all but passes and errors. */
export function hitRatioOf(requests: Readonly<Record<Result, number>>): number {
  const { hit, stale, stale_if_error, revalidated, collapsed, miss } = requests
  const all = hit + stale + stale_if_error + revalidated + collapsed + miss
  return all === 0 ? 0 : (hit + stale + stale_if_error) / all
}
