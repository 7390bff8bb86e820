/** Content negotiation fields (RFC 9110 section 12.5): lists of what the client would rather have. */
import { trimmed } from '../fields.ts'
import { memoized } from './memoized.ts'

interface Preference {
  /** Lower-cased but for the values of its parameters, which may mean something by their case; "q" left out. */
  readonly range: string
  /** From 0, not wanted at all, to 1. */
  readonly weight: number
}

/** Whose value is such a list: the order of its members means nothing, and their case does not either. */
export const PREFERENCE_FIELDS: ReadonlySet<string> = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
])

const MEMBER = /^[!#$%&'*+\-.^_`|~0-9a-z/]+(?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9a-z]+=[!#$%&'*+\-.^_`|~0-9a-z]+)*$/i
const WEIGHT = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/

/** The members of such a field; undefined where one is not well formed, and so means what its reader makes of it. */
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

/** All of a range, the name of a parameter (RFC 9110 section 8.3.1). */
function lowerCased(part: string): string {
  const equals = part.indexOf('=')
  return equals === -1 ? part.toLowerCase() : part.slice(0, equals).toLowerCase() + part.slice(equals)
}

/**
 * A field value that all spellings of the same preferences share: lower-cased, sorted, each weight in its shortest
 * form (RFC 9111 section 4.1). One that is not well formed stays as it is.
 */
export const normalPreferences = memoized((value): string => {
  const members = parsePreferences(value)?.map(({ range, weight }) => (weight === 1 ? range : `${range};q=${weight}`))
  return members === undefined ? trimmed(value) : [...new Set(members)].sort().join(',')
})

/** Those that origins and clients use, beside identity. */
const CODINGS = ['br', 'deflate', 'gzip', 'zstd']

/**
 * What an Accept-Encoding comes to where others may get the answer (RFC 9110 section 12.5.3): which of a few codings are
 * acceptable, and whether identity is not. There are fewer such values than a resource may have variants, so that nobody
 * can push out those of others; and they accept nothing that the one given does not.
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
 * The one language an Accept-Language prefers to all others, lower-cased; undefined when it prefers none, or any. A
 * response in that language is what its sender would be given, whatever else it lists (RFC 9110 section 12.5.4).
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
