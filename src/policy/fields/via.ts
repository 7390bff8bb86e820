/** Via (RFC 9110 section 7.6.3). */
import { type Fields, field, trimmed } from '../../fields.ts'

/** Our member, added to every forwarded message. */
export const viaMember = (pseudonym: string): string => `1.1 ${pseudonym}`

/** Whether the request has passed here before. */
export function loops(fields: Fields, pseudonym: string): boolean {
  const via = field(fields, 'via')
  if (via === undefined) return false
  return via.split(',').some(
    (member) =>
      trimmed(member)
        .split(/[ \t]+/)[1]
        ?.toLowerCase() === pseudonym.toLowerCase(),
  )
}
