import { type Fields, field, fieldLines, has } from '../fields.ts'

/** Is the end of the connection the only sign of the content's end? (RFC 9112 section 6.3) */
export function isEndedByConnection(method: string, status: number, fields: Fields): boolean {
  if (method === 'HEAD' || status === 204 || status === 304) return false
  const codings = fieldLines(fields, 'transfer-encoding')
  return codings.length > 0 ? !/(?:^|,)[ \t]*chunked[ \t]*$/i.test(codings.join()) : !has(fields, 'content-length')
}

const COMPRESSING = new Set(['compress', 'deflate', 'gzip', 'x-compress', 'x-gzip'])

/** Is the content compressed for the transfer? Nobody asked for that, and nobody after us would know of it (RFC 9112 section 7.2). */
export function isCompressed(fields: Fields): boolean {
  const codings = field(fields, 'transfer-encoding')?.toLowerCase()
  return codings !== undefined && codings.split(',').some((coding) => COMPRESSING.has(coding.trim()))
}
