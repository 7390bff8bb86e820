/** Parts of a representation and the content they hold (RFC 9111 sections 3.3 and 3.4). */
import { Body, joined } from '../../body.ts'
import { HerdgateError } from '../../errors.ts'
import { type Fields, field } from '../../fields.ts'
import {
  type ByteRange,
  type Clock,
  isLater,
  type PartialContent,
  type Stored,
  type StoredResponse,
} from '../../model.ts'
import { coversWhole, strongValidator, union } from '../../policy/range.ts'
import { representationFields } from '../../policy/range-head.ts'
import { mergeFields } from '../../policy/validation.ts'
import { withChanges } from '../../response-record.ts'
import { stampOf } from '../engine/stamp.ts'
import { PASSING_LIMITS } from './response-entry.ts'

/** Clients decide which parts are stored, and combining them takes quadratic time. */
const MAX_PARTS = 64

/**
 * What to store for a part that has arrived completely, given what is stored: combined with other parts of the same
 * representation, the whole if that completes it, nothing if the whole or a later representation is already stored.
 * @param received must be held by the log, like `stored`
 * @param mostBytes limit for a copy
 */
export function partToStore(
  received: StoredResponse,
  stored: Stored | undefined,
  mostBytes: number,
): StoredResponse | undefined {
  const part = asReceived(received)
  if (part === undefined || stored?.kind !== 'response') return part && whole(part)
  const isSame = sameRepresentation(stored.fields, part.fields)
  if (!isSame && isLater(stored, part)) return undefined
  if (!isSame || isComplete(part)) return whole(part)
  if (stored.partial === undefined) return undefined
  return combined(stored, part, mostBytes) ?? part
}

/**
 * The entry with the range that its content actually fills. If the origin announced more than it sent, its complete
 * length is not trusted; if the announced range reached the end, the end is taken to be where the content stopped.
 */
function asReceived(entry: StoredResponse): StoredResponse | undefined {
  const { partial } = entry
  const [range] = partial?.parts ?? []
  const length = entry.body.bytes?.length ?? 0
  if (partial === undefined || range === undefined || length === 0) return undefined
  const last = range.first + length - 1
  if (last === range.last) return entry
  if (last > range.last) return undefined
  const reachesEnd = range.last + 1 === partial.complete
  return withChanges(entry, {
    partial: { ...partial, parts: [{ first: range.first, last }], complete: undefined, reachesEnd },
  })
}

const isComplete = ({ partial }: StoredResponse): boolean => partial !== undefined && coversWhole(partial)

const whole = (entry: StoredResponse): StoredResponse =>
  isComplete(entry) ? withChanges(entry, { status: 200, partial: undefined }) : entry

/**
 * Only a strong validator shows that two responses are of one representation (RFC 9111 section 3.4). Some origins give
 * the same one to compressed and plain content, so the content coding must match too.
 */
function sameRepresentation(one: Fields, other: Fields): boolean {
  return sameValidator(one, other) && field(one, 'content-encoding') === field(other, 'content-encoding')
}

/** The same for a response to If-Range, which may omit fields that are already stored (RFC 9110 section 15.3.7). */
export function continues(stored: Fields, answer: Fields): boolean {
  const coding = field(answer, 'content-encoding')
  return sameValidator(stored, answer) && (coding === undefined || coding === field(stored, 'content-encoding'))
}

function sameValidator(one: Fields, other: Fields): boolean {
  const validator = strongValidator(one)
  return validator !== undefined && validator === strongValidator(other)
}

function combined(stored: StoredResponse, part: StoredResponse, mostBytes: number): StoredResponse | undefined {
  const [one, other] = [stored.partial, part.partial]
  const complete = other?.complete
  if (one === undefined || other === undefined || complete === undefined || one.complete !== complete) return undefined
  const parts = largest(union([...one.parts, ...other.parts]))
  const size = lengthOf(parts)
  if (size > mostBytes) return undefined
  const pieces = parts.map((range) => piecesOf(range, [part, stored]))
  if (!pieces.every((list) => list !== undefined)) return undefined
  const partial: PartialContent = { parts, complete, reachesEnd: false, asked: undefined, contentRange: undefined }
  // To the log the result is as old as its oldest bytes. It holds both stamps, so their positions are comparable.
  const position = Math.min(stored.position, part.position)
  const startedAt = Math.min(stored.startedAt, part.startedAt)
  const askedAt = Math.min(stored.askedAt, part.askedAt)
  const tags = [...new Set([...stored.tags, ...part.tags])]
  const fields = representationFields(mergeFields(stored.fields, part.fields))
  const body = Body.of(joined(pieces.flat(), size))
  const stamp = stampOf(part.url, tags, { generation: part.generation, position, startedAt })
  return whole(withChanges(part, { ...stamp, askedAt, fields, body, partial }))
}

/** The largest parts, at most MAX_PARTS, in their original order. */
function largest(parts: readonly ByteRange[]): readonly ByteRange[] {
  if (parts.length <= MAX_PARTS) return parts
  const bySize = [...parts].sort((one, other) => lengthOf([other]) - lengthOf([one]))
  const kept = new Set(bySize.slice(0, MAX_PARTS))
  return parts.filter((part) => kept.has(part))
}

/** The bytes of a range, in pieces, from entries that together hold it. */
function piecesOf(range: ByteRange, entries: readonly StoredResponse[]): Buffer[] | undefined {
  const pieces: Buffer[] = []
  for (let at = range.first; at <= range.last; ) {
    const piece = entries.map((entry) => bytesFrom(entry, at, range.last)).find((bytes) => bytes !== undefined)
    if (piece === undefined) return undefined
    pieces.push(piece)
    at += piece.length
  }
  return pieces
}

/** An entry's bytes from `first` to the end of that part, at most to `last`; undefined if it has none. */
function bytesFrom({ body: { bytes }, partial }: StoredResponse, first: number, last: number): Buffer | undefined {
  if (bytes === undefined) return undefined
  if (partial === undefined) return bytes.subarray(first, last + 1)
  let offset = 0
  for (const part of partial.parts) {
    if (part.first <= first && first <= part.last) {
      const from = offset + first - part.first
      return bytes.subarray(from, from + Math.min(last, part.last) - first + 1)
    }
    offset += part.last - part.first + 1
  }
  return undefined
}

/** The content of one range of an entry that holds it; it may still be arriving. */
export function sliceOf(entry: StoredResponse, range: ByteRange, clock: Clock): Body {
  const bytes = bytesFrom(entry, range.first, range.last)
  if (bytes !== undefined) return Body.of(bytes)
  const reader = entry.body.read()
  const source = cut(reader, range)
  return arriving(source, range.last - range.first + 1, clock, () => reader.cancel())
}

async function* cut(reader: ReturnType<Body['read']>, { first, last }: ByteRange): AsyncGenerator<Uint8Array> {
  let at = 0
  try {
    while (at <= last) {
      const chunk = await reader.next()
      if (chunk === undefined) return
      const from = Math.max(0, first - at)
      const to = Math.min(chunk.length, last + 1 - at)
      at += chunk.length
      if (from < to) yield chunk.subarray(from, to)
    }
  } finally {
    reader.cancel()
  }
}

/**
 * A complete representation: the stored bytes, with the missing ones filled in as they arrive.
 * @param rest the only missing range
 */
export async function* completed(
  stored: StoredResponse,
  rest: ByteRange,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (rest.first > 0) yield* bytesOf(stored, { first: 0, last: rest.first - 1 })
  let missingBytes = rest.last - rest.first + 1
  for await (const chunk of source) {
    missingBytes -= chunk.length
    if (missingBytes < 0) break
    yield chunk
  }
  if (missingBytes !== 0)
    throw new HerdgateError('origin_invalid', 'the length of the content does not match Content-Range')
  const complete = stored.partial?.complete ?? 0
  if (rest.last + 1 < complete) yield* bytesOf(stored, { first: rest.last + 1, last: complete - 1 })
}

function* bytesOf(stored: StoredResponse, range: ByteRange): Generator<Uint8Array> {
  const pieces = piecesOf(range, [stored])
  if (pieces === undefined) throw new RangeError('a part lacks bytes that it lists')
  yield* pieces
}

/** A body for one reader that is not copied together: for every client that asks for it, it would take its size. */
export function inPieces(pieces: readonly Uint8Array[], clock: Clock): Body {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return arriving(eachOf(pieces), length, clock, () => {})
}

async function* eachOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces
}

/** A body for one reader. */
function arriving(source: AsyncIterable<Uint8Array>, length: number, clock: Clock, stop: () => void): Body {
  return Body.from(source, { length, keepBytes: 0, ...PASSING_LIMITS, clock, stop })
}

const lengthOf = (parts: readonly ByteRange[]): number =>
  parts.reduce((sum, { first, last }) => sum + last - first + 1, 0)
