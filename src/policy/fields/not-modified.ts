import { type Fields, without } from '../../fields.ts'

/** Fields about content, left out of a 304: it has none, and the client keeps those it has. */
const ABOUT_CONTENT = new Set([
  'content-digest', // of the message's own content (RFC 9530 section 2); `Repr-Digest` is of the representation
  'content-md5',
  'content-length',
  'content-type',
  'content-encoding',
  'content-language',
  'content-range',
])

/** The fields of a 304, made from those of the corresponding 200 (RFC 9110 section 15.4.5). */
export function notModifiedHead(fields: Fields): string[] {
  return without(fields, (name) => ABOUT_CONTENT.has(name))
}
