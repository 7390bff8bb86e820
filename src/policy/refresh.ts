/** The request by which a copy is refreshed when nobody waits for the answer. */
import { type Fields, without } from '../fields.ts'
import type { CacheRequest, Route, StoredResponse } from '../model.ts'
import { SECRETS } from './credentials.ts'
import { keyOf } from './key.ts'

type Copy = Pick<StoredResponse, 'varyOn'>

/**
 * What its client wishes of caches is about its own answer, which it has had, and not about what is stored already (RFC 9111
 * section 5.2.1.5). What the copy was selected by, or is in its key, stays.
 */
export function withoutWishes(request: CacheRequest, { varyOn: on }: Copy, route: Route): CacheRequest {
  if (request.plain === true) return request
  const fields = without(request.fields, (name) => WISHES.has(name) && !on.includes(name))
  if (fields.length === request.fields.length) return request
  return inKey(request, fields, route) ?? request
}

const WISHES = new Set(['cache-control', 'pragma'])

/**
 * The same in nobody's name, where the answer to its client could not be given to others: of its fields are left those that
 * the copy was selected by, those in its key, what negotiates content, and the way the request has come. Undefined where the
 * copy was selected by who asks.
 */
export function withoutSender(request: CacheRequest, { varyOn: on }: Copy, route: Route): CacheRequest | undefined {
  const { headers } = route.rules.key
  if (request.method !== 'GET' || SECRETS.some((name) => on.includes(name) || headers.includes(name))) return undefined
  const isOfAnyone = (name: string) => OF_ANYONE.has(name) || on.includes(name) || headers.includes(name)
  return inKey(
    request,
    without(request.fields, (name) => !isOfAnyone(name)),
    route,
  )
}

const OF_ANYONE = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'forwarded',
  'user-agent',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
])

/** The request with these fields alone, if what it is answered is kept at the same key. */
function inKey(request: CacheRequest, fields: Fields, route: Route): CacheRequest | undefined {
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
  return keyOf(route, refresh).key === keyOf(route, request).key ? refresh : undefined
}
