/** Heads of answers to range requests (RFC 9110 sections 15.3.7 and 15.5.17). */
import { type Fields, without } from '../fields.ts'
import type { ByteRange } from '../model.ts'

/** Describe what the client has a part of already when it sends If-Range. */
const KNOWN_TO_WHO_HAS_A_PART = new Set(['content-encoding', 'content-language', 'content-type', 'last-modified'])

/** Are of the content that comes with them (RFC 9530 section 2, RFC 1864), and of no other that is made from it. */
const OF_THE_CONTENT = new Set(['content-digest', 'content-md5'])

/** What is stored of a 206's fields: its range is kept apart from them. */
export const withoutRange = (fields: Fields): string[] => without(fields, (name) => name === 'content-range')

/** The fields that are of the representation, and so of whatever is cut from it or put together to it. */
export const ofTheWhole = (fields: Fields): string[] => without(fields, (name) => OF_THE_CONTENT.has(name))

/** Of a response that is none of the stored one's content. */
const KEPT_WHEN_UNSATISFIABLE = new Set(['age', 'cache-status', 'date', 'etag', 'via'])

/**
 * The head of a 206 with one part.
 * @param head of the 200 it is a part of, without Content-Length
 * @param conditional the request had If-Range
 * @param isCut its content is less than what the head came with
 */
export function partHead(head: Fields, contentRange: string, conditional: boolean, isCut: boolean): string[] {
  const fields = without(head, (name) => {
    if (name === 'content-range' || (isCut && OF_THE_CONTENT.has(name))) return true
    return conditional && KNOWN_TO_WHO_HAS_A_PART.has(name)
  })
  fields.push('Content-Range', contentRange)
  return fields
}

/** The head of a 206 with several parts, which have each their own Content-Type and Content-Range. */
export function multipartHead(head: Fields, boundary: string): string[] {
  const fields = without(head, (name) => {
    return name === 'content-type' || name === 'content-range' || OF_THE_CONTENT.has(name)
  })
  fields.push('Content-Type', `multipart/byteranges; boundary=${boundary}`)
  return fields
}

/** The head of a 416. Nobody is to store it for others, whatever the response it is made from allows. */
export function unsatisfiableHead(head: Fields, complete: number | undefined): string[] {
  const fields = without(head, (name) => !KEPT_WHEN_UNSATISFIABLE.has(name))
  fields.push('Cache-Control', 'no-store', 'Content-Range', `bytes */${complete ?? '*'}`, 'Content-Length', '0')
  return fields
}

export const contentRange = ({ first, last }: ByteRange, complete: number | undefined): string =>
  `bytes ${first}-${last}/${complete ?? '*'}`

export const contentLength = (octets: number | undefined): string[] =>
  octets === undefined ? [] : ['Content-Length', String(octets)]
