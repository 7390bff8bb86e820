/** Via (RFC 9110 section 7.6.3): who passed a message on. */
import { type Fields, field, trimmed } from '../fields.ts'

const PSEUDONYM = 'herdgate'
/** What we add to a message that passes through. */
export const VIA = `1.1 ${PSEUDONYM}`

/** Has the request passed here before? */
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
