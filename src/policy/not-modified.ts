import { type Fields, without } from '../fields.ts'

/** Fields about content that a 304 does not carry: it has none, and the client keeps what it knows. */
const ABOUT_CONTENT = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'content-language',
  'content-range',
  'trailer',
])

/** The fields of a 304 made from those of the 200 it stands for (RFC 9110 section 15.4.5). */
export function notModifiedHead(fields: Fields): string[] {
  return without(fields, (name) => ABOUT_CONTENT.has(name))
}
