/** Content negotiation fields (RFC 9110 section 12.5): lists of the client's preferences. */
import { trimmed } from '../../fields.ts'
import { memoized } from '../memoized.ts'

interface Preference {
  /** Lower-cased, except for parameter values, which may be case-sensitive; without "q". */
  readonly range: string
  /** From 0 (not acceptable) to 1. */
  readonly weight: number
}

/** Fields with such lists, in which neither order nor case of the members matters. */
export const PREFERENCE_FIELDS: ReadonlySet<string> = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
])

const MEMBER = /^[!#$%&'*+\-.^_`|~0-9a-z/]+(?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9a-z]+=[!#$%&'*+\-.^_`|~0-9a-z]+)*$/i
const WEIGHT = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/

/** The members of such a field; undefined if one is malformed, as origins may read it differently. */
function parsePreferences(value: string): Preference[] | undefined {
  const preferences: Preference[] = []
  for (const member of value.split(',')) {
    const text = trimmed(member)
    if (text === '') continue
    const preference = parsePreference(text)
    if (preference === undefined) return undefined
    preferences.push(preference)
  }
  return preferences
}

function parsePreference(text: string): Preference | undefined {
  if (!MEMBER.test(text)) return undefined
  const parts = text.split(';').map((part) => lowerCased(part.trim()))
  const weights = parts.filter((part) => part.startsWith('q='))
  const [weight = 'q=1'] = weights
  if (weights.length > 1 || !WEIGHT.test(weight.slice(2))) return undefined
  return { range: parts.filter((part) => !part.startsWith('q=')).join(';'), weight: Number(weight.slice(2)) }
}

/** Lower-cases a range, or the name of a parameter (RFC 9110 section 8.3.1). */
function lowerCased(part: string): string {
  const equals = part.indexOf('=')
  return equals === -1 ? part.toLowerCase() : part.slice(0, equals).toLowerCase() + part.slice(equals)
}

/**
 * A canonical form shared by all spellings of the same preferences: lower-cased, sorted, weights in their shortest form
 * (RFC 9111 section 4.1). A malformed value is only trimmed.
 */
export const normalPreferences = memoized((value): string => {
  const members = parsePreferences(value)?.map(({ range, weight }) => (weight === 1 ? range : `${range};q=${weight}`))
  return members === undefined ? trimmed(value) : [...new Set(members)].sort().join(',')
})

/** The codings in common use, besides identity. */
const CODINGS = ['br', 'deflate', 'gzip', 'zstd']

/**
 * Accept-Encoding reduced for responses that others may get (RFC 9110 section 12.5.3): which of a few codings are
 * acceptable, and whether identity is not. There are fewer such values than a resource may have variants, so that no
 * client can push out the others' variants. The result accepts nothing that the original does not.
 */
export const normalCodings = memoized((value): string => {
  const given = value.split(',').flatMap((member) => parsePreference(trimmed(member)) ?? [])
  const accepts = (coding: string) => given.some(({ range, weight }) => range === coding && weight > 0)
  const refuses = (coding: string) => !accepts(coding) && given.some(({ range }) => range === coding)
  const codings = CODINGS.filter(accepts)
  const needsCoding = refuses('identity') || (refuses('*') && !accepts('identity'))
  if (!needsCoding) return codings.join(', ') || 'identity'
  return [...(codings.length === 0 && accepts('*') ? ['*'] : codings), 'identity;q=0'].join(', ')
})

/**
 * The language that an Accept-Language prefers to all others, lower-cased; undefined if there is no single one, or it
 * is a wildcard. A response in that language suits the client, whatever else it lists (RFC 9110 section 12.5.4).
 */
export function preferredLanguage(value: string): string | undefined {
  let best: Preference | undefined
  let alone = true
  for (const preference of parsePreferences(value) ?? []) {
    if (best !== undefined && preference.weight < best.weight) continue
    alone = best === undefined || preference.weight > best.weight || (alone && preference.range === best.range)
    best = preference
  }
  const found = alone && best !== undefined && best.weight > 0 && !best.range.includes(';') ? best.range : undefined
  return found === undefined || found.includes('*') ? undefined : found
}
