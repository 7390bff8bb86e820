/** What a successful unsafe request invalidates (RFC 9111 section 4.4, RFC 9875 section 3). */
import { type Fields, fieldLines, trimmed } from '../fields.ts'
import type { CacheRequest } from '../model.ts'
import { groupsOf, groupTag } from './fields/groups.ts'
import { nameOf, splitUrl } from './target.ts'

export interface Invalidated {
  /** Names as in the invalidation log. */
  readonly urls: readonly string[]
  readonly tags: readonly string[]
}

const NOTHING: Invalidated = { urls: [], tags: [] }

/**
 * The names and cache groups that a non-error (2xx or 3xx) response to an unsafe method invalidates: the target, and
 * what Location and Content-Location name on the same origin. Not meant for safe methods.
 */
export function invalidatedBy(
  request: CacheRequest,
  response: { readonly status: number; readonly fields: Fields },
): Invalidated {
  if (response.status < 200 || response.status > 399) return NOTHING
  const urls = new Set([nameOf(request.url)])
  for (const name of ['location', 'content-location']) {
    for (const reference of fieldLines(response.fields, name)) {
      for (const url of sameOrigin(request.url, trimmed(reference))) urls.add(url)
    }
  }
  const groups = groupsOf(response.fields, 'cache-group-invalidation')
  return { urls: [...urls], tags: groups.map((group) => groupTag(request.url, group)) }
}

/**
 * The names of a reference on the request's origin: as spelled, and as a client that normalises it (RFC 3986 section 6)
 * would request it. None if it leads to another origin, which must not be invalidated.
 */
function sameOrigin(requestUrl: string, reference: string): string[] {
  const { scheme, authority } = splitUrl(requestUrl)
  const origin = `${scheme}://${authority}`
  const base = URL.parse(requestUrl)
  const resolved = base === null ? null : URL.parse(reference, base.href)
  if (base === null || resolved === null || resolved.origin !== base.origin) return []
  const names = [`${authority}${resolved.pathname}${resolved.search}`]
  const spelled = reference.split('#', 1)[0] ?? ''
  if (spelled.startsWith('/') && !spelled.startsWith('//')) names.push(`${authority}${spelled}`)
  if (spelled.startsWith(`${origin}/`)) names.push(nameOf(spelled))
  return names
}
