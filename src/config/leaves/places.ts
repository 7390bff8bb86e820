/** Where things are: paths, addresses, hosts, URLs. */
import * as z from 'zod'
import { messageOf } from '../../errors.ts'
import { readUrl } from '../../policy/absolute-url.ts'
import { parseRedisUrl } from '../../stores/redis/url.ts'
import { parseHost, parseNetworks, parseOriginUrl } from '../addresses.ts'
import { expectedSecret } from '../fault.ts'
import { matching, text } from './text.ts'

export const path = text('the path of a folder', (given) =>
  given.trim() === '' || given.includes('\0') ? undefined : given,
)

/** May contain a password, so messages do not repeat it. */
export const redisUrl = z
  .string(expectedSecret('a URL such as redis://10.0.0.7:6379'))
  .superRefine((given, context) => {
    try {
      parseRedisUrl(given)
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error), input: given })
    }
  })

/** Without braces, which a cluster would take for a hash tag. */
export const redisPrefix = text('1 to 64 letters, digits, ".", "_", ":" or "-"', matching(/^[A-Za-z0-9._:-]{1,64}$/))

export const host = text('an IP address or a host name', parseHost)

export const networks = z
  .array(text('an IP address, a CIDR block such as 10.0.0.0/8, or "loopback"', parseNetworks))
  .transform((given) => [...new Set(given.flat())])

export const originUrls = z
  .array(text('an http:// or https:// URL without user, query or fragment', parseOriginUrl, meantUrl))
  .min(1, { error: 'expected at least one URL' })
  .transform((given) => [...new Set(given)])

const MAX_URL_PREFIXES = 128
export const urlPrefixes = z
  .array(
    text('an absolute URL such as https://shop.example/catalog, without "*" and query', (given) =>
      readUrl(given).ok && !/[*?]/.test(given) ? given : undefined,
    ),
  )
  .max(MAX_URL_PREFIXES, { error: `expected at most ${MAX_URL_PREFIXES} prefixes` })
  .transform((given) => [...new Set(given)])

function meantUrl(input: unknown): string | undefined {
  if (typeof input !== 'string' || /^[a-z]+:\/\//i.test(input)) return undefined
  return parseOriginUrl(`http://${input}`)
}

/** Exact, or `*.example.com`; a port counts only when given. Without a final dot, as requests are compared. */
export const hostPattern = text('a host such as shop.example or *.shop.example', (given) => {
  const [, authority = ''] = /^(?:\*\.)?(.*?)(?::\d{1,5})?$/.exec(given) ?? []
  const isBareIpv6 = authority.includes(':') && !authority.startsWith('[')
  if (parseHost(authority) === undefined || isBareIpv6) return undefined
  return given.toLowerCase().replace(/\.(?=:\d+$|$)/, '')
})

/** Exact, or a prefix ending in `*`. Percent-encodes characters other than ASCII, as requests have them. */
export const pathPattern = text('a path that begins with "/", with "*" only at its end, such as /catalog/*', (given) =>
  matching(/^\/[^*?#\s]*\*?$/)(given)
    ?.toWellFormed()
    .replace(/[^\0-\x7f]+/g, encodeURIComponent),
)
