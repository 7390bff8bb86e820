/** The content that an entry holds of a representation: of some ranges, or completed by what is still arriving. */
import { Body } from '../../body.ts'
import { HerdgateError } from '../../errors.ts'
import type { ByteRange, Clock, StoredResponse } from '../../model.ts'
import { PASSING_LIMITS } from './response-entry.ts'

/** The bytes of a range, in pieces, from entries that together hold it. */
export function piecesOf(range: ByteRange, entries: readonly StoredResponse[]): Buffer[] | undefined {
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
export async function* completedContent(
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
