/** The request by which a copy is refreshed when nobody waits for the answer. */
import { type Fields, lines, without } from '../fields.ts'
import type { CacheRequest, Route, StoredResponse } from '../model.ts'
import { SECRETS } from './credentials.ts'
import { keyOf } from './key.ts'
import { isImpersonating } from './impersonating-fields.ts'
import { asRead } from './lenient-names.ts'

type Copy = Pick<StoredResponse, 'varyOn' | 'partial'>

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
 * copy was selected by who asks, where a trusted proxy says more of the request than can be told apart from who asks, and for
 * a part: it would be asked for as a whole.
 */
export function withoutSender(
  request: CacheRequest,
  { varyOn, partial }: Copy,
  route: Route,
): CacheRequest | undefined {
  if (request.method !== 'GET' || partial !== undefined || isToldMore(request)) return undefined
  const selecting = new Set([...varyOn, ...route.rules.key.headers].map(asRead))
  if (SECRETS.some((name) => selecting.has(name))) return undefined
  const isOfAnyone = (name: string) => OF_ANYONE.has(name) || selecting.has(asRead(name))
  return inKey(
    request,
    without(request.fields, (name) => !isOfAnyone(name)),
    route,
  )
}

/** Fields of a trusted proxy by which the origin may answer, beside those of the way; some name the user. */
function isToldMore({ fields, peer }: CacheRequest): boolean {
  if (peer?.trusted !== true) return false
  return [...lines(fields)].some(([name]) => !OF_ANYONE.has(name) && isImpersonating(asRead(name)))
}

const NEGOTIATING = ['accept', 'accept-encoding', 'accept-language', 'user-agent']
/** Of the way the request has come. What of this a stranger says reaches no origin. */
const OF_THE_WAY = [
  'forwarded',
  'front-end-https',
  'surrogate-capability',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-original-host',
  'x-original-uri',
  'x-original-url',
  'x-real-ip',
  'x-request-uri',
  'x-scheme',
  'x-script-name',
]
const OF_ANYONE = new Set([...NEGOTIATING, ...OF_THE_WAY])

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
