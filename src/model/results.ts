/** The ways in which a request is answered, what more is told of them, and numbers for each of them. */
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

/** Why it was answered so. Each is a token, as Cache-Status has it, and in `docs/why-not-cached.md`. */
export type Detail = (typeof DETAILS)[number] | ErrorCode

/** All but the codes of errors. */
export const DETAILS = [
  // Not looked up.
  'body',
  'connection',
  'max-forwards',
  'precondition',
  'route',
  'upgrade',
  // Looked up, and answered with nothing, or with what the origin said to this request alone.
  'only-if-cached',
  'range',
  'unshareable',
  // Answered with a stale copy.
  'soft-timeout',
  'stale-if-error',
  'stale-while-revalidate',
  // Not kept.
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

/** How an error that reaches the client is told of: as one, or, where it spares the origin, as shed. */
export const outcomeOfError = (code: ErrorCode): { readonly result: 'error' | 'shed'; readonly detail: ErrorCode } => ({
  result: code === 'overloaded' ? 'shed' : 'error',
  detail: code,
})
