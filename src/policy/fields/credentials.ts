/** Request fields that identify the client. */
import type { Fields } from '../../fields.ts'
import type { Rules } from '../../model.ts'

/** Lower-cased. */
export const CREDENTIALS: readonly string[] = ['authorization', 'proxy-authorization']

/** The same, with fields that may identify the client. */
export const SECRETS: readonly string[] = [...CREDENTIALS, 'cookie']

/**
 * Whether the request identifies its sender. Cookies do not count if the route ignores them or treats them as in RFC
 * 9111 section 7.3. One pass over the fields; names are compared only if their length fits.
 */
export function isCredentialed(fields: Fields, cookies: Rules['cookies']): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    switch (name.length) {
      case 6:
        if (cookies === 'safe' && name.toLowerCase() === 'cookie') return true
        break
      case 13:
        if (name.toLowerCase() === 'authorization') return true
        break
      case 19:
        if (name.toLowerCase() === 'proxy-authorization') return true
        break
    }
  }
  return false
}
