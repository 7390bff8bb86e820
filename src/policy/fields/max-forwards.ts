/** Max-Forwards (RFC 9110 section 7.6.2). */
import { field } from '../../fields.ts'
import type { CacheRequest } from '../../model.ts'

/**
 * How often a request may still be forwarded, for OPTIONS and TRACE only; undefined without Max-Forwards, NaN if it is
 * malformed.
 */
export function hopsLeft({ method, fields }: CacheRequest): number | undefined {
  if (method !== 'OPTIONS' && method !== 'TRACE') return undefined
  const value = field(fields, 'max-forwards')
  if (value === undefined) return undefined
  return /^\d+$/.test(value) ? Math.min(Number(value), MAX_HOPS) : Number.NaN
}

const MAX_HOPS = 255
