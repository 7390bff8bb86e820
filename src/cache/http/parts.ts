/** Stores parts of a representation, combined where they belong together (RFC 9111 sections 3.3 and 3.4). */
import { Body, joined } from '../../body.ts'
import { type Fields, field, has } from '../../fields.ts'
import { type ByteRange, isLater, type PartialContent, type Stored, type StoredResponse } from '../../model.ts'
import { coversWhole, strongValidator, union } from '../../policy/range.ts'
import { representationFields } from '../../policy/range-head.ts'
import { mergeFields } from '../../policy/validation.ts'
import { withChanges } from '../../response-record.ts'
import { stampOf } from '../engine/stamp.ts'
import { piecesOf } from './part-content.ts'

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
 * length is not trusted; if the announced range reached the end, the end is taken to be where the content stopped. In a
 * content coding it is no part at all then: the range was cut from plain content, and compressed afterwards.
 */
function asReceived(entry: StoredResponse): StoredResponse | undefined {
  const { partial } = entry
  const [range] = partial?.parts ?? []
  const length = entry.body.bytes?.length ?? 0
  if (partial === undefined || range === undefined || length === 0) return undefined
  const last = range.first + length - 1
  if (last === range.last) return entry
  if (last > range.last || has(entry.fields, 'content-encoding')) return undefined
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

const lengthOf = (parts: readonly ByteRange[]): number =>
  parts.reduce((sum, { first, last }) => sum + last - first + 1, 0)
