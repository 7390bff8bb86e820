import type { Fields } from './fields.ts'

/**
 * The head of a response as latin1 text (RFC 9112 sections 4 and 5). Without the empty line that ends it, as the caller
 * may have more fields to add.
 */
export function headText(status: number, reason: string, fields: Fields): string {
  let head = `HTTP/1.1 ${status} ${reason}\r\n`
  for (let at = 0; at + 1 < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`
  return head
}
