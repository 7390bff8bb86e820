/** How a cache treats a request, before anything is looked up (RFC 9111 sections 2 and 4). */
import type { Fields } from '../fields.ts'
import { isSafe } from '../methods.ts'
import type { CacheRequest, Detail, ForwardReason, Rules } from '../model.ts'
import { isCredentialed } from './fields/credentials.ts'
import { losesFields } from './fields/hop-by-hop.ts'
import { requestDirectives } from './fields/request-directives.ts'

export type RequestKind = Lookup | Pass | Refuse | Unsafe

export interface Lookup {
  readonly kind: 'lookup'
  /** Its response may be for its sender only, so it shares a fetch only with other credentialed requests. */
  readonly credentialed: boolean
}

export interface Pass {
  readonly kind: 'pass'
  readonly why: ForwardReason
  readonly detail?: Detail | undefined
}

/** No stored response can answer it, and the client accepts nothing else. */
export interface Refuse {
  readonly kind: 'refuse'
  readonly detail: Detail
}

/** Forwarded; a successful response invalidates (RFC 9111 section 4.4), and so does a lost one. */
export interface Unsafe {
  readonly kind: 'unsafe'
}

const SHARED: RequestKind = { kind: 'lookup', credentialed: false }
const CREDENTIALED: RequestKind = { kind: 'lookup', credentialed: true }
/** If-Match and If-Unmodified-Since are the origin's to evaluate (RFC 9111 section 4.3.2). */
const PRECONDITION: Pass = { kind: 'pass', why: 'request', detail: 'precondition' }
/** Content in a GET has no defined meaning, yet some origins use it (RFC 9110 section 9.3.1). */
export const CONTENT: Pass = { kind: 'pass', why: 'bypass', detail: 'body' }
/** A copy would be stored under field values that its origin did not see. */
const LOSES_FIELDS: Pass = { kind: 'pass', why: 'bypass', detail: 'connection' }
const ONLY_IF_CACHED: Refuse = { kind: 'refuse', detail: 'only-if-cached' }
const UNSAFE: Unsafe = { kind: 'unsafe' }

/** GET, HEAD and QUERY are looked up, other safe methods pass, and all others are unsafe, including unknown ones. */
export function classify(request: CacheRequest, rules: Rules): RequestKind {
  const isQuery = request.method === 'QUERY'
  if (request.method !== 'GET' && request.method !== 'HEAD' && !isQuery) {
    return isSafe(request.method) ? { kind: 'pass', why: 'method' } : UNSAFE
  }
  if (rules.bypass) return { kind: 'pass', why: 'bypass', detail: 'route' }
  if (!isQuery && request.body !== undefined) return passed(request, CONTENT)
  if (request.plain === true) return SHARED
  if (hasOriginPrecondition(request.fields)) return passed(request, PRECONDITION)
  if (losesFields(request.fields)) return passed(request, LOSES_FIELDS)
  return isCredentialed(request.fields, rules) ? CREDENTIALED : SHARED
}

/** A GET, HEAD or QUERY that cannot be looked up: passed, unless it has only-if-cached (RFC 9111 section 5.2.1.7). */
export const passed = (request: CacheRequest, as: Pass): Pass | Refuse =>
  requestDirectives(request.fields).onlyIfCached ? ONLY_IF_CACHED : as

function hasOriginPrecondition(fields: Fields): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    if (name.length === 8 && name.toLowerCase() === 'if-match') return true
    if (name.length === 19 && name.toLowerCase() === 'if-unmodified-since') return true
  }
  return false
}
