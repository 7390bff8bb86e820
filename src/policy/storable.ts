/** May a response be stored, and so be given to others? (RFC 9111 section 3) */
import { type Fields, field, has } from '../fields.ts'
import type { CacheRequest, Detail, OriginResponse, Rules } from '../model.ts'
import { requestDirectives } from './request-directives.ts'
import { CONTROL_FIELDS, type ResponseDirectives, responseDirectives } from './targeted-control.ts'
import {
  type Freshness,
  canBeValidated,
  forbidsStale,
  freshnessOf,
  HEURISTICALLY_CACHEABLE,
  isOutdoneByCopies,
  staleWindows,
} from './freshness.ts'
import { connectionOptions } from './hop-by-hop.ts'
import { CREDENTIALS } from './credentials.ts'
import { parseContentRange, rangesAsked } from './range.ts'
import { tagsOf } from './tags.ts'
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
  /** Must the response not be stored? */
  readonly forbids: (exchange: Exchange) => boolean
}

/**
 * Tried in this order: the first that forbids is the reason given. What is for one client comes before the status, since
 * a failure that lacks only a status to be stored is given to all who wait for it.
 */
const CONDITIONS: readonly Condition[] = [
  { why: 'method', forbids: isForAnotherMethod },
  { why: 'partial', forbids: isNoPartWeKnow },
  { why: 'request-no-store', forbids: forbidsByRequest },
  { why: 'no-store', forbids: forbidsStoring },
  { why: 'private', forbids: ({ directives }) => directives.private },
  { why: 'set-cookie', forbids: ({ fields, rules }) => rules.cookies === 'safe' && has(fields, 'set-cookie') },
  { why: 'vary', forbids: ({ fields }) => varyOn(fields) === '*' },
  { why: 'connection', forbids: namesWhatSteersCaches },
  { why: 'status', forbids: isNoAnswerForOthers },
  { why: 'status', forbids: isNotUnderstood },
  { why: 'cut-off', forbids: ({ mayBeCutOff }) => mayBeCutOff },
  { why: 'tags', forbids: ({ request, fields, rules }) => !tagsOf(request.url, fields, rules).ok },
  { why: 'status', forbids: hasNoLifetimeByStatus },
  { why: 'no-lifetime', forbids: isNotWorthStoring },
  { why: 'authorization', forbids: isForbiddenByAuthorization },
  { why: 'cookie', forbids: isForbiddenByCookie },
]

/** Every reason there is. */
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

/** Those that say nothing of the response: to another request it might have been stored. */
export const REASONS_OF_THE_REQUEST: ReadonlySet<Detail> = new Set<Detail>([
  'request-no-store',
  'authorization',
  'cookie',
])

/**
 * What is stored answers GET, HEAD, or the same QUERY. A response to POST does so if it says that it is what a GET
 * would get, and for how long (RFC 9110 section 9.3.3).
 */
function isForAnotherMethod({ request, fields, freshness }: Exchange): boolean {
  if (request.method === 'GET' || request.method === 'QUERY') return false
  if (request.method !== 'POST' || freshness.source !== 'explicit') return true
  const location = field(fields, 'content-location')
  const target = URL.parse(request.url)
  return location === undefined || target === null || URL.parse(location, target.href)?.href !== target.href
}

/**
 * Connection names a field that says who may reuse the response and for how long, which is never for one connection
 * (RFC 9110 section 7.6.1): it counts, yet it may not be kept, and a later 304 need not repeat it.
 */
function namesWhatSteersCaches({ fields }: Exchange): boolean {
  const options = connectionOptions(fields)
  return options.size > 0 && STEERS_CACHES.some((name) => options.has(name))
}

const STEERS_CACHES = [...CONTROL_FIELDS, 'expires', 'vary']

/**
 * A 206 is stored for what it says it is, to a request that asked for a range (RFC 9111 section 3.3). Where that had
 * If-Range, the origin leaves out what describes the whole (RFC 9110 section 15.3.7): others could not do without.
 */
function isNoPartWeKnow({ request, status, fields }: Exchange): boolean {
  if (status !== 206) return false
  if (has(request.fields, 'if-range')) return true
  return rangesAsked(request)?.kind !== 'bytes' || parseContentRange(field(fields, 'content-range')) === undefined
}

/**
 * Responses that are no answer to the plain question: those that speak of one request's condition, range, expectation,
 * slowness, connection or proxy credentials (RFC 9110 sections 15.4.5, 15.5.8, 15.5.9, 15.5.13, 15.5.17, 15.5.18 and
 * 15.5.20; RFC 8470 section 5.2), of one client's rate, fields or network (RFC 6585 sections 3 to 6: never to be
 * stored), and interim ones.
 */
const FOR_ONE_CLIENT = new Set([304, 407, 408, 412, 416, 417, 421, 425, 428, 429, 431, 511])

function isNoAnswerForOthers({ status }: Exchange): boolean {
  return status < 200 || FOR_ONE_CLIENT.has(status)
}

/** Final codes whose caching requirements are met here, for must-understand (RFC 9111 section 5.2.2.3). */
const UNDERSTOOD = new Set([
  200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 451, 500, 501, 502, 503, 504,
])

function isNotUnderstood({ directives, status }: Exchange): boolean {
  return directives.mustUnderstand && !UNDERSTOOD.has(status)
}

/** RFC 9111 section 5.2.1.5. The operator's override is about responses, so it does not reach this. */
function forbidsByRequest({ request }: Exchange): boolean {
  return has(request.fields, 'cache-control') && requestDirectives(request.fields).noStore
}

/** no-store is for caches that do not understand the code, when must-understand is there (section 5.2.2.3). */
function forbidsStoring({ status, directives, rules, freshness }: Exchange): boolean {
  const understood = directives.mustUnderstand && UNDERSTOOD.has(status)
  return directives.noStore && !understood && !(rules.override && freshness.source === 'route')
}

/** Neither a stated lifetime nor a code that allows to guess one (RFC 9111 section 3, last condition). */
function hasNoLifetimeByStatus({ directives, freshness, status }: Exchange): boolean {
  return freshness.source === 'none' && !directives.public && !HEURISTICALLY_CACHEABLE.has(status)
}

/**
 * Never fresh, so of use only if it can be validated or if the response itself allows stale use. The operator's
 * grace alone does not make a response worth keeping that asks not to be reused, unless it overrides that. A stale error is
 * of no use.
 */
function isNotWorthStoring({ status, fields, directives, rules, freshness }: Exchange): boolean {
  if (freshness.ms > 0 || canBeValidated({ status, fields })) return false
  if (isOutdoneByCopies(status) || (forbidsStale(directives) && !rules.override)) return true
  const windows = staleWindows(directives, rules.override ? rules : { ...rules, grace: 0 })
  return windows.whileRevalidate <= 0 && windows.ifError <= 0
}

/**
 * RFC 9111 section 3.5: only with public, s-maxage or must-revalidate. Where the lifetime is a guess or the
 * operator's, nobody has agreed to share what credentials bought. A route that overrides responses and has the
 * credentials in its key shares it with nobody.
 */
function isForbiddenByAuthorization({ request, rules, directives, freshness }: Exchange): boolean {
  const isForOthers = (name: string) => !(rules.override && rules.key.headers.includes(name))
  if (!CREDENTIALS.some((name) => has(request.fields, name) && isForOthers(name))) return false
  const consents = directives.public || directives.mustRevalidate || directives.sMaxage !== undefined
  return !consents || !isStated(directives, freshness)
}

/** A response to cookies may be about who sent them, unless it says that it is for all. */
function isForbiddenByCookie({ request, rules, directives, freshness }: Exchange): boolean {
  if (rules.cookies !== 'safe' || !has(request.fields, 'cookie')) return false
  const targeted = directives.targeted && directives.maxAge !== undefined
  const consents = directives.public || directives.sMaxage !== undefined || targeted
  return !consents || !isStated(directives, freshness)
}

/** Has the origin stated a lifetime, or that there is none, even if the operator's is the one that counts? */
function isStated(directives: ResponseDirectives, freshness: Freshness): boolean {
  return (
    freshness.source === 'explicit' ||
    directives.noCache ||
    directives.maxAge !== undefined ||
    directives.sMaxage !== undefined
  )
}
