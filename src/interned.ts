/** Common response field names, as servers spell them. */
const COMMON_NAMES = [
  'Accept-Ranges',
  'Access-Control-Allow-Credentials',
  'Access-Control-Allow-Headers',
  'Access-Control-Allow-Methods',
  'Access-Control-Allow-Origin',
  'Access-Control-Expose-Headers',
  'Access-Control-Max-Age',
  'Alt-Svc',
  'Cache-Control',
  'CDN-Cache-Control',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Language',
  'Content-Location',
  'Content-Security-Policy',
  'Content-Type',
  'Cross-Origin-Embedder-Policy',
  'Cross-Origin-Opener-Policy',
  'Cross-Origin-Resource-Policy',
  'Date',
  'ETag',
  'Etag',
  'Expires',
  'Last-Modified',
  'Link',
  'Location',
  'Permissions-Policy',
  'Pragma',
  'Referrer-Policy',
  'Retry-After',
  'Server',
  'Server-Timing',
  'Set-Cookie',
  'Strict-Transport-Security',
  'Timing-Allow-Origin',
  'Vary',
  'Via',
  'X-Content-Type-Options',
  'X-Frame-Options',
  'X-Powered-By',
  'X-Request-Id',
  'X-XSS-Protection',
]

const common = new Map(COMMON_NAMES.flatMap((name) => [name, name.toLowerCase()]).map((name) => [name, name]))

/** Recently seen strings: at most MOST, of at most LONGEST characters each. */
const MOST = 1_024
const LONGEST = 64
const latest = new Map<string, string>()

/**
 * A copy of the fields that shares its strings with equal ones of earlier fields. Most are equal: otherwise names and
 * values would take a fifth of the memory of small stored responses, and be half of what a garbage collection visits.
 */
export function interned(fields: readonly string[]): string[] {
  const list = fields.slice()
  for (let at = 0; at < list.length; at++) list[at] = internedText(list[at] ?? '')
  return list
}

/** Whether `interned` always returns the same string object for it. */
export const isAlwaysInterned = (text: string): boolean => common.has(text)

/** An equal string that was seen recently, else this one. */
export function internedText(text: string): string {
  if (text.length > LONGEST) return text
  const known = common.get(text) ?? latest.get(text)
  if (known !== undefined) return known
  if (latest.size >= MOST) latest.clear()
  latest.set(text, text)
  return text
}
