/** Heads of responses to range requests (RFC 9110 sections 15.3.7 and 15.5.17). */
import { type Fields, without } from '../fields.ts'
import type { ByteRange } from '../model.ts'

/** Fields the client already has from an earlier part if it sends If-Range. */
const OMITTED_WITH_IF_RANGE = new Set(['content-encoding', 'content-language', 'content-type', 'last-modified'])

/** Digests of the message's own content (RFC 9530 section 2, RFC 1864), wrong for any other made from it. */
const CONTENT_DIGESTS = new Set(['content-digest', 'content-md5'])

/** The fields of a 206 to store: its range is stored separately. */
export const withoutRange = (fields: Fields): string[] => without(fields, (name) => name === 'content-range')

/** The fields that describe the representation, and so apply to its parts and combinations too. */
export const representationFields = (fields: Fields): string[] => without(fields, (name) => CONTENT_DIGESTS.has(name))

/** For a response that has none of the stored content. */
const KEPT_WHEN_UNSATISFIABLE = new Set(['age', 'cache-status', 'date', 'etag', 'via'])

/**
 * The head of a 206 with one part.
 * @param head of the corresponding 200, without Content-Length
 * @param conditional the request had If-Range
 * @param isCut its content is only a part of what the head came with
 */
export function partHead(head: Fields, contentRange: string, conditional: boolean, isCut: boolean): string[] {
  const fields = without(head, (name) => {
    if (name === 'content-range' || (isCut && CONTENT_DIGESTS.has(name))) return true
    return conditional && OMITTED_WITH_IF_RANGE.has(name)
  })
  fields.push('Content-Range', contentRange)
  return fields
}

/** The head of a 206 with several parts, each with its own Content-Type and Content-Range. */
export function multipartHead(head: Fields, boundary: string): string[] {
  const fields = without(head, (name) => {
    return name === 'content-type' || name === 'content-range' || CONTENT_DIGESTS.has(name)
  })
  fields.push('Content-Type', `multipart/byteranges; boundary=${boundary}`)
  return fields
}

/** The head of a 416. It must not be stored, whatever the response it is made from allows. */
export function unsatisfiableHead(head: Fields, complete: number | undefined): string[] {
  const fields = without(head, (name) => !KEPT_WHEN_UNSATISFIABLE.has(name))
  fields.push('Cache-Control', 'no-store', 'Content-Range', `bytes */${complete ?? '*'}`, 'Content-Length', '0')
  return fields
}

export const contentRange = ({ first, last }: ByteRange, complete: number | undefined): string =>
  `bytes ${first}-${last}/${complete ?? '*'}`

export const contentLength = (octets: number | undefined): string[] =>
  octets === undefined ? [] : ['Content-Length', String(octets)]
