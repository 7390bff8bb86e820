/** Heads of answers to range requests (RFC 9110 sections 15.3.7 and 15.5.17). */
import { type Fields, without } from '../fields.ts'
import type { ByteRange } from '../model.ts'

/** Describe what the client has a part of already when it sends If-Range. */
const KNOWN_TO_WHO_HAS_A_PART = new Set(['content-encoding', 'content-language', 'content-type', 'last-modified'])

/** The fields of a 206 that are of the representation, and so of every part of it. */
export const ofTheWhole = (fields: Fields): string[] => without(fields, (name) => name === 'content-range')

/** Of a response that is none of the stored one's content. */
const KEPT_WHEN_UNSATISFIABLE = new Set(['age', 'cache-status', 'date', 'etag', 'via'])

/**
 * The head of a 206 with one part.
 * @param head of the 200 it is a part of, without Content-Length
 * @param conditional the request had If-Range
 */
export function partHead(head: Fields, contentRange: string, conditional: boolean): string[] {
  const fields = without(head, (name) => {
    return name === 'content-range' || (conditional && KNOWN_TO_WHO_HAS_A_PART.has(name))
  })
  fields.push('Content-Range', contentRange)
  return fields
}

/** The head of a 206 with several parts, which have each their own Content-Type and Content-Range. */
export function multipartHead(head: Fields, boundary: string): string[] {
  const fields = without(head, (name) => name === 'content-type' || name === 'content-range')
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
