/** Request fields that identify the client. */
import type { Fields } from '../../fields.ts'
import type { Rules } from '../../model.ts'

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
export const withUnderscores = (name: string): string => name.replaceAll('-', '_')

const COOKIE = 'cookie'

/** All fields that may identify the client. */
export const SECRETS: readonly string[] = [
  ...new Set([...CREDENTIALS, ...API_KEYS, ...API_KEYS.map(withUnderscores), COOKIE]),
]

/**
 * Whether the request identifies its sender. Cookies do not count if the route ignores them or treats them as in RFC
 * 9111 section 7.3. One pass over the fields; names are compared only if their length fits.
 */
export function isCredentialed(fields: Fields, cookies: Rules['cookies']): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const given = fields[at] ?? ''
    if (!LENGTHS.has(given.length)) continue
    const name = given.toLowerCase()
    if (NAMES.has(name) && (name !== COOKIE || cookies === 'safe')) return true
  }
  return false
}

const NAMES = new Set(SECRETS)
const LENGTHS = new Set(SECRETS.map(({ length }) => length))
