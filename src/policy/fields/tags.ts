/** The tags a response is purged by. */
import { type Fields, fieldLines, trimmed } from '../../fields.ts'
import type { Rules } from '../../model.ts'
import { groupsOf, groupTag } from './groups.ts'
import { LONGEST_TAG, MAX_TAGS } from './tag-caps.ts'

export type Tags = { readonly ok: true; readonly tags: readonly string[] } | { readonly ok: false }

/** Fields with tags for caches, which are not forwarded. Cache-Groups is forwarded, and so is not included. */
const TAG_FIELDS: ReadonlyMap<string, RegExp> = new Map([
  ['surrogate-key', /[ \t]+/],
  ['cache-tag', /,/],
  ['xkey', /[ \t]+/],
])

const NAMING_TAGS = new Set([...TAG_FIELDS.keys(), 'cache-groups'])
const UNTAGGED: Tags = { ok: true, tags: [] }

export const isTagField = (name: string): boolean => TAG_FIELDS.has(name)

/**
 * The response's own tags and the route's, without duplicates, and its groups, both by plain name, for purges, and as
 * group tags of its origin. Not ok if there are too many or too long ones: a response that could not be purged by all
 * its tags must not be stored.
 * @param url of the request
 */
export function tagsOf(url: string, fields: Fields, rules: Rules): Tags {
  if (rules.tags.length === 0 && !namesTags(fields)) return UNTAGGED
  const tags = new Set<string>()
  for (const [name, separator] of TAG_FIELDS) {
    for (const line of fieldLines(fields, name)) for (const tag of line.split(separator)) tags.add(trimmed(tag))
  }
  const groups = groupsOf(fields, 'cache-groups')
  for (const group of groups) tags.add(group)
  for (const tag of rules.tags) tags.add(tag)
  tags.delete('')
  const tooLong = [...tags].some((tag) => tag.length > LONGEST_TAG) // in a received field, a character is a byte
  if (tooLong || tags.size > MAX_TAGS) return { ok: false }
  return { ok: true, tags: [...tags, ...new Set(groups.map((group) => groupTag(url, group)))] }
}

/**
 * The tags of a stored response whose fields are updated: its own, as the update need not repeat them, and those of the
 * update.
 * @param stored tags of the stored response
 */
export function updatedTags(url: string, stored: readonly string[], update: Fields, rules: Rules): Tags {
  const brought = tagsOf(url, update, rules)
  if (!brought.ok) return brought
  const tags = [...new Set([...stored, ...brought.tags])]
  return tags.length > MAX_TAGS_OF_UPDATED ? { ok: false } : { ok: true, tags }
}

/**
 * The tags and, for those outside ASCII, their form in a response whose origin sends UTF-8: each byte of a received
 * field is read as one character.
 */
export function withSpellings(tags: readonly string[]): readonly string[] {
  return tags.every((tag) => PLAIN.test(tag)) ? tags : tags.flatMap(spellingsOf)
}

const PLAIN = /^[ -~]*$/

function spellingsOf(tag: string): string[] {
  const received = Buffer.from(tag).toString('latin1')
  return received === tag ? [tag] : [tag, received]
}

/** Nearly all responses have none, so names are lower-cased only if their shape fits. */
function namesTags(fields: Fields): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    if (TAGGING_SHAPES.has(shapeOf(name)) && NAMING_TAGS.has(name.toLowerCase())) return true
  }
  return false
}

/** Length and last letter, ignoring case: enough to tell Content-Type, Cache-Control and ETag from tag fields. */
const shapeOf = (name: string): number => (name.length << 8) | name.charCodeAt(name.length - 1) | 0x20

const TAGGING_SHAPES = new Set([...NAMING_TAGS].map(shapeOf))

/** Groups have two tags each. If updates keep adding other tags, a new response is requested at some point. */
const MAX_TAGS_OF_UPDATED = 2 * MAX_TAGS
