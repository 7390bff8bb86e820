/** Cache groups (RFC 9875): a field that is a List of Strings. */
import { parseList } from 'structured-headers'
import { type Fields, field } from '../../fields.ts'
import { splitUrl } from '../target.ts'

/** The names in Cache-Groups or Cache-Group-Invalidation; none if the field does not parse. */
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

/**
 * The tag of a cache group. A group belongs to one origin (RFC 9875 section 2): a site must not invalidate another
 * site's group of the same name. Tags in responses cannot contain a line feed.
 * @param url any URL of the origin, made by parseTarget
 */
export function groupTag(url: string, group: string): string {
  const { scheme, authority } = splitUrl(url)
  return `${scheme}://${authority}\n${group}`
}

/** Whether it is the tag of a group, and so of one origin only. */
export const isGroupTag = (tag: string): boolean => tag.includes('\n')
