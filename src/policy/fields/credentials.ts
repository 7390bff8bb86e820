/** Request fields that identify the client. */
import type { Fields } from '../../fields.ts'
import type { Rules } from '../../model.ts'
import { lenientName } from './lenient-names.ts'

/** Lower-cased. */
export const CREDENTIALS: readonly string[] = ['authorization', 'proxy-authorization']

/**
 * Fields of their own in which API keys and access tokens are commonly sent, lower-cased. RFC 9111 has no rule for them,
 * so they matter only where the origin has not stated a lifetime.
 */
export const API_KEYS: readonly string[] = [
  'access-token',
  'api-key',
  'apikey',
  'auth-token',
  'ocp-apim-subscription-key',
  'private-token',
  'x-access-token',
  'x-amz-security-token',
  'x-api-key',
  'x-api-token',
  'x-apikey',
  'x-auth-key',
  'x-auth-token',
  'x-functions-key',
  'x-goog-api-key',
  'x-rapidapi-key',
  'x-session-token',
  'x-shopify-access-token',
  'x-vault-token',
]

/** Also the name of a field in some APIs (`api_key`); some origins read it as if it had "-". */
const withUnderscores = (name: string): string => name.replaceAll('-', '_')

const COOKIE = 'cookie'

const NAMES_OF_API_KEYS = new Set(API_KEYS.concat(API_KEYS.map(withUnderscores)))

/** All fields that may identify the client. */
export const SECRETS: readonly string[] = [...CREDENTIALS, ...NAMES_OF_API_KEYS, COOKIE]

type Counting = Pick<Rules, 'cookies' | 'override' | 'key'>

/**
 * Whether the request identifies its sender, as far as its route cares. Cookies do not count if it ignores them or
 * treats them as in RFC 9111 section 7.3; API keys do not if it has them in its key or overrides responses.
 */
export const isCredentialed = (fields: Fields, { cookies, override, key }: Counting): boolean =>
  someSecret(fields, (name) => {
    if (name === COOKIE) return cookies === 'safe'
    return !NAMES_OF_API_KEYS.has(name) || !(override || isAmong(key.headers, name))
  })

/** Whether the request has an API key in a field that is not among these, however they are spelled. */
export const hasApiKeyBeside = (fields: Fields, names: readonly string[]): boolean =>
  someSecret(fields, (name) => NAMES_OF_API_KEYS.has(name) && !isAmong(names, name))

const isAmong = (names: readonly string[], name: string): boolean =>
  names.some((each) => lenientName(each) === lenientName(name))

/** Whether it has anything but cookies that may identify its sender. */
export const hasCredentials = (fields: Fields): boolean => someSecret(fields, (name) => name !== COOKIE)

/** One pass over the fields; names are compared only if their length fits. */
function someSecret(fields: Fields, counts: (name: string) => boolean): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const given = fields[at] ?? ''
    if (!LENGTHS.has(given.length)) continue
    const name = given.toLowerCase()
    if (NAMES.has(name) && counts(name)) return true
  }
  return false
}

const NAMES = new Set(SECRETS)
const LENGTHS = new Set(SECRETS.map(({ length }) => length))
