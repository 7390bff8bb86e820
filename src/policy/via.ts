/** Via (RFC 9110 section 7.6.3). */
import { type Fields, field, trimmed } from '../fields.ts'

const PSEUDONYM = 'herdgate'
/** Our member, added to every forwarded message. */
export const VIA = `1.1 ${PSEUDONYM}`

/** Whether the request has passed here before. */
export function loops(fields: Fields): boolean {
  const via = field(fields, 'via')
  if (via === undefined) return false
  return via.split(',').some(
    (member) =>
      trimmed(member)
        .split(/[ \t]+/)[1]
        ?.toLowerCase() === PSEUDONYM,
  )
}
