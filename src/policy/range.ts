/** Byte ranges (RFC 9110 section 14): what a client requests, and what a copy can provide. */
import { type Fields, field, trimmed } from '../fields.ts'
import type { ByteRange, CacheRequest, PartialContent } from '../model.ts'
import { parseDate } from './fields/dates.ts'

/** A member of a Range field: from `first` to `last` or to the end, or the last `suffix` bytes. */
export type RangeSpec = { readonly first: number; readonly last: number | undefined } | { readonly suffix: number }

/** What a Range field requests. `other`: a unit that only the origin knows. */
export type RequestedRanges =
  | { readonly kind: 'bytes'; readonly specs: readonly RangeSpec[] }
  | { readonly kind: 'other' }

/** A request for more ranges is not answered as a range request (RFC 9110 section 17.15). */
const MAX_RANGES = 8
/** Empty ones included. */
const MAX_MEMBERS = 64
const UNIT = /^[ \t]*([!#$%&'*+\-.^_`|~0-9a-z]+)=(.*)$/is
const INT_RANGE = /^(\d+)-(\d*)$/
const SUFFIX_RANGE = /^-(\d+)$/

/**
 * What the request's Range asks for; undefined if there is none or it is ignored: for a method other than GET (section
 * 14.2), if malformed, or with too many ranges.
 */
export function requestedRanges(request: CacheRequest): RequestedRanges | undefined {
  if (request.method !== 'GET') return undefined
  const value = field(request.fields, 'range')
  return value === undefined ? undefined : parseRange(value)
}

const NONE: readonly string[] = []

/** Range and If-Range lines for the origin; none to request the whole. */
export function rangeLines(request: CacheRequest): readonly string[] {
  if (request.plain === true || requestedRanges(request)?.kind !== 'bytes') return NONE
  const range = field(request.fields, 'range') ?? ''
  const ifRange = field(request.fields, 'if-range')
  return ifRange === undefined ? ['Range', range] : ['Range', range, 'If-Range', ifRange]
}

/** Parses a Range field's value. Never throws; numbers are capped at the largest safe integer. */
export function parseRange(value: string): RequestedRanges | undefined {
  const [, unit, set = ''] = UNIT.exec(value) ?? []
  if (unit === undefined) return undefined
  if (unit.toLowerCase() !== 'bytes') return { kind: 'other' }
  const specs: RangeSpec[] = []
  const members = set.split(',', MAX_MEMBERS + 1)
  if (members.length > MAX_MEMBERS) return undefined
  for (const member of members) {
    const text = trimmed(member)
    if (text === '') continue // RFC 9110 section 5.6.1.2
    const spec = parseSpec(text)
    if (spec === undefined || specs.length === MAX_RANGES) return undefined
    specs.push(spec)
  }
  return specs.length === 0 ? undefined : { kind: 'bytes', specs }
}

function parseSpec(text: string): RangeSpec | undefined {
  const suffix = SUFFIX_RANGE.exec(text)?.[1]
  if (suffix !== undefined) return { suffix: count(suffix) }
  const [, from, to] = INT_RANGE.exec(text) ?? []
  if (from === undefined) return undefined
  const first = count(from)
  if (to === undefined || to === '') return { first, last: undefined }
  const last = count(to)
  return last < first ? undefined : { first, last }
}

const count = (digits: string): number => Math.min(Number(digits), Number.MAX_SAFE_INTEGER)

/** Content-Range of a 206 (RFC 9110 section 14.4). */
export interface ContentRange extends ByteRange {
  /** Length of the complete representation in bytes; undefined for "*". */
  readonly complete: number | undefined
}

const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(?:(\d{1,15})|\*)$/i

/** A valid Content-Range of a 206; undefined for any other, which must not be combined with other parts. */
export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const [, from, to, of] = CONTENT_RANGE.exec(value ?? '') ?? []
  if (from === undefined || to === undefined) return undefined
  const range = { first: Number(from), last: Number(to), complete: of === undefined ? undefined : Number(of) }
  const valid = range.last >= range.first && (range.complete === undefined || range.last < range.complete)
  return valid ? range : undefined
}

/**
 * How a copy answers a request: with the whole, with parts, or with 416. `as-received`: with the origin's response to
 * the same Range. `missing`: it lacks the requested bytes.
 */
export type Selection =
  | { readonly kind: 'whole' }
  | { readonly kind: 'parts'; readonly ranges: readonly ByteRange[] }
  | { readonly kind: 'as-received' }
  | { readonly kind: 'unsatisfiable' }
  | { readonly kind: 'missing' }

const WHOLE: Selection = { kind: 'whole' }
const MISSING: Selection = { kind: 'missing' }

/** A stored response, as far as ranges are concerned. */
export interface Copy {
  readonly status: number
  readonly fields: Fields
  readonly partial?: PartialContent | undefined
}

/**
 * Which bytes of a copy answer the request (RFC 9110 section 14.2): Range applies to a 200 to GET, and only if If-Range
 * holds.
 * @param length of a complete copy's content in bytes; undefined while not known
 */
export function select(request: CacheRequest, copy: Copy, length: number | undefined): Selection {
  const { partial } = copy
  if (partial === undefined && copy.status !== 200) return WHOLE
  const asked = requestedRanges(request)
  const applies = asked?.kind === 'bytes' && ifRangeHolds(request.fields, copy.fields)
  if (partial !== undefined) return applies ? selectFrom(partial, asked.specs, request) : MISSING
  if (!applies || length === undefined || length === 0) return WHOLE
  const ranges = resolve(asked.specs, length)
  return ranges.length === 0 ? { kind: 'unsatisfiable' } : { kind: 'parts', ranges }
}

function selectFrom(partial: PartialContent, specs: readonly RangeSpec[], request: CacheRequest): Selection {
  // The same Range gets the same response, even if the origin did not send exactly these bytes.
  if (partial.asked !== undefined && partial.asked === field(request.fields, 'range')) return { kind: 'as-received' }
  const end = partial.reachesEnd ? (partial.parts.at(-1)?.last ?? -1) + 1 : undefined
  const ranges = resolve(specs, partial.complete ?? end ?? Number.POSITIVE_INFINITY)
  if (ranges.length === 0) return partial.complete === undefined ? MISSING : { kind: 'unsatisfiable' }
  return ranges.every((range) => holds(partial.parts, range)) ? { kind: 'parts', ranges } : MISSING
}

const holds = (parts: readonly ByteRange[], { first, last }: ByteRange): boolean =>
  parts.some((part) => part.first <= first && last <= part.last)

/** The satisfiable ranges in the order requested; if any overlap, they are merged. */
function resolve(specs: readonly RangeSpec[], length: number): readonly ByteRange[] {
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const range = satisfied(spec, length)
    if (range !== undefined) ranges.push(range)
  }
  return overlaps(ranges) ? union(ranges) : ranges
}

function satisfied(spec: RangeSpec, length: number): ByteRange | undefined {
  if ('suffix' in spec) {
    return spec.suffix === 0 ? undefined : { first: Math.max(0, length - spec.suffix), last: length - 1 }
  }
  if (spec.first >= length) return undefined
  return { first: spec.first, last: Math.min(spec.last ?? length, length - 1) }
}

function overlaps(ranges: readonly ByteRange[]): boolean {
  return ranges.some((one, at) =>
    ranges.some((other, beside) => at < beside && one.first <= other.last && other.first <= one.last),
  )
}

/** The ranges in ascending order, overlapping and adjacent ones merged. */
export function union(ranges: readonly ByteRange[]): ByteRange[] {
  const merged: ByteRange[] = []
  for (const range of [...ranges].sort((one, other) => one.first - other.first)) {
    const previous = merged.at(-1)
    if (previous === undefined || range.first > previous.last + 1) merged.push(range)
    else merged[merged.length - 1] = { first: previous.first, last: Math.max(previous.last, range.last) }
  }
  return merged
}

/**
 * Whether If-Range, if present, matches this copy: by strong comparison of entity-tags, or by a date that equals a
 * strong Last-Modified exactly (RFC 9110 section 13.1.5).
 */
export function ifRangeHolds(requestFields: Fields, stored: Fields): boolean {
  const value = field(requestFields, 'if-range')
  if (value === undefined) return true
  const wanted = trimmed(value)
  if (parseDate(wanted) !== undefined) return wanted === strongDate(stored)
  return STRONG_TAG.test(wanted) && wanted === field(stored, 'etag')
}

/** A single strong entity-tag (RFC 9110 section 8.8.3), not several combined from multiple lines. */
const STRONG_TAG = /^"[\x21\x23-\x7e\x80-\xff]*"$/

/** The strong validator of a representation: a strong entity-tag, else a strong Last-Modified. */
export function strongValidator(fields: Fields): string | undefined {
  const etag = field(fields, 'etag')
  if (etag !== undefined) return STRONG_TAG.test(etag) ? etag : undefined
  return strongDate(fields)
}

/** Last-Modified, if at least a second before Date and so strong (RFC 9110 section 8.8.2.2). */
function strongDate(fields: Fields): string | undefined {
  const value = field(fields, 'last-modified')
  const modified = parseDate(value)
  const date = parseDate(field(fields, 'date'))
  return modified !== undefined && date !== undefined && date - modified >= 1000 ? value : undefined
}

/** The range missing from a partial copy; undefined if it is not a single range, or the length is not known. */
export function missingRange({ parts, complete }: PartialContent): ByteRange | undefined {
  if (complete === undefined) return undefined
  const gaps: ByteRange[] = []
  let next = 0
  for (const { first, last } of parts) {
    if (first > next) gaps.push({ first: next, last: first - 1 })
    next = last + 1
  }
  if (next < complete) gaps.push({ first: next, last: complete - 1 })
  return gaps.length === 1 ? gaps[0] : undefined
}

/** The Range value for a byte range of a representation. */
export function rangeFor({ first, last }: ByteRange, complete: number | undefined): string {
  return last + 1 === complete ? `bytes=${first}-` : `bytes=${first}-${last}`
}

/** Whether these parts make up the whole. */
export function coversWhole({ parts, complete }: PartialContent): boolean {
  const [only] = parts
  return parts.length === 1 && only !== undefined && only.first === 0 && only.last + 1 === complete
}
