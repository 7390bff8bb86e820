/** Hop-by-hop fields (RFC 9110 section 7.6.1), which are neither forwarded nor stored. */
import { type Fields, field, HOP_BY_HOP, lines } from '../../fields.ts'
import { CONDITIONALS } from './conditionals.ts'
import { isImpersonating } from './impersonating-fields.ts'
import { lenientName } from './lenient-names.ts'

const NO_OPTIONS: ReadonlySet<string> = new Set()
const USUAL = new Set(['keep-alive', 'Keep-Alive', 'close'])

/** A test for hop-by-hop fields by lower-cased name, including those that Connection names. */
export function hopByHop(fields: Fields): (name: string) => boolean {
  const options = connectionOptions(fields)
  return (name) => HOP_BY_HOP.has(name) || options.has(name)
}

/** Whether Connection names an otherwise end-to-end field of this message: then the origin sees a different request. */
export function losesFields(fields: Fields): boolean {
  const options = connectionOptions(fields)
  if (options.size === 0) return false
  for (const [name] of lines(fields)) {
    if (!HOP_BY_HOP.has(name) && (options.has(name) || options.has(lenientName(name)))) return true
  }
  return false
}

/** The lower-cased options of Connection; empty for the usual values, which name no field. */
export function connectionOptions(fields: Fields): ReadonlySet<string> {
  const value = field(fields, 'connection')
  if (value === undefined || USUAL.has(value)) return NO_OPTIONS
  return new Set(value.split(',').map((option) => option.trim().toLowerCase()))
}

/** Fields for the final recipient, or that determine framing, routing or sharing. */
const NEVER_HOP_BY_HOP = new Set([
  ...CONDITIONALS,
  'accept',
  'accept-encoding',
  'accept-language',
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'host',
  'max-forwards',
  'origin',
  'pragma',
  'referer',
  'set-cookie',
  'surrogate-capability',
  'transfer-encoding',
  'user-agent',
  'vary',
  'via',
])

/** Most members of a request's Connection: it is parsed repeatedly, and no client needs more. */
const MAX_MEMBERS = 64

/**
 * What is wrong with the request's Connection: it names a field that is never hop-by-hop (RFC 9110 section 7.6.1),
 * which an attacker does to have it removed, or it has too many members. Undefined if it is fine.
 */
export function connectionProblem(fields: Fields): string | undefined {
  const options = connectionOptions(fields)
  if (options.size === 0) return undefined
  const members = field(fields, 'connection')?.split(',').length ?? 0
  if (members > MAX_MEMBERS) return `Connection has more than ${MAX_MEMBERS} members`
  for (const option of options) {
    const read = lenientName(option)
    if (NEVER_HOP_BY_HOP.has(read) || isImpersonating(read)) return `Connection names ${option}`
  }
  return undefined
}
