/** What a request wishes of a cache (RFC 9111 section 5.2.1). */
import { type Fields, field, without } from '../fields.ts'
import type { CacheRequest, Route, StoredResponse } from '../model.ts'
import { type Directives, parseCacheControl } from './cache-control.ts'
import { keyOf } from './key.ts'

/** Pragma: no-cache counts only without Cache-Control (RFC 9111 section 5.4). */
export function wishesOf(fields: Fields): Directives {
  const value = field(fields, 'cache-control')
  return parseCacheControl(value ?? field(fields, 'pragma')?.match(/\bno-cache\b/i)?.[0])
}

/**
 * The request by which a copy is refreshed when nobody waits for the answer. What its client wishes of caches is about its
 * own answer, which it has had, and not about what is stored already (RFC 9111 section 5.2.1.5). What the copy was selected
 * by, or is in its key, stays.
 */
export function withoutWishes(
  request: CacheRequest,
  { varyOn: on }: Pick<StoredResponse, 'varyOn'>,
  route: Route,
): CacheRequest {
  if (request.plain === true) return request
  const fields = without(request.fields, (name) => WISHES.has(name) && !on.includes(name))
  if (fields.length === request.fields.length) return request
  const { method, url, peer } = request
  const refresh: CacheRequest = {
    method,
    url,
    fields,
    peer,
    get body() {
      return request.body
    },
  }
  return keyOf(route, refresh).key === keyOf(route, request).key ? refresh : request
}

const WISHES = new Set(['cache-control', 'pragma'])
