/** Whether a response may be stored, and so given to other clients (RFC 9111 section 3). */
import { type Fields, field, has } from '../fields.ts'
import type { CacheRequest, Detail, OriginResponse, Rules } from '../model.ts'
import { requestDirectives } from './fields/request-directives.ts'
import { CONTROL_FIELDS, type ResponseDirectives, responseDirectives } from './fields/targeted-control.ts'
import { type Freshness, freshnessOf, HEURISTICALLY_CACHEABLE, isNeverUsedStale, staleWindows } from './freshness.ts'
import { connectionOptions } from './fields/hop-by-hop.ts'
import { CREDENTIALS, hasApiKeyBeside } from './fields/credentials.ts'
import { parseContentRange, requestedRanges } from './range.ts'
import { tagsOf } from './fields/tags.ts'
import { canBeValidated } from './validation.ts'
import { varyOn } from './vary.ts'

export type Storable =
  | { readonly store: true }
  | {
      readonly store: false
      readonly why: Detail
    }

interface Exchange {
  readonly request: CacheRequest
  readonly status: number
  readonly fields: Fields
  readonly mayBeCutOff: boolean
  readonly rules: Rules
  readonly directives: ResponseDirectives
  readonly freshness: Freshness
}

interface Condition {
  readonly why: Detail
  /** Whether the response must not be stored. */
  readonly forbids: (exchange: Exchange) => boolean
}

/**
 * Tried in this order: the first that forbids is the reason given. Conditions about a single client come before the
 * status, as a failure that is not stored only because of its status is shared with all waiters.
 */
const CONDITIONS: readonly Condition[] = [
  { why: 'method', forbids: isForAnotherMethod },
  { why: 'partial', forbids: isUnknownPart },
  { why: 'request-no-store', forbids: requestForbids },
  { why: 'no-store', forbids: forbidsStoring },
  { why: 'private', forbids: ({ directives }) => directives.private },
  { why: 'set-cookie', forbids: ({ fields, rules }) => rules.cookies === 'safe' && has(fields, 'set-cookie') },
  { why: 'vary', forbids: ({ fields }) => varyOn(fields) === '*' },
  { why: 'connection', forbids: connectionNamesControlFields },
  { why: 'status', forbids: isForOneClient },
  { why: 'status', forbids: isNotUnderstood },
  { why: 'cut-off', forbids: ({ mayBeCutOff }) => mayBeCutOff },
  { why: 'tags', forbids: ({ request, fields, rules }) => !tagsOf(request.url, fields, rules).ok },
  { why: 'status', forbids: hasNoLifetimeByStatus },
  { why: 'no-lifetime', forbids: isNotWorthStoring },
  { why: 'authorization', forbids: isForbiddenByAuthorization },
  { why: 'authorization', forbids: isForbiddenByApiKey },
  { why: 'cookie', forbids: isForbiddenByCookie },
]

/** All reasons. */
export const REASONS_NOT_TO_STORE: ReadonlySet<Detail> = new Set(CONDITIONS.map(({ why }) => why))

/** RFC 9111 section 3, with the rules for cookies that a shared cache in front of unknown origins needs. */
export function storable(
  request: CacheRequest,
  response: Pick<OriginResponse, 'status' | 'fields' | 'mayBeCutOff'>,
  rules: Rules,
): Storable {
  const { status, fields, mayBeCutOff = false } = response
  const directives = responseDirectives(fields)
  const freshness = freshnessOf({ status, fields }, directives, rules, undefined)
  const exchange = { request, status, fields, mayBeCutOff, rules, directives, freshness }
  const found = CONDITIONS.find((condition) => condition.forbids(exchange))
  return found === undefined ? { store: true } : { store: false, why: found.why }
}

/** Reasons that lie in the request: in answer to another one, the response might have been stored. */
export const REASONS_OF_THE_REQUEST: ReadonlySet<Detail> = new Set<Detail>([
  'request-no-store',
  'authorization',
  'cookie',
])

/**
 * Stored responses answer GET, HEAD, or the same QUERY. A response to POST may be stored if it says that a GET would
 * get the same, and for how long (RFC 9110 section 9.3.3).
 */
function isForAnotherMethod({ request, fields, freshness }: Exchange): boolean {
  if (request.method === 'GET' || request.method === 'QUERY') return false
  if (request.method !== 'POST' || freshness.source !== 'explicit') return true
  const location = field(fields, 'content-location')
  const target = URL.parse(request.url)
  return location === undefined || target === null || URL.parse(location, target.href)?.href !== target.href
}

/**
 * Connection names a field that controls caching, which is never hop-by-hop (RFC 9110 section 7.6.1): it must be
 * obeyed, but may not be stored, and a later 304 need not repeat it.
 */
function connectionNamesControlFields({ fields }: Exchange): boolean {
  const options = connectionOptions(fields)
  return options.size > 0 && FIELDS_CONTROLLING_CACHES.some((name) => options.has(name))
}

const FIELDS_CONTROLLING_CACHES = [...CONTROL_FIELDS, 'expires', 'vary']

/**
 * A 206 is stored if the request asked for byte ranges and its Content-Range is valid (RFC 9111 section 3.3). In a
 * response to If-Range the origin may leave out fields (RFC 9110 section 15.3.7) that other clients would need.
 */
function isUnknownPart({ request, status, fields }: Exchange): boolean {
  if (status !== 206) return false
  if (has(request.fields, 'if-range')) return true
  return requestedRanges(request)?.kind !== 'bytes' || parseContentRange(field(fields, 'content-range')) === undefined
}

/**
 * Status codes that concern one request's condition, range, expectation, slowness, connection or proxy credentials
 * (RFC 9110 sections 15.4.5, 15.5.8, 15.5.9, 15.5.13, 15.5.17, 15.5.18 and 15.5.20; RFC 8470 section 5.2), or one
 * client's rate, fields or network (RFC 6585 sections 3 to 6: never to be stored).
 */
const FOR_ONE_CLIENT = new Set([304, 407, 408, 412, 416, 417, 421, 425, 428, 429, 431, 511])

function isForOneClient({ status }: Exchange): boolean {
  return status < 200 || FOR_ONE_CLIENT.has(status)
}

/** Final status codes whose caching requirements are met here, for must-understand (RFC 9111 section 5.2.2.3). */
const UNDERSTOOD = new Set([
  200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 451, 500, 501, 502, 503, 504,
])

function isNotUnderstood({ directives, status }: Exchange): boolean {
  return directives.mustUnderstand && !UNDERSTOOD.has(status)
}

/** RFC 9111 section 5.2.1.5. The operator's override applies to response directives only. */
function requestForbids({ request }: Exchange): boolean {
  return has(request.fields, 'cache-control') && requestDirectives(request.fields).noStore
}

/** With must-understand, no-store applies only if the status code is not understood (section 5.2.2.3). */
function forbidsStoring({ status, directives, rules, freshness }: Exchange): boolean {
  const understood = directives.mustUnderstand && UNDERSTOOD.has(status)
  return directives.noStore && !understood && !(rules.override && freshness.source === 'route')
}

/** Neither a stated lifetime nor a status code that allows a heuristic one (RFC 9111 section 3, last condition). */
function hasNoLifetimeByStatus({ directives, freshness, status }: Exchange): boolean {
  return freshness.source === 'none' && !directives.public && !HEURISTICALLY_CACHEABLE.has(status)
}

/**
 * Never fresh, so useful only if it can be validated or the response itself allows stale use. The operator's grace does
 * not count unless the route overrides the response.
 */
function isNotWorthStoring({ status, fields, directives, rules, freshness }: Exchange): boolean {
  if (freshness.ms > 0 || canBeValidated({ status, fields })) return false
  if (isNeverUsedStale(status, directives, rules)) return true
  const windows = staleWindows(directives, rules.override ? rules : { ...rules, grace: 0 })
  return windows.whileRevalidate <= 0 && windows.ifError <= 0
}

/**
 * RFC 9111 section 3.5: only with public, s-maxage or must-revalidate. With a heuristic lifetime or the operator's, the
 * origin has not agreed to share the response. It may be stored if the route overrides responses and has the
 * credentials in its key, as it is then shared with nobody else.
 */
function isForbiddenByAuthorization({ request, rules, directives, freshness }: Exchange): boolean {
  const isForOthers = (name: string) => !(rules.override && rules.key.headers.includes(name))
  if (!CREDENTIALS.some((name) => has(request.fields, name) && isForOthers(name))) return false
  const consents = directives.public || directives.mustRevalidate || directives.sMaxage !== undefined
  return !consents || !isStated(directives, freshness)
}

/**
 * Without a stated lifetime, a response to a request with an API key may be for the key's holder, unless there is one
 * for each key. RFC 9111 does not know such fields, so the operator's override applies.
 */
function isForbiddenByApiKey({ request, fields, rules, directives, freshness }: Exchange): boolean {
  if (request.plain === true || rules.override || isStated(directives, freshness)) return false
  return hasApiKeyBeside(request.fields, rules.key.headers.concat(varyOn(fields)))
}

/** A response to a request with cookies may be personal, unless it says that it is for everyone. */
function isForbiddenByCookie({ request, rules, directives, freshness }: Exchange): boolean {
  if (rules.cookies !== 'safe' || !has(request.fields, 'cookie')) return false
  const targeted = directives.targeted && directives.maxAge !== undefined
  const consents = directives.public || directives.sMaxage !== undefined || targeted
  return !consents || !isStated(directives, freshness)
}

/** Whether the origin has stated a lifetime, or that there is none, even if the operator's is used. */
function isStated(directives: ResponseDirectives, freshness: Freshness): boolean {
  return (
    freshness.source === 'explicit' ||
    (directives.noCache && !directives.assumed) ||
    directives.maxAge !== undefined ||
    directives.sMaxage !== undefined
  )
}
