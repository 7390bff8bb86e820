/** The request for a background refresh of a copy. */
import { type Fields, lines, without } from '../fields.ts'
import type { CacheRequest, Route, StoredResponse } from '../model.ts'
import { SECRETS } from './fields/credentials.ts'
import { keyOf } from './key.ts'
import { isImpersonating } from './fields/impersonating-fields.ts'
import { lenientName } from './fields/lenient-names.ts'

type Copy = Pick<StoredResponse, 'varyOn' | 'partial'>

/**
 * Without the client's cache directives, which concern its own answer and not what is already stored (RFC 9111 section
 * 5.2.1.5). Fields that the copy was selected by, or that are part of its key, are kept.
 */
export function withoutDirectives(request: CacheRequest, { varyOn: on }: Copy, route: Route): CacheRequest {
  if (request.plain === true) return request
  const fields = without(request.fields, (name) => DIRECTIVE_FIELDS.has(name) && !on.includes(name))
  if (fields.length === request.fields.length) return request
  return withSameKey(request, fields, route) ?? request
}

const DIRECTIVE_FIELDS = new Set(['cache-control', 'pragma'])

/**
 * An anonymous form of the request, for when the answer to its client could not be shared: keeps only the fields that
 * selected the copy or are part of its key, those for content negotiation, and those about the proxies it came through.
 * Undefined if the copy was selected by credentials, if a trusted proxy sent fields that may identify the client, and
 * for a partial copy, as the whole would be requested.
 */
export function withoutSender(
  request: CacheRequest,
  { varyOn, partial }: Copy,
  route: Route,
): CacheRequest | undefined {
  if (request.method !== 'GET' || partial !== undefined || hasOtherTrustedFields(request)) return undefined
  const selecting = new Set([...varyOn, ...route.rules.key.headers].map(lenientName))
  if (SECRETS.some((name) => selecting.has(name))) return undefined
  const isAnonymous = (name: string) => ANONYMOUS_FIELDS.has(name) || selecting.has(lenientName(name))
  return withSameKey(
    request,
    without(request.fields, (name) => !isAnonymous(name)),
    route,
  )
}

/** Whether a trusted proxy sent other impersonating fields that the origin may use; some name the user. */
function hasOtherTrustedFields({ fields, peer }: CacheRequest): boolean {
  if (peer?.trusted !== true) return false
  return [...lines(fields)].some(([name]) => !ANONYMOUS_FIELDS.has(name) && isImpersonating(lenientName(name)))
}

const NEGOTIATION_FIELDS = ['accept', 'accept-encoding', 'accept-language', 'user-agent']
/** Fields about the proxies a request came through; an untrusted client's values reach no origin. */
const PROXY_FIELDS = [
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
const ANONYMOUS_FIELDS = new Set([...NEGOTIATION_FIELDS, ...PROXY_FIELDS])

/** The request with only these fields, if its key stays the same. */
function withSameKey(request: CacheRequest, fields: Fields, route: Route): CacheRequest | undefined {
  const { method, url, peer, bodyAgain } = request
  const refresh: CacheRequest = {
    method,
    url,
    fields,
    peer,
    get body() {
      return request.body
    },
    bodyAgain,
  }
  return keyOf(route, refresh).key === keyOf(route, request).key ? refresh : undefined
}
