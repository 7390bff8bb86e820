import { type Fields, field, fieldLines, has } from '../fields.ts'

/** Is the end of the connection the only sign of the content's end? (RFC 9112 section 6.3) */
export function isEndedByConnection(method: string, status: number, fields: Fields): boolean {
  if (method === 'HEAD' || status === 204 || status === 304) return false
  const codings = fieldLines(fields, 'transfer-encoding')
  return codings.length > 0 ? !/(?:^|,)[ \t]*chunked[ \t]*$/i.test(codings.join()) : !has(fields, 'content-length')
}

/** The version of HTTP that an answer is of, as far as it is not HTTP/1.1. */
export interface Spoken {
  readonly speaksHttp10: boolean
  /** It is of no version of HTTP/1. */
  readonly speaksAnother: boolean
}

/** Why content cannot be read as the head of a response says, in words; undefined when it can. */
export function framingProblem({ speaksHttp10, speaksAnother }: Spoken, fields: Fields): string | undefined {
  if (speaksAnother) return 'another version of HTTP'
  if (isCompressed(fields)) return 'a transfer coding that was not asked for'
  // Whoever wrote HTTP/1.0 need not have known the coding it passed on (RFC 9112 section 6.1).
  return speaksHttp10 && has(fields, 'transfer-encoding') ? 'a transfer coding in HTTP/1.0' : undefined
}

const COMPRESSING = new Set(['compress', 'deflate', 'gzip', 'x-compress', 'x-gzip'])

/** Is the content compressed for the transfer? Nobody asked for that, and nobody after us would know of it (RFC 9112 section 7.2). */
function isCompressed(fields: Fields): boolean {
  const codings = field(fields, 'transfer-encoding')?.toLowerCase()
  return codings !== undefined && codings.split(',').some((coding) => COMPRESSING.has(coding.trim()))
}
