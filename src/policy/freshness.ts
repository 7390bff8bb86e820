/** How long a response is fresh, and how long it may be used after that (RFC 9111 section 4.2, RFC 5861). */
import { type Fields, field, fieldLines, trimmed } from '../fields.ts'
import type { Lifetime, Rules } from '../model.ts'
import { MAX_DELTA_SECONDS } from './fields/cache-control.ts'
import { type ResponseDirectives, responseDirectives } from './fields/targeted-control.ts'
import { parseDate } from './fields/dates.ts'
import { canBeValidated } from './validation.ts'

interface Response {
  readonly status: number
  readonly fields: Fields
}

/** When the origin was asked and when the response's head arrived; epoch milliseconds. */
export interface ExchangeTimes {
  readonly requestedAt: number
  readonly respondedAt: number
  /**
   * `respondedAt` by the machine's clock, which may have been set since the process began; the other times are by the
   * process's clock. Absent: as `respondedAt`.
   */
  readonly receivedWallTime?: number | undefined
}

/** A freshness lifetime in milliseconds, and its source. */
export interface Freshness {
  readonly ms: number
  /**
   * `explicit`: stated by the response. `route`: set by the operator. `heuristic`: estimated from Last-Modified.
   * `none`: no lifetime, so the response is stale from the start.
   */
  readonly source: 'explicit' | 'route' | 'heuristic' | 'none'
}

/** Status codes that allow a heuristic lifetime: RFC 9110 section 15.1, and 451 by RFC 7725 section 3. */
export const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 451, 501,
])

/** Errors that say something lasting about the resource; any other may be gone with the next request. */
const LASTING_ERRORS = new Set([404, 405, 410, 414, 451, 501])

const HOUR_MS = 3_600_000
const LONGEST_HEURISTIC_MS = 24 * HOUR_MS
const HEURISTIC_SHARE = 0.1

/**
 * How long the response may be used, and how. A lifetime stated by the response counts from when its origin generated
 * it; one set by the operator counts from when it arrived here.
 */
export function lifetimeOf(response: Response, rules: Rules, times: ExchangeTimes): Lifetime {
  const directives = responseDirectives(response.fields)
  const freshness = freshnessOf(response, directives, rules, times.receivedWallTime ?? times.respondedAt)
  const bornAt = times.respondedAt - initialAge(response.fields, times)
  const stated = bornAt + freshness.ms
  const counted = isAgeTrusted(response.fields) ? stated : Math.min(stated, times.respondedAt)
  const freshUntil = freshness.source === 'route' ? times.respondedAt + freshness.ms : counted
  const mustRevalidate = isNeverUsedStale(response.status, directives, rules)
  const windows = mustRevalidate ? { whileRevalidate: 0, ifError: 0 } : staleWindows(directives, rules)
  const staleWhileRevalidateUntil = freshUntil + windows.whileRevalidate
  const staleIfErrorUntil = freshUntil + windows.ifError
  const keptForValidation = canBeValidated(response)
    ? Math.max(freshUntil, times.respondedAt) + Math.max(rules.grace, HOUR_MS)
    : freshUntil
  return {
    bornAt,
    freshUntil,
    refreshAt: refreshAt(times.respondedAt, freshUntil, rules.refreshAhead),
    staleWhileRevalidateUntil,
    staleIfErrorUntil,
    keepUntil: Math.max(staleWhileRevalidateUntil, staleIfErrorUntil, keptForValidation),
    mustRevalidate,
  }
}

/**
 * The freshness lifetime (RFC 9111 section 4.2.1): the operator's if it overrides, else the response's own, else the
 * operator's, else a tenth of the time since the last modification (section 4.2.2).
 * @param receivedWallTime epoch milliseconds, for a response without Date; if not known, an Expires without Date is
 * taken to be far in the future
 */
export function freshnessOf(
  response: Response,
  directives: ResponseDirectives,
  rules: Rules,
  receivedWallTime: number | undefined,
): Freshness {
  const allowsHeuristic = HEURISTICALLY_CACHEABLE.has(response.status) || directives.public
  const longest = isTransientError(response.status) ? rules.errorTtlMax : Number.POSITIVE_INFINITY
  const capped = (ms: number | undefined) => (ms === undefined ? undefined : Math.min(ms, longest))
  const ofRoute = rules.statusTtl.get(response.status) ?? capped(allowsHeuristic ? rules.ttl : undefined)
  if (ofRoute !== undefined && rules.override) return { ms: ofRoute, source: 'route' }
  // no-cache makes any lifetime zero, whatever its source (RFC 9111 section 5.2.2.4).
  const least = (ms: number) => (directives.noCache ? 0 : ms)
  const stated = capped(statedLifetime(response.fields, directives, receivedWallTime))
  if (stated !== undefined) return { ms: least(stated), source: 'explicit' }
  if (ofRoute !== undefined) return { ms: least(ofRoute), source: 'route' }
  const heuristic = allowsHeuristic ? capped(heuristicLifetime(response.fields, receivedWallTime)) : undefined
  return heuristic === undefined ? { ms: 0, source: 'none' } : { ms: least(heuristic), source: 'heuristic' }
}

/** The response's own windows in milliseconds if it states them (RFC 5861), otherwise the operator's grace. */
export function staleWindows(
  directives: ResponseDirectives,
  rules: Rules,
): { whileRevalidate: number; ifError: number } {
  const whileRevalidate = rules.softTimeout === 0 ? rules.grace : 0
  if (rules.override) return { whileRevalidate, ifError: rules.grace }
  return {
    whileRevalidate: inMilliseconds(directives.staleWhileRevalidate) ?? whileRevalidate,
    ifError: inMilliseconds(directives.staleIfError) ?? rules.grace,
  }
}

/** A stale error is no better than a new one. */
export const isNeverUsedStale = (status: number, directives: ResponseDirectives, rules: Rules): boolean =>
  isWorseThanAnyCopy(status) || (forbidsStale(directives) && !rules.override)

/** RFC 9111 sections 4.2.4, 5.2.2.2, 5.2.2.4, 5.2.2.8 and, for s-maxage, 5.2.2.10. */
function forbidsStale(directives: ResponseDirectives): boolean {
  return (
    directives.mustRevalidate || directives.proxyRevalidate || directives.noCache || directives.sMaxage !== undefined
  )
}

/** Whether it is an error that one client may have caused, or that may be gone with the next request. */
export const isTransientError = (status: number): boolean => status >= 400 && !LASTING_ERRORS.has(status)

/** Whether it is an error to which any copy, even a stale one, is preferred; so it is never used stale itself. */
export const isWorseThanAnyCopy = (status: number): boolean => status >= 500 || isTransientError(status)

/** The lifetime stated by the response (RFC 9111 section 4.2.1). */
function statedLifetime(
  fields: Fields,
  directives: ResponseDirectives,
  receivedWallTime: number | undefined,
): number | undefined {
  const seconds = directives.sMaxage ?? directives.maxAge
  return inMilliseconds(seconds) ?? (directives.targeted ? undefined : expiry(fields, receivedWallTime))
}

/** Expires minus Date (RFC 9111 section 5.3); a malformed or repeated Expires is in the past. */
function expiry(fields: Fields, receivedWallTime: number | undefined): number | undefined {
  const value = field(fields, 'expires')
  if (value === undefined) return undefined
  const expires = parseDate(value, receivedWallTime)
  return expires === undefined ? 0 : Math.max(0, expires - dateOf(fields, receivedWallTime ?? 0))
}

function heuristicLifetime(fields: Fields, receivedWallTime: number | undefined): number | undefined {
  const modified = parseDate(field(fields, 'last-modified'), receivedWallTime)
  if (modified === undefined) return undefined
  const unchangedFor = dateOf(fields, receivedWallTime ?? modified) - modified
  return Math.min(Math.max(0, unchangedFor * HEURISTIC_SHARE), LONGEST_HEURISTIC_MS)
}

/** Without a valid Date, the time of receipt is used (RFC 9110 section 6.6.1). */
function dateOf(fields: Fields, receivedWallTime: number): number {
  return parseDate(field(fields, 'date'), receivedWallTime) ?? receivedWallTime
}

/**
 * corrected_initial_age in milliseconds (RFC 9111 section 4.2.3). Date is in whole seconds, so the apparent age is too.
 * If the machine's clock has been set since the process began, either clock may be right: the one by which the response
 * is younger is used.
 */
function initialAge(
  fields: Fields,
  { requestedAt, respondedAt, receivedWallTime = respondedAt }: ExchangeTimes,
): number {
  const arrived = Math.min(receivedWallTime, respondedAt)
  const sinceDate = Math.floor((arrived - dateOf(fields, receivedWallTime)) / 1000) * 1000
  const responseDelay = Math.max(0, respondedAt - requestedAt)
  return Math.max(0, sinceDate, ageValue(fields) * 1000 + responseDelay)
}

/** In seconds. The first of several members counts, and a malformed value is ignored (RFC 9111 section 5.1). */
function ageValue(fields: Fields): number {
  const first = firstOf(fieldLines(fields, 'age')[0] ?? '')
  return AGE.test(first) ? Math.min(Number(first), MAX_DELTA_SECONDS) : 0
}

/**
 * Whether Age can be relied on. Ignoring an invalid Age would make the oldest response look new, so the response is
 * stale from the start if Age is not a number or has several lines, perhaps already combined by an intermediary. Any
 * other list is read as RFC 9111 section 5.1 says.
 */
function isAgeTrusted(fields: Fields): boolean {
  const [line, another] = fieldLines(fields, 'age')
  if (line === undefined) return true
  return another === undefined && !line.includes(', ') && AGE.test(firstOf(line))
}

const firstOf = (list: string): string => trimmed(list.split(',', 1)[0] ?? '')

const AGE = /^\d+$/

function refreshAt(respondedAt: number, freshUntil: number, share: number | undefined): number {
  if (share === undefined) return Number.POSITIVE_INFINITY
  return respondedAt + Math.max(0, freshUntil - respondedAt) * share
}

function inMilliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000
}
