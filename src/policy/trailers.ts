/** Which trailer fields of a response (RFC 9110 section 6.5) a client gets. */
import { type Fields, HOP_BY_HOP, lines, without } from '../fields.ts'
import { hopByHop } from './fields/hop-by-hop.ts'
import { isTagField } from './fields/tags.ts'

/**
 * Fields not allowed in trailers (RFC 9110 section 6.5.1): for framing, routing, caching or authentication, or needed
 * before the content. The head of a response decided who may share it: a Set-Cookie in trailers would reach all
 * waiters.
 */
const NEVER_TRAILERS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'age',
  'authentication-info',
  'authorization',
  'cache-status',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expect',
  'expires',
  'host',
  'location',
  'max-forwards',
  'pragma',
  'refresh',
  'retry-after',
  'set-cookie',
  'set-cookie2',
  'surrogate-control',
  'trailer',
  'vary',
  'via',
  'warning',
  'www-authenticate',
])

/** Cache-Control and its targeted forms (RFC 9213). */
const CACHE_CONTROL = /(?:^|-)cache-control$/

/** Without hop-by-hop fields, including those named by the head's Connection (RFC 9110 section 7.6.1). */
export function endToEndTrailers(trailers: Fields, head: Fields): Fields {
  return trailers.length === 0 ? trailers : without(trailers, hopByHop(head))
}

/** By lower-cased name, lines of the same name combined; without tag fields, as in the head. */
export function passedTrailers(trailers: Fields): Record<string, string> {
  const passed: Record<string, string> = Object.create(null)
  for (const [name, value] of lines(trailers)) {
    if (NEVER_TRAILERS.has(name) || CACHE_CONTROL.test(name) || isTagField(name)) continue
    passed[name] = name in passed ? `${passed[name]}, ${value}` : value
  }
  return passed
}
