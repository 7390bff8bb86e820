/** The trailer fields of a response (RFC 9110 section 6.5) that a client gets. */
import { type Fields, HOP_BY_HOP, lines, without } from '../fields.ts'
import { hopByHop } from './hop-by-hop.ts'
import { isTagField } from './tags.ts'

/**
 * What frames or routes a message, controls caches, says who somebody is, or has to be known before the content, which
 * trailers may not carry (RFC 9110 section 6.5.1). The head of a response decided who may share it: Set-Cookie behind
 * that would reach everyone who waits.
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

/** Cache-Control and those that are for some caches (RFC 9213). */
const CACHE_CONTROL = /(?:^|-)cache-control$/

/** Without those that are for the connection alone, also by the Connection of the head (RFC 9110 section 7.6.1). */
export function endToEndTrailers(trailers: Fields, head: Fields): Fields {
  return trailers.length === 0 ? trailers : without(trailers, hopByHop(head))
}

/** By name in lower case, lines of one name combined. As in the head, tags are for caches. */
export function passedTrailers(trailers: Fields): Record<string, string> {
  const passed: Record<string, string> = Object.create(null)
  for (const [name, value] of lines(trailers)) {
    if (NEVER_TRAILERS.has(name) || CACHE_CONTROL.test(name) || isTagField(name)) continue
    passed[name] = name in passed ? `${passed[name]}, ${value}` : value
  }
  return passed
}
