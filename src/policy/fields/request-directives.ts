/** Cache directives of requests (RFC 9111 section 5.2.1). */
import { type Fields, field } from '../../fields.ts'
import { type Directives, NONE, parseCacheControl } from './cache-control.ts'
import { memoized } from '../memoized.ts'

/** Pragma: no-cache counts only without Cache-Control (RFC 9111 section 5.4). */
export function requestDirectives(fields: Fields): Directives {
  const value = field(fields, 'cache-control')
  const given = value ?? field(fields, 'pragma')?.match(/\bno-cache\b/i)?.[0]
  return given === undefined ? NONE : directivesOf(given)
}

const directivesOf = memoized(parseCacheControl)
