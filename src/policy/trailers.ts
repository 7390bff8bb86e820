/** The trailer fields of a response (RFC 9110 section 6.5) that a client gets. */
import { type Fields, lines } from '../fields.ts'
import { isTagField } from './tags.ts'

/** What frames or routes a message, which trailers may not carry (RFC 9110 section 6.5.1). */
const NEVER_TRAILERS = new Set([
  'content-length',
  'transfer-encoding',
  'trailer',
  'host',
  'content-encoding',
  'connection',
])

/** By name in lower case, lines of one name combined. As in the head, tags are for caches. */
export function passedTrailers(trailers: Fields): Record<string, string> {
  const passed: Record<string, string> = Object.create(null)
  for (const [name, value] of lines(trailers)) {
    if (NEVER_TRAILERS.has(name) || isTagField(name)) continue
    passed[name] = name in passed ? `${passed[name]}, ${value}` : value
  }
  return passed
}
