import type { Fields } from './fields.ts'

/**
 * The head of a response as text, each character of which is an octet (RFC 9112 sections 4 and 5). The empty line that
 * ends it is the caller's, who may have more to add.
 */
export function headText(status: number, reason: string, fields: Fields): string {
  let head = `HTTP/1.1 ${status} ${reason}\r\n`
  for (let at = 0; at + 1 < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`
  return head
}
