/** Fields that are for one connection only (RFC 9110 section 7.6.1), and so are neither forwarded nor stored. */
import { type Fields, field, HOP_BY_HOP, lines } from '../fields.ts'
import { CONDITIONALS } from './conditionals.ts'
import { isImpersonating } from './impersonating-fields.ts'
import { asRead } from './lenient-names.ts'

const NO_OPTIONS: ReadonlySet<string> = new Set()
const USUAL = new Set(['keep-alive', 'Keep-Alive', 'close'])

/** Is a field, named in lower case, for the connection alone? Those that Connection names are. */
export function hopByHop(fields: Fields): (name: string) => boolean {
  const options = connectionOptions(fields)
  return (name) => HOP_BY_HOP.has(name) || options.has(name)
}

/**
 * Does Connection name a field of this message that others would get? Then the origin answers to another message than
 * the one at hand.
 */
export function losesFields(fields: Fields): boolean {
  const options = connectionOptions(fields)
  if (options.size === 0) return false
  for (const [name] of lines(fields)) {
    if (!HOP_BY_HOP.has(name) && (options.has(name) || options.has(asRead(name)))) return true
  }
  return false
}

/** The lower-cased options of Connection; none where it says what nearly all do, which names no field. */
export function connectionOptions(fields: Fields): ReadonlySet<string> {
  const value = field(fields, 'connection')
  if (value === undefined || USUAL.has(value)) return NO_OPTIONS
  return new Set(value.split(',').map((option) => option.trim().toLowerCase()))
}

/** Fields for the recipient of the message, or that decide how it is framed, routed or shared. */
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

/** Members of a request's Connection: they are looked at in every step on the way, and nobody needs as many. */
const MOST_MEMBERS = 64

/**
 * What is wrong with the request's Connection: it names a field that is never for one connection (RFC 9110
 * section 7.6.1), as someone does who wants it removed on the way, or it is endless. Undefined when nothing is.
 */
export function connectionProblem(fields: Fields): string | undefined {
  const options = connectionOptions(fields)
  if (options.size === 0) return undefined
  const members = field(fields, 'connection')?.split(',').length ?? 0
  if (members > MOST_MEMBERS) return `Connection has more than ${MOST_MEMBERS} members`
  for (const option of options) {
    const read = asRead(option)
    if (NEVER_HOP_BY_HOP.has(read) || isImpersonating(read)) return `Connection names ${option}`
  }
  return undefined
}
