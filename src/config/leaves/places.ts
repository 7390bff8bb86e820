/** Where things are: paths, addresses, hosts, URLs. */
import * as z from 'zod'
import { parseRedisUrl } from '../../stores/redis/url.ts'
import { parseHost, parseNetworks, parseOriginUrl } from '../addresses.ts'
import { expectedSecret } from '../fault.ts'
import { matching, text } from './text.ts'

export const path = text('the path of a folder', (given) =>
  given.trim() === '' || given.includes('\0') ? undefined : given,
)

/** May carry a password: it is not repeated. */
export const redisUrl = z
  .string(expectedSecret('a URL such as redis://10.0.0.7:6379'))
  .superRefine((given, context) => {
    try {
      parseRedisUrl(given)
    } catch (error) {
      context.addIssue({
        code: 'custom',
        message: error instanceof Error ? error.message : String(error),
        input: given,
      })
    }
  })

/** Braces would make a cluster put the keys where it should not. */
export const redisPrefix = text('1 to 64 letters, digits, ".", "_", ":" or "-"', matching(/^[A-Za-z0-9._:-]{1,64}$/))

export const host = text('an IP address or a host name', parseHost)

export const networks = z
  .array(text('an IP address, a CIDR block such as 10.0.0.0/8, or "loopback"', parseNetworks))
  .transform((given) => [...new Set(given.flat())])

export const originUrls = z
  .array(text('an http:// or https:// URL without user, query or fragment', parseOriginUrl, meantUrl))
  .min(1, { error: 'expected at least one URL' })
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

/** Exact, or a prefix ending in `*`. Other characters than ASCII come percent-encoded. */
export const pathPattern = text('a path that begins with "/", "*" only at its end, such as /catalog/*', (given) =>
  matching(/^\/[^*?#\s]*\*?$/)(given)
    ?.toWellFormed()
    .replace(/[^\0-\x7f]+/g, encodeURIComponent),
)
