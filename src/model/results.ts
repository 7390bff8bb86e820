/** How a request was answered, and why: result, detail, and counts by result. */
import type { ErrorCode } from '../errors.ts'

export type Result =
  | 'hit'
  | 'stale'
  | 'stale_if_error'
  | 'revalidated'
  | 'collapsed'
  | 'miss'
  | 'pass'
  | 'error'
  | 'shed'

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

/** All results. */
export const RESULTS = Object.keys(byResult(() => 0)) as readonly Result[]

/** Answered without waiting for the origin, or in its place. */
export const isFromCache = (result: Result): boolean =>
  result === 'hit' || result === 'stale' || result === 'stale_if_error'

/** Share (0 to 1) of results for which `isFromCache` holds; passes, errors and shed requests are not counted. */
export function hitRatioOf(requests: Readonly<Record<Result, number>>): number {
  const { hit, stale, stale_if_error, revalidated, collapsed, miss } = requests
  const all = hit + stale + stale_if_error + revalidated + collapsed + miss
  return all === 0 ? 0 : (hit + stale + stale_if_error) / all
}

/** Why it was answered this way: the `detail` token of Cache-Status, explained in `docs/why-not-cached.md`. */
export type Detail = (typeof DETAILS)[number] | ErrorCode

/** All details except error codes. */
export const DETAILS = [
  // Not looked up.
  'body',
  'connection',
  'max-forwards',
  'precondition',
  'route',
  'upgrade',
  // Looked up, but answered with an error or with a response for this request only.
  'only-if-cached',
  'range',
  'unshareable',
  // Answered with a stale copy.
  'soft-timeout',
  'stale-if-error',
  'stale-while-revalidate',
  // Not stored.
  'authorization',
  'cookie',
  'cut-off',
  'kept-stale',
  'method',
  'no-lifetime',
  'no-store',
  'partial',
  'private',
  'request-no-store',
  'set-cookie',
  'status',
  'tags',
  'too-large',
  'vary',
] as const

/** How an error that reaches the client is reported: as `shed` if it protects the origin, else as `error`. */
export const outcomeOfError = (code: ErrorCode): { readonly result: 'error' | 'shed'; readonly detail: ErrorCode } => ({
  result: code === 'overloaded' ? 'shed' : 'error',
  detail: code,
})
