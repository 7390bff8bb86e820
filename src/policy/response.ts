/** Which of a response's fields are stored, and which a client gets. */
import { type Fields, fieldLines, has, without } from '../fields.ts'
import type { Outcome, Rules, StoredResponse } from '../model.ts'
import { MAX_DELTA_SECONDS } from './fields/cache-control.ts'
import { cacheStatus } from './fields/cache-status.ts'
import { parseDate } from './fields/dates.ts'
import { hopByHop } from './fields/hop-by-hop.ts'
import { isTagField } from './fields/tags.ts'
import { viaMember } from './fields/via.ts'

/** Addressed to this cache (RFC 9213 section 3, W3C Edge Architecture): stored for later validations, not forwarded. */
const OWN_CONTROL = 'herdgate-cache-control'
const SURROGATE_CONTROL = 'surrogate-control'

/**
 * The fields of a response to store (RFC 9111 section 3.1): without hop-by-hop and tag fields, Age (computed at each
 * use), and Trailer, as stored content is sent without trailers.
 * @param cookies the route's mode; `ignore` removes Set-Cookie
 */
export function storedFields(fields: Fields, cookies: Rules['cookies']): string[] {
  const isHopByHop = hopByHop(fields)
  return without(fields, (name) => {
    return isHopByHop(name) || isTagField(name) || NOT_STORED.has(name) || isIgnoredCookie(name, cookies)
  })
}

/** Content-Length is derived from the stored content. */
const NOT_STORED = new Set(['age', 'content-length', 'trailer'])

/**
 * The fields with at most one Date (RFC 9110 section 5.3): the oldest valid one, which gives the greatest age. None if
 * several are present and none is valid.
 */
export function withOneDate(fields: Fields, receivedWallTime: number): Fields {
  const values = fieldLines(fields, 'date')
  if (values.length < 2) return fields
  const valid = values.flatMap((value) => parseDate(value, receivedWallTime) ?? [])
  const others = without(fields, (name) => name === 'date')
  return valid.length === 0 ? others : [...others, 'Date', new Date(Math.min(...valid)).toUTCString()]
}

/**
 * The fields with Date, which is added from the time of receipt if missing (RFC 9110 section 6.6.1).
 * @param receivedWallTime by the machine's clock, as recipients compare Date with theirs
 */
export function dated(fields: Fields, receivedWallTime: number): Fields {
  return has(fields, 'date') ? fields : [...fields, 'Date', new Date(receivedWallTime).toUTCString()]
}

/**
 * The head of a response that is stored: the stored fields with Age (see `sentAge`), Via, and our member of Cache-Status
 * after those of caches nearer to the origin.
 * @param now epoch milliseconds
 */
export function cachedHead(
  entry: StoredResponse,
  outcome: Outcome,
  now: number,
  { via }: Pick<Rules, 'via'>,
): string[] {
  const head = withoutOwnControl(entry.fields)
  const age = sentAge(entry, outcome, now)
  if (age !== undefined) head.push('Age', String(age))
  head.push('Via', viaMember(via), 'Cache-Status', cacheStatus(outcome))
  return head
}

/**
 * What Age says. An answer that the origin has just given to this request has one only if it was not new even then (RFC
 * 9111 section 5.1): caches behind us add the time that they have waited themselves.
 */
export function sentAge(entry: StoredResponse, { result, originMs = 0 }: Outcome, now: number): number | undefined {
  if (result !== 'miss' && result !== 'pass') return ageOf(entry, now)
  // Half a second: clock readings are not exact.
  const age = ageOf(entry, now - originMs + 500)
  return age === 0 ? undefined : age
}

/** In seconds (RFC 9111 section 5.1). */
export const ageOf = ({ bornAt }: StoredResponse, now: number): number =>
  Math.min(Math.max(0, Math.floor((now - bornAt) / 1000)), MAX_DELTA_SECONDS)

/**
 * The head of a response not taken from the cache: the origin's end-to-end fields, its Age included. A 204 has no
 * content and must not have Content-Length (RFC 9110 section 8.6). In others it comes behind theirs: node:http takes a
 * Content-Disposition after it for UTF-8, and refuses or changes a file name beyond ASCII.
 * @param rules the route's; mode `ignore` of `cookies` removes Set-Cookie
 */
export function passedHead(
  status: number,
  fields: Fields,
  outcome: Outcome,
  { cookies, via }: Pick<Rules, 'cookies' | 'via'>,
): string[] {
  const isHopByHop = hopByHop(fields)
  const head = without(fields, (name) => {
    const isLength = name === 'content-length'
    return isLength || isHopByHop(name) || isTagField(name) || NOT_PASSED.has(name) || isIgnoredCookie(name, cookies)
  })
  if (status !== 204) for (const length of fieldLines(fields, 'content-length')) head.push('Content-Length', length)
  head.push('Via', viaMember(via), 'Cache-Status', cacheStatus(outcome))
  return head
}

/** An interim response's fields as the client gets them: end-to-end only, without tags and framing. */
export function interimHead(fields: Fields, cookies: Rules['cookies']): string[] {
  const isHopByHop = hopByHop(fields)
  return without(fields, (name) => {
    const isOurs = isTagField(name) || NOT_PASSED.has(name) || name === 'content-length'
    return isOurs || isHopByHop(name) || isIgnoredCookie(name, cookies)
  })
}

function isIgnoredCookie(name: string, cookies: Rules['cookies']): boolean {
  return cookies === 'ignore' && name === 'set-cookie'
}

/** Trailer: whether trailers are sent depends on the framing of the client's connection. */
const NOT_PASSED = new Set([OWN_CONTROL, SURROGATE_CONTROL, 'trailer'])

/** Returns a new array; names are compared only if their length fits. */
function withoutOwnControl(fields: Fields): string[] {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    const mayBeOwn = name.length === OWN_CONTROL.length || name.length === SURROGATE_CONTROL.length
    if (mayBeOwn && isOwnControl(name.toLowerCase())) return without(fields, isOwnControl)
  }
  return [...fields]
}

const isOwnControl = (name: string): boolean => name === OWN_CONTROL || name === SURROGATE_CONTROL
