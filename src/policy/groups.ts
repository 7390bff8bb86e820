/** Cache groups (RFC 9875): a field that is a List of Strings. */
import { parseList } from 'structured-headers'
import { type Fields, field } from '../fields.ts'

/** The names in Cache-Groups or Cache-Group-Invalidation; none when the field does not parse. */
export function groupsOf(fields: Fields, name: 'cache-groups' | 'cache-group-invalidation'): readonly string[] {
  const value = field(fields, name)
  if (value === undefined) return []
  try {
    const groups: string[] = []
    for (const [member] of parseList(value)) {
      if (typeof member !== 'string') return []
      groups.push(member)
    }
    return groups
  } catch {
    return []
  }
}
