/** Names that many responses have, as servers spell them. */
const USUAL = [
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

const usual = new Map(USUAL.flatMap((name) => [name, name.toLowerCase()]).map((name) => [name, name]))

/** Texts that came of late: at most so many, none longer than that. */
const MOST = 1_024
const LONGEST = 64
const latest = new Map<string, string>()

/**
 * The same fields, in a list of their own, whose texts are those of fields before where they are equal. Most are: names
 * and values without this would be a fifth of the memory of small stored responses, and half of what a collection
 * visits.
 */
export function interned(fields: readonly string[]): string[] {
  const list = fields.slice()
  for (let at = 0; at < list.length; at++) list[at] = internedText(list[at] ?? '')
  return list
}

/** Is it one text for certain, wherever it stands in what `interned` returns? */
export const isAlwaysInterned = (text: string): boolean => usual.has(text)

/** A text that came of late, where it is equal to this. */
export function internedText(text: string): string {
  if (text.length > LONGEST) return text
  const known = usual.get(text) ?? latest.get(text)
  if (known !== undefined) return known
  if (latest.size >= MOST) latest.clear()
  latest.set(text, text)
  return text
}
