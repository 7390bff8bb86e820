/** Which request fields select a response (RFC 9111 section 4.1, RFC 9110 section 12.5.5). */
import { type Fields, field, trimmed, without } from '../fields.ts'
import type { CacheRequest, Rules } from '../model.ts'
import { LOWER_CASE_TOKEN } from '../token.ts'
import { SECRETS } from './fields/credentials.ts'
import { isSentAsReceived, reachesOriginBeyondKey } from './forward.ts'
import { digestOf, keyMember, underAnySpelling } from './key.ts'
import { normalCodings, normalPreferences, PREFERENCE_FIELDS, preferredLanguage } from './fields/preferences.ts'

const MAX_NAMES = 16
const UNMATCHABLE = new Set(['*', 'forwarded', 'x-forwarded-for', 'via'])

/** In a normalised pair: the request does not have the field. No field value can contain this. */
const ABSENT = '\0'

/**
 * The lower-cased names in Vary, sorted and without duplicates. `*` if no request can be matched: Vary says so, has an
 * invalid name or more names than a cache should compare, or names a field that we rewrite, as the origin did not see
 * what the client sent.
 */
export function varyOn(fields: Fields): readonly string[] | '*' {
  const given = varyNames(fields)
  if (given.length === 0) return []
  const names = new Set(given.map((name) => name.toLowerCase()))
  const usable =
    names.size <= MAX_NAMES && [...names].every((name) => LOWER_CASE_TOKEN.test(name) && !UNMATCHABLE.has(name))
  return usable ? [...names].sort() : '*'
}

/** The names in Vary as they are written there. */
export function varyNames(fields: Fields): string[] {
  const names = (field(fields, 'vary') ?? '').split(',').map((name) => name.trim())
  return names.filter((name) => name !== '')
}

/**
 * The fields of a request that select a response varying on these, as the origin gets them. Fields about scheme and
 * authority are left out, as those are part of the key.
 */
export function selectingFields(on: readonly string[], request: CacheRequest, cookies: Rules['cookies']): Fields {
  const isLeftOut = (name: string) => name === 'cookie' && cookies === 'ignore'
  if (on.every((name) => isSentAsReceived(name) && !isLeftOut(name))) return request.fields
  return without(request.fields, (name) => isLeftOut(name) || !reachesOriginBeyondKey(name, request.peer))
}

/** The request's normalised values of these fields, to be stored with the response; an absent field is marked. */
export function selectingValues(on: readonly string[], requestFields: Fields): Fields {
  return on.flatMap((name) => [name, normalised(name, requestFields) ?? ABSENT])
}

/** The key of this request's variant; different resources or values never share one. */
export function variantKey(key: string, on: readonly string[], requestFields: Fields): string {
  return key + on.map((name) => keyMember('v', name, normalised(name, requestFields))).join('')
}

/**
 * A name for the variant in the language the request prefers, if the resource varies by language (RFC 9110 section
 * 12.5.4). All other fields it varies on must match the request. Undefined if the request prefers no language.
 */
export function languageKey(key: string, on: readonly string[], requestFields: Fields): string | undefined {
  const language = on.includes(LANGUAGE) ? preferredLanguage(field(requestFields, LANGUAGE) ?? '') : undefined
  return language === undefined ? undefined : keyInLanguage(key, on, requestFields, language)
}

/** The same name, made from a response in one language and its request's fields. */
export function languageKeyOf(
  key: string,
  on: readonly string[],
  requestFields: Fields,
  response: Fields,
): string | undefined {
  const language = on.includes(LANGUAGE) ? trimmed(field(response, 'content-language') ?? '').toLowerCase() : ''
  return LOWER_CASE_TOKEN.test(language) ? keyInLanguage(key, on, requestFields, language) : undefined
}

function keyInLanguage(key: string, on: readonly string[], requestFields: Fields, language: string): string {
  return (
    key +
    on
      .map((name) =>
        name === LANGUAGE ? keyMember('l', name, language) : keyMember('v', name, normalised(name, requestFields)),
      )
      .join('')
  )
}

const LANGUAGE = 'accept-language'

/**
 * Whether the request has the values the response was selected by.
 * @param vary as made by `selectingValues`
 */
export function selects(vary: Fields, requestFields: Fields): boolean {
  for (let at = 0; at + 1 < vary.length; at += 2) {
    if ((normalised(vary[at] ?? '', requestFields) ?? ABSENT) !== vary[at + 1]) return false
  }
  return true
}

/** Stored with a response (also on disk and in Redis) only as digests, which suffice to tell values apart. */
const STORED_AS_DIGESTS = new Set(SECRETS)

/** Fields that are not lists: a comma and the space after it are text. */
const NOT_LISTS = new Set(['referer', 'user-agent'])

/** Other spellings of negotiation fields reach no origin (forward.ts); those of other fields are included. */
function normalised(name: string, requestFields: Fields): string | undefined {
  const value = normalisedAsSpelled(name, requestFields)
  return PREFERENCE_FIELDS.has(name) ? value : underAnySpelling(name, value, requestFields)
}

/**
 * Normalises as RFC 9111 section 4.1 allows: combines lines, removes white space around list members, and uses the
 * canonical form of preferences. A value with quotes stays as it is, as a comma may be inside.
 */
function normalisedAsSpelled(name: string, requestFields: Fields): string | undefined {
  const given = field(requestFields, name)
  const value = given === undefined ? undefined : trimmed(given)
  if (value !== undefined && STORED_AS_DIGESTS.has(name)) return digestOf(value)
  if (value !== undefined && name === 'accept-encoding') return normalCodings(value)
  if (value !== undefined && PREFERENCE_FIELDS.has(name)) return normalPreferences(value)
  if (value === undefined || !value.includes(',') || value.includes('"') || NOT_LISTS.has(name)) return value
  return value.split(',').map(trimmed).join(',')
}
