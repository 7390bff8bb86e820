/** The tags a response is purged by. */
import { type Fields, fieldLines, trimmed } from '../fields.ts'
import type { Rules } from '../model.ts'
import { groupsOf, groupTag } from './groups.ts'
import { LONGEST_TAG, MOST_TAGS } from './tag-caps.ts'

export type Tags = { readonly ok: true; readonly tags: readonly string[] } | { readonly ok: false }

/** Fields that carry tags for caches; they are not passed on. Cache-Groups is, and so is not among them. */
const TAG_FIELDS: ReadonlyMap<string, RegExp> = new Map([
  ['surrogate-key', /[ \t]+/],
  ['cache-tag', /,/],
  ['xkey', /[ \t]+/],
])

const NAMING_TAGS = new Set([...TAG_FIELDS.keys(), 'cache-groups'])
const UNTAGGED: Tags = { ok: true, tags: [] }

export const isTagField = (name: string): boolean => TAG_FIELDS.has(name)

/**
 * The response's own tags and the route's, each once, and its groups both by name, for whoever purges, and as those
 * of its origin. Not ok when there are more or longer ones than can be kept:
 * a response that could not be purged by all its tags must not be stored.
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
  const tooLong = [...tags].some((tag) => tag.length > LONGEST_TAG) // a character of a received field is an octet
  if (tooLong || tags.size > MOST_TAGS) return { ok: false }
  return { ok: true, tags: [...tags, ...new Set(groups.map((group) => groupTag(url, group)))] }
}

/**
 * The tags of a stored response whose fields are updated: those it has, as the update need not repeat them, and those
 * that come with the update.
 * @param stored tags of the stored response
 */
export function updatedTags(url: string, stored: readonly string[], update: Fields, rules: Rules): Tags {
  const brought = tagsOf(url, update, rules)
  if (!brought.ok) return brought
  const tags = [...new Set([...stored, ...brought.tags])]
  return tags.length > MOST_TAGS_OF_UPDATED ? { ok: false } : { ok: true, tags }
}

/**
 * Tags, and with them how those outside ASCII stand in responses whose origin sends them in UTF-8: fields are octets, each
 * of which is read as a single character.
 */
export function withSpellings(tags: readonly string[]): readonly string[] {
  return tags.every((tag) => PLAIN.test(tag)) ? tags : tags.flatMap(spellingsOf)
}

const PLAIN = /^[ -~]*$/

function spellingsOf(tag: string): string[] {
  const received = Buffer.from(tag).toString('latin1')
  return received === tag ? [tag] : [tag, received]
}

/** Nearly all responses name none; their fields are not written in lower case for that. */
function namesTags(fields: Fields): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    if (TAGGING_SHAPES.has(shapeOf(name)) && NAMING_TAGS.has(name.toLowerCase())) return true
  }
  return false
}

/** Length and last letter, in either case: what Content-Type, Cache-Control and ETag do not share with a field of tags. */
const shapeOf = (name: string): number => (name.length << 8) | name.charCodeAt(name.length - 1) | 0x20

const TAGGING_SHAPES = new Set([...NAMING_TAGS].map(shapeOf))

/** Groups have two each. An origin that names other ones with each update is asked for a new response in time. */
const MOST_TAGS_OF_UPDATED = 2 * MOST_TAGS
