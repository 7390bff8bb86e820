import { type Fields, field, fieldLines, has } from '../fields.ts'

/** Whether only the end of the connection marks the end of the content (RFC 9112 section 6.3). */
export function isEndedByConnection(method: string, status: number, fields: Fields): boolean {
  if (method === 'HEAD' || status === 204 || status === 304) return false
  const codings = fieldLines(fields, 'transfer-encoding')
  return codings.length > 0 ? !/(?:^|,)[ \t]*chunked[ \t]*$/i.test(codings.join()) : !has(fields, 'content-length')
}

/** The HTTP version of a response, if it is not HTTP/1.1. */
export interface SpokenVersion {
  readonly speaksHttp10: boolean
  /** Its major version is not 1. */
  readonly speaksOtherVersion: boolean
}

/** Why content cannot be read as the response's head describes it, in words; undefined if it can. */
export function framingProblem(
  { speaksHttp10, speaksOtherVersion }: SpokenVersion,
  fields: Fields,
): string | undefined {
  if (speaksOtherVersion) return 'another version of HTTP'
  if (isCompressed(fields)) return 'a transfer coding that was not asked for'
  // An HTTP/1.0 sender may have passed the coding on without knowing it (RFC 9112 section 6.1).
  return speaksHttp10 && has(fields, 'transfer-encoding') ? 'a transfer coding in HTTP/1.0' : undefined
}

const COMPRESSING = new Set(['compress', 'deflate', 'gzip', 'x-compress', 'x-gzip'])

/** Whether content is compressed for transfer, unasked, and without clients knowing of it (RFC 9112 section 7.2). */
function isCompressed(fields: Fields): boolean {
  const codings = field(fields, 'transfer-encoding')?.toLowerCase()
  return codings !== undefined && codings.split(',').some((coding) => COMPRESSING.has(coding.trim()))
}
