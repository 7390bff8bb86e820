/** 206 and 416 from a stored response (RFC 9110 sections 14 and 15.3.7). */
import { randomBytes } from 'node:crypto'
import { type Fields, field, has } from '../../fields.ts'
import type { ByteRange, CacheRequest, Clock, StoredResponse } from '../../model.ts'
import type { Selection } from '../../policy/range.ts'
import { contentLength, contentRange, multipartHead, partHead, unsatisfiableHead } from '../../policy/range-head.ts'
import type { Reply } from './reply.ts'
import { inPieces, sliceOf } from './part-content.ts'

type Ranged = Pick<Reply, 'status' | 'fields' | 'body'>

/** @param head of the response for the whole representation */
export function rangedReply(
  request: CacheRequest,
  entry: StoredResponse,
  selection: Exclude<Selection, { kind: 'whole' }>,
  head: Fields,
  clock: Clock,
): Ranged {
  const complete = entry.partial === undefined ? entry.body.length : entry.partial.complete
  const conditional = has(request.fields, 'if-range')
  switch (selection.kind) {
    case 'parts': {
      const [only, another] = selection.ranges
      if (only !== undefined && another === undefined) return single(entry, only, complete, head, conditional, clock)
      if (entry.body.bytes !== undefined) return several(entry, selection.ranges, complete, head, clock)
      // Several ranges cannot be cut from content that is still arriving.
      return { status: 200, fields: [...head, ...contentLength(complete)], body: entry.body }
    }
    case 'unsatisfiable':
      entry.body.discard()
      return { status: 416, fields: unsatisfiableHead(head, complete), body: undefined }
    case 'as-received':
    case 'missing': {
      const { length } = entry.body
      const range = entry.partial?.contentRange
      const fields = partHead(head, range ?? '', conditional, false)
      return { status: 206, fields: [...fields, ...contentLength(length)], body: entry.body }
    }
  }
}

function single(
  entry: StoredResponse,
  range: ByteRange,
  complete: number | undefined,
  head: Fields,
  conditional: boolean,
  clock: Clock,
): Ranged {
  const fields = partHead(head, contentRange(range, complete), conditional, isCut(entry, range, complete))
  fields.push(...contentLength(range.last - range.first + 1))
  return { status: 206, fields, body: sliceOf(entry, range, clock) }
}

/** Whether the range is less than what the entry holds. */
function isCut({ partial }: StoredResponse, { first, last }: ByteRange, complete: number | undefined): boolean {
  const [held, another] = partial?.parts ?? []
  if (partial === undefined) return first !== 0 || last + 1 !== complete
  return another !== undefined || first !== held?.first || last !== held.last
}

/** A multipart/byteranges message (RFC 9110 section 14.6). */
function several(
  entry: StoredResponse,
  ranges: readonly ByteRange[],
  complete: number | undefined,
  head: Fields,
  clock: Clock,
): Ranged {
  const boundary = randomBoundary()
  const type = field(head, 'content-type')
  const pieces: Uint8Array[] = []
  for (const range of ranges) {
    const of = type === undefined ? '' : `Content-Type: ${type}\r\n`
    const delimiter = `\r\n--${boundary}\r\n${of}Content-Range: ${contentRange(range, complete)}\r\n\r\n`
    pieces.push(Buffer.from(delimiter, 'latin1'), sliceOf(entry, range, clock).bytes ?? NOTHING)
  }
  pieces.push(Buffer.from(`\r\n--${boundary}--\r\n`))
  const body = inPieces(pieces, clock)
  const fields = multipartHead(head, boundary)
  fields.push(...contentLength(body.length))
  return { status: 206, fields, body }
}

/** Not looked for in the content: nobody can have put it there, and content can be made so that a search takes minutes. */
const randomBoundary = (): string => randomBytes(16).toString('hex')

const NOTHING = Buffer.alloc(0)
