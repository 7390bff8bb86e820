/** Validation of a stored response with its origin (RFC 9111 section 4.3), and of a client's copy with a response. */
import { type Fields, field, has, lines, trimmed, without } from '../fields.ts'
import { CACHED_METHODS } from '../methods.ts'
import type { CacheRequest, StoredResponse } from '../model.ts'
import { parseDate } from './fields/dates.ts'
import { hopByHop } from './fields/hop-by-hop.ts'
import { varyNames } from './vary.ts'

interface Response {
  readonly status: number
  readonly fields: Fields
}

/**
 * The precondition fields for revalidating a stored response (RFC 9111 section 4.3.1). None for a status other than
 * 2xx: a 304 would not refer to what is stored.
 */
export function conditionsFor(entry: StoredResponse): string[] {
  if (!canBeValidated(entry)) return []
  const { fields } = entry
  const conditions: string[] = []
  const etag = field(fields, 'etag')
  if (etag !== undefined && SENDABLE_TAG.test(etag)) conditions.push('If-None-Match', etag)
  const modified = field(fields, 'last-modified')
  if (parseDate(modified) !== undefined && modified !== undefined) conditions.push('If-Modified-Since', modified)
  return conditions
}

/**
 * An entity-tag (RFC 9110 section 8.8.3), or the unquoted text some origins send instead, returned as received. Neither
 * "*" nor a list, which have another meaning.
 */
const SENDABLE_TAG = /^(?:(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"|(?!\*$)[\x21\x23-\x2b\x2d-\x7e\x80-\xff]+)$/

/**
 * Whether this 304 confirms the stored response (RFC 9111 section 4.3.4). Its validators must be those of the stored
 * response. Entity-tags are compared weakly, as the origin does for If-None-Match (RFC 9110 section 13.1.2), which
 * named only this one. The section asks for a strong match to choose among several responses, but nginx sends a weak
 * tag with a compressed response and a strong one in the 304 for it. A 304 without validators answers the conditions we
 * sent.
 */
export function confirms(entry: StoredResponse, response: Response): boolean {
  if (response.status !== 304) return false
  const etag = field(response.fields, 'etag')
  const stored = field(entry.fields, 'etag')
  if (etag !== undefined) return stored !== undefined && opaque(etag) === opaque(stored)
  const modified = field(response.fields, 'last-modified')
  return modified === undefined || modified === field(entry.fields, 'last-modified')
}

/**
 * Whether a response to HEAD describes the stored content: its status, every validator it has, and its Content-Length
 * must be those of the stored response (RFC 9111 section 4.3.5).
 */
export function describesSame(entry: StoredResponse, response: Response): boolean {
  if (entry.status !== response.status) return false
  const same = (name: string) => {
    const value = field(response.fields, name)
    return value === undefined || value === field(entry.fields, name)
  }
  const length = field(response.fields, 'content-length')
  const { bytes } = entry.body
  return same('etag') && same('last-modified') && (length === undefined || Number(length) === bytes?.length)
}

/**
 * Whether the response can be revalidated: it has a validator, and origins evaluate preconditions for its status (RFC
 * 9110 section 13.2.1).
 */
export const canBeValidated = (response: Response): boolean =>
  response.status >= 200 && response.status <= 299 && hasValidator(response)

/** Whether it identifies its content (RFC 9110 section 8.8). */
export const hasValidator = ({ fields }: Response): boolean => has(fields, 'etag') || has(fields, 'last-modified')

/**
 * The stored fields updated with those of a 304 (RFC 9111 section 3.2): each of its fields replaces the stored one,
 * except for hop-by-hop fields and those that describe the stored content. Content-Type is replaced, as the section
 * asks. Vary is added to: what selected the stored content still does, and what compresses leaves Accept-Encoding out of
 * a 304, as that has nothing to compress. The stored Date is always dropped: without a Date of its own, the update is
 * dated on receipt.
 */
export function mergeFields(stored: Fields, update: Fields): string[] {
  return merged(stored, update, hopByHop(update))
}

/** The same, for deciding what may be stored: a restriction in the update counts even if its Connection names it. */
export function fieldsToJudge(stored: Fields, update: Fields): string[] {
  return merged(stored, update, () => false)
}

function merged(stored: Fields, update: Fields, isForConnection: (name: string) => boolean): string[] {
  const isKept = (name: string) => isForConnection(name) || DESCRIBES_CONTENT.has(name)
  const replaced = new Set(['date'])
  for (const [name] of lines(update)) if (!isKept(name)) replaced.add(name)
  const kept = without(stored, (name) => replaced.has(name))
  return kept.concat(replaced.has('vary') ? varyLeftOut(stored, update) : [], without(update, isKept))
}

/** Vary with what only the stored response names. */
function varyLeftOut(stored: Fields, update: Fields): string[] {
  const named = new Set(varyNames(update).map((name) => name.toLowerCase()))
  const missing = varyNames(stored).filter((name) => !named.has(name.toLowerCase()))
  return missing.length === 0 ? [] : ['Vary', missing.join(', ')]
}

/** Describe the stored bytes or their integrity; a 304 cannot change them. */
const DESCRIBES_CONTENT = new Set([
  'content-digest',
  'content-encoding',
  'content-length',
  'content-md5',
  'content-range',
  'digest',
  'etag',
  'repr-digest',
])

/**
 * Evaluates a client's If-None-Match, or without one its If-Modified-Since, against a response (RFC 9110 section
 * 13.2.2, RFC 9111 section 4.3.2), before its Range. If-Match and If-Unmodified-Since are evaluated by the origin only.
 * @param isStored false for a response just fetched for this request, which only Last-Modified gives a modification date
 */
export function precondition(
  request: CacheRequest,
  status: number,
  fields: Fields,
  isStored = true,
): 'send' | 'not-modified' {
  if ((status !== 200 && status !== 206) || !mayBeConditional(request.fields)) return 'send'
  if (!CACHED_METHODS.has(request.method)) return 'send' // responses to others are not what the client has
  const tags = field(request.fields, 'if-none-match')
  if (tags !== undefined) return matchesAny(tags, field(fields, 'etag')) ? 'not-modified' : 'send'
  return unmodifiedSince(field(request.fields, 'if-modified-since'), fields, isStored) ? 'not-modified' : 'send'
}

/** Names are compared only if their length fits. */
function mayBeConditional(fields: Fields): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    if (name.length === 13 && name.toLowerCase() === 'if-none-match') return true
    if (name.length === 17 && name.toLowerCase() === 'if-modified-since') return true
  }
  return false
}

const ENTITY_TAG = /(?:W\/)?"([^"]*)"|([^ \t,"]+)/g

/** Weak comparison with each member; "*" matches anything (RFC 9110 section 13.1.2). */
function matchesAny(tags: string, etag: string | undefined): boolean {
  if (trimmed(tags) === '*') return true
  if (etag === undefined) return false
  const wanted = opaque(etag)
  for (const [, quoted, bare] of tags.matchAll(ENTITY_TAG)) if ((quoted ?? bare) === wanted) return true
  return false
}

/**
 * Compared with Last-Modified. Without one, a stored response is compared by its Date (RFC 9111 section 4.3.2), and any
 * other counts as modified (RFC 9110 section 13.1.3). An invalid date is ignored.
 */
function unmodifiedSince(since: string | undefined, fields: Fields, isStored: boolean): boolean {
  const stated = parseDate(field(fields, 'last-modified'))
  const modified = stated ?? (isStored ? parseDate(field(fields, 'date')) : undefined)
  if (modified === undefined) return false
  const known = parseDate(since, modified)
  return known !== undefined && modified <= known
}

/** The part used in weak comparison (RFC 9110 section 8.8.3.2). */
function opaque(etag: string): string {
  return etag.replace(/^(?:W\/)?"(.*)"$/, '$1')
}
