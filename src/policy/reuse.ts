/** Whether a stored response may answer a request now, and if not, what to do (RFC 9111 section 4). */
import type { Fields } from '../fields.ts'
import type {
  CacheRequest,
  Decision,
  Detail,
  Found,
  FoundEntry,
  FoundNothing,
  Rules,
  StoredResponse,
} from '../model.ts'
import type { Directives } from './fields/cache-control.ts'
import { hasCredentials } from './fields/credentials.ts'
import { isWorseThanAnyCopy } from './freshness.ts'
import { type RequestedRanges, requestedRanges, select } from './range.ts'
import { responseDirectives } from './fields/targeted-control.ts'
import { requestDirectives } from './fields/request-directives.ts'

type HttpFound = Found<StoredResponse>
type HttpDecision = Decision<StoredResponse>

/** Flags for the request fields that affect reuse, found in one pass. */
const CACHE_CONTROL = 1
const PRAGMA = 2
const RANGE = 4

/**
 * The decision for a GET, HEAD or QUERY. For a fresh copy and a request without directives of its own, it costs one
 * pass over the request's fields and a few comparisons of numbers.
 * @param now epoch milliseconds
 */
export function decide(request: CacheRequest, found: HttpFound, rules: Rules, now: number): HttpDecision {
  const present = request.plain === true ? 0 : fieldsPresent(request.fields)
  const directives = (present & (CACHE_CONTROL | PRAGMA)) === 0 ? undefined : requestDirectives(request.fields)
  const ranged = (present & RANGE) === 0 ? undefined : requestedRanges(request)
  if (found.kind === 'nothing') return decideWithoutEntry(request, found, directives, ranged)
  const { entry } = found
  if (entry.status === UNAUTHORIZED && hasCredentials(request.fields)) return decideWithCredentials(directives)
  const fresh = found.verdict === 'valid' && now < entry.freshUntil
  if (entry.partial !== undefined && select(request, entry, undefined).kind === 'missing') {
    const usable = fresh && acceptsFresh(directives, entry, now)
    return decideWithoutPart({ request, entry, directives, ranged, usable, fresh }, rules)
  }
  if (fresh && acceptsFresh(directives, entry, now)) {
    // A refresh uses the request's method, and a HEAD cannot refresh content.
    return { kind: 'serve', entry, refresh: now >= entry.refreshAt && request.method !== 'HEAD' }
  }
  if (!fresh && found.verdict === 'valid' && acceptsStale(directives, entry, now)) {
    return request.method === 'HEAD' ? { kind: 'serve-stale', entry, headOnly: true } : { kind: 'serve-stale', entry }
  }
  return decideWithEntry({ request, entry, verdict: found.verdict, directives, fresh }, rules, now)
}

/**
 * Whether `decide` would serve this valid copy to a plain request (see CacheRequest) without a refresh, judged by the
 * copy only. True for most of the copies that it would serve, not for all.
 * @param now epoch milliseconds
 */
export const isServedPlainly = (copy: StoredResponse, now: number): boolean =>
  now < copy.freshUntil && now < copy.refreshAt && copy.partial === undefined

function decideWithoutEntry(
  request: CacheRequest,
  found: FoundNothing,
  directives: Directives | undefined,
  ranged: RequestedRanges | undefined,
): HttpDecision {
  const why = found.miss
  const alone = whyNotShared(request, directives, ranged)
  if (alone?.kind === 'refuse') return alone
  if (alone !== undefined) return { ...alone, why: alone.why ?? why }
  return found.unshareable ? { kind: 'pass', why, detail: 'unshareable', remembered: true } : { kind: 'fetch', why }
}

/** A stored challenge does not answer a request that has credentials (RFC 9110 section 15.5.2). */
function decideWithCredentials(directives: Directives | undefined): HttpDecision {
  if (directives?.onlyIfCached) return { kind: 'refuse', detail: 'only-if-cached' }
  return { kind: 'pass', why: 'request', detail: 'authorization' }
}

const UNAUTHORIZED = 401

/**
 * For a copy without the requested bytes: what is missing is fetched (RFC 9111 section 3.3). If the whole is requested
 * but would be too large to store, it is fetched for this client only, and the stored part stays.
 */
function decideWithoutPart(
  { request, entry, directives, ranged, usable, fresh }: LackingPart,
  rules: Rules,
): HttpDecision {
  const why = fresh ? 'partial' : 'stale'
  const alone = whyNotShared(request, directives, ranged)
  if (alone?.kind === 'refuse') return alone
  if (alone !== undefined) return { ...alone, why: alone.why ?? why, existing: entry }
  const isTooLarge = (entry.partial?.complete ?? 0) > rules.maxObjectBytes
  if (isTooLarge && ranged === undefined) {
    return { kind: 'pass', why, detail: 'too-large', remembered: true, existing: entry }
  }
  return { kind: 'fetch', why, part: usable && ranged === undefined ? entry : undefined, existing: entry }
}

interface LackingPart {
  readonly request: CacheRequest
  readonly entry: StoredResponse
  readonly directives: Directives | undefined
  readonly ranged: RequestedRanges | undefined
  readonly usable: boolean
  readonly fresh: boolean
}

type Refuse = Extract<HttpDecision, { kind: 'refuse' }>
interface Alone {
  readonly kind: 'pass'
  /** Absent: the reason why no copy can be used. */
  readonly why?: 'request'
  readonly detail?: Detail
}

/** Why a request that no copy can answer must not share a fetch; undefined if it may. */
function whyNotShared(
  request: CacheRequest,
  directives: Directives | undefined,
  ranged: RequestedRanges | undefined,
): Refuse | Alone | undefined {
  // RFC 9111 section 5.2.1.7.
  if (directives?.onlyIfCached) return { kind: 'refuse', detail: 'only-if-cached' }
  // RFC 9111 section 5.2.1.5: nothing of the exchange may be stored, so nobody else can share it.
  if (directives?.noStore) return { kind: 'pass', why: 'request', detail: 'request-no-store' }
  if (request.method === 'HEAD') return { kind: 'pass' }
  // Only the origin knows what an unknown range unit means.
  return ranged?.kind === 'other' ? { kind: 'pass', detail: 'range' } : undefined
}

interface Unusable {
  readonly request: CacheRequest
  readonly entry: StoredResponse
  readonly verdict: FoundEntry['verdict']
  readonly directives: Directives | undefined
  /** Only the request's own directives forbid using it. */
  readonly fresh: boolean
}

function decideWithEntry(
  { request, entry, verdict, directives, fresh }: Unusable,
  rules: Rules,
  now: number,
): HttpDecision {
  if (directives?.onlyIfCached) return { kind: 'refuse', detail: 'only-if-cached' }
  const why = fresh ? 'request' : 'stale'
  // An invalidated copy is checked before its next use: a soft timeout of 0 must not serve it before the check.
  const isToBeChecked = rules.softTimeout === 0 && verdict !== 'valid'
  const mustWait = isToBeChecked || wantsValidated(directives) || tooStale(directives, entry, now)
  const afterMs = mustWait || !mayAnswerWhileRefreshed(entry, rules, now) ? undefined : rules.softTimeout
  const until = answersOnErrorUntil(entry, verdict, directives)
  const fallback = now < until ? { entry, afterMs, until } : undefined
  if (request.method === 'HEAD' || directives?.noStore) {
    const updatable = request.method === 'HEAD' && !directives?.noStore ? entry : undefined
    const detail = directives?.noStore ? 'request-no-store' : undefined
    return { kind: 'pass', why, detail, fallback, updatable }
  }
  return { kind: 'revalidate', entry, why, fallback }
}

/** Whether the request's no-cache, max-age and min-fresh allow this fresh copy (RFC 9111 section 5.2.1). */
function acceptsFresh(directives: Directives | undefined, entry: StoredResponse, now: number): boolean {
  if (directives === undefined) return true
  if (directives.noCache || tooOld(directives, entry, now)) return false
  return directives.minFresh === undefined || entry.freshUntil - now >= directives.minFresh * 1000
}

/**
 * Whether this expired copy may be served immediately: within its stale-while-revalidate window (RFC 5861 section 3),
 * if the request does not forbid it, or within the request's max-stale (RFC 9111 section 5.2.1.2), if the response does
 * not forbid it.
 */
function acceptsStale(directives: Directives | undefined, entry: StoredResponse, now: number): boolean {
  if (directives === undefined) return now < entry.staleWhileRevalidateUntil
  if (directives.noCache || directives.minFresh !== undefined || tooOld(directives, entry, now)) return false
  if (directives.maxStale !== undefined) return !entry.mustRevalidate && !tooStale(directives, entry, now)
  // RFC 9111 section 5.2.1.1: a request with max-age but without max-stale accepts no stale response.
  return directives.maxAge === undefined && now < entry.staleWhileRevalidateUntil
}

/** max-age=0 always asks for validation, however new the copy is. */
function tooOld(directives: Directives, entry: StoredResponse, now: number): boolean {
  if (directives.maxAge === undefined) return false
  return directives.maxAge === 0 || now - entry.bornAt > directives.maxAge * 1000
}

/** Whether max-stale sets a limit that the copy exceeds. */
function tooStale(directives: Directives | undefined, entry: StoredResponse, now: number): boolean {
  return directives?.maxStale !== undefined && now - entry.freshUntil > directives.maxStale * 1000
}

function wantsValidated(directives: Directives | undefined): boolean {
  return (
    directives !== undefined &&
    (directives.noCache || directives.maxAge !== undefined || directives.minFresh !== undefined)
  )
}

/**
 * A stale-while-revalidate window stated by the response (RFC 5861 section 3) also bounds soft-timeout answers. The
 * request's stale-if-error does not extend them: a slow origin has not failed.
 */
function mayAnswerWhileRefreshed(entry: StoredResponse, rules: Rules, now: number): boolean {
  if (now >= entry.staleIfErrorUntil) return false
  if (rules.softTimeout === undefined || rules.override || now < entry.staleWhileRevalidateUntil) return true
  return responseDirectives(entry.fields).staleWhileRevalidate === undefined
}

/**
 * Until when the copy may answer if the origin fails. Request directives are advice (RFC 9111 section 5.2.1), response
 * directives are not (section 4.2.4): a reload during an outage gets the copy, unless it must be revalidated. A
 * request's own stale-if-error (RFC 5861 section 4) sets the window for that request, longer or shorter; a client that
 * prefers an error to an old copy sends `stale-if-error=0`. A stored error is no better than a new one.
 */
function answersOnErrorUntil(
  entry: StoredResponse,
  verdict: FoundEntry['verdict'],
  directives: Directives | undefined,
): number {
  if (isWorseThanAnyCopy(entry.status)) return Number.NEGATIVE_INFINITY
  if (entry.mustRevalidate) return verdict === 'valid' ? entry.freshUntil : Number.NEGATIVE_INFINITY
  return directives?.staleIfError === undefined
    ? entry.staleIfErrorUntil
    : entry.freshUntil + directives.staleIfError * 1000
}

function fieldsPresent(fields: Fields): number {
  let found = 0
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    switch (name.length) {
      case 5:
        if (name.toLowerCase() === 'range') found |= RANGE
        break
      case 6:
        if (name.toLowerCase() === 'pragma') found |= PRAGMA
        break
      case 13:
        if (name.toLowerCase() === 'cache-control') found |= CACHE_CONTROL
        break
    }
  }
  return found
}
