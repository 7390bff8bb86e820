/** What is kept of a response's head, and what a client receives of it. */
import { type Fields, fieldLines, has, without } from '../fields.ts'
import type { Outcome, Rules, StoredResponse } from '../model.ts'
import { cacheStatus } from './cache-status.ts'
import { parseDate } from './dates.ts'
import { hopByHop } from './hop-by-hop.ts'
import { isTagField } from './tags.ts'
import { VIA } from './via.ts'

/** Addressed to this cache (RFC 9213 section 3, W3C Edge Architecture): kept for later validations, not passed on. */
const OWN_CONTROL = 'herdgate-cache-control'
const SURROGATE_CONTROL = 'surrogate-control'
const MOST_AGE = 2 ** 31

/**
 * The end-to-end fields of a response that is stored (RFC 9111 section 3.1). Left out: what is for one
 * connection, tags, Age (computed anew at each use), and Trailer, as stored content is sent without trailers.
 * @param cookies the route's mode; `ignore` removes Set-Cookie
 */
export function storedFields(fields: Fields, cookies: Rules['cookies']): string[] {
  const isHopByHop = hopByHop(fields)
  return without(fields, (name) => {
    return isHopByHop(name) || isTagField(name) || NOT_STORED.has(name) || isIgnoredCookie(name, cookies)
  })
}

/** Content-Length is that of the content at hand, and sent from there. */
const NOT_STORED = new Set(['age', 'content-length', 'trailer'])

/**
 * With no more than one Date (RFC 9110 section 5.3): of several the oldest that is valid, by which nothing is younger than by
 * another one. None where none is valid.
 */
export function withOneDate(fields: Fields, receivedOn: number): Fields {
  const values = fieldLines(fields, 'date')
  if (values.length < 2) return fields
  const valid = values.flatMap((value) => parseDate(value, receivedOn) ?? [])
  const others = without(fields, (name) => name === 'date')
  return valid.length === 0 ? others : [...others, 'Date', new Date(Math.min(...valid)).toUTCString()]
}

/**
 * With a Date of when it was received, should it have none (RFC 9110 section 6.6.1).
 * @param receivedOn by the machine's clock, as whoever reads the Date has only theirs
 */
export function dated(fields: Fields, receivedOn: number): Fields {
  return has(fields, 'date') ? fields : [...fields, 'Date', new Date(receivedOn).toUTCString()]
}

/**
 * The head of an answer from the cache: the stored fields with exactly one Age (RFC 9111 section 5.1), Via, and
 * our member of Cache-Status after those of caches nearer to the origin.
 * @param now epoch milliseconds
 */
export function cachedHead(entry: StoredResponse, outcome: Outcome, now: number): string[] {
  const head = withoutOwnControl(entry.fields)
  head.push('Age', String(ageOf(entry, now)), 'Via', VIA, 'Cache-Status', cacheStatus(outcome))
  return head
}

/** In seconds (RFC 9111 section 5.1). */
export const ageOf = ({ bornAt }: StoredResponse, now: number): number =>
  Math.min(Math.max(0, Math.floor((now - bornAt) / 1000)), MOST_AGE)

/**
 * The head of an answer that was not taken from the cache: the origin's end-to-end fields, its Age included. A 204 has no
 * content, and may not say how long it is (RFC 9110 section 8.6).
 * @param cookies the route's mode; `ignore` removes Set-Cookie
 */
export function passedHead(status: number, fields: Fields, outcome: Outcome, cookies: Rules['cookies']): string[] {
  const isHopByHop = hopByHop(fields)
  const head = without(fields, (name) => {
    const isLength = status === 204 && name === 'content-length'
    return isLength || isHopByHop(name) || isTagField(name) || NOT_PASSED.has(name) || isIgnoredCookie(name, cookies)
  })
  head.push('Via', VIA, 'Cache-Status', cacheStatus(outcome))
  return head
}

/** An interim response's fields as a client receives them: end to end, without tags, and never framing anything. */
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

/** Trailer: whether there will be any depends on the framing of the client's connection. */
const NOT_PASSED = new Set([OWN_CONTROL, SURROGATE_CONTROL, 'trailer'])

/** A copy; names are compared only where their length fits. */
function withoutOwnControl(fields: Fields): string[] {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    const mayBeOwn = name.length === OWN_CONTROL.length || name.length === SURROGATE_CONTROL.length
    if (mayBeOwn && isOwnControl(name.toLowerCase())) return without(fields, isOwnControl)
  }
  return [...fields]
}

const isOwnControl = (name: string): boolean => name === OWN_CONTROL || name === SURROGATE_CONTROL
