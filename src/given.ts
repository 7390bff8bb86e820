/** What callers in JavaScript give where their types say something else. */

const LONGEST = 80

/** What was given where something else was expected, for the text of an error: short, and never an error itself. */
export function shown(given: unknown): string {
  const text = textOf(given)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text
}

/** What has fields by name: no list, and not null. */
export function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null && !isList(given)
}

/** Every option there is. */
export type Names<Options> = Readonly<Record<keyof Options, true>>

/**
 * An option of another name would be taken for one that is not given.
 * @param known those there are, by name
 * @param whose options they are
 * @throws TypeError for what is no object, and for a name that is not known
 */
export function checkNames(given: unknown, known: Readonly<Record<string, unknown>>, whose: string): void {
  if (!isObject(given)) throw new TypeError(`expected an object as options of ${whose}, got ${shown(given)}`)
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || Object.hasOwn(known, name)) continue
    throw new TypeError(`expected ${Object.keys(known).join(', ')} as options of ${whose}, got ${shown(name)}`)
  }
}

function textOf(given: unknown): string {
  switch (typeof given) {
    case 'string':
      return JSON.stringify(given.slice(0, LONGEST + 1))
    case 'function':
      return 'a function'
    case 'object':
      return given === null ? 'null' : isList(given) ? 'a list' : 'an object'
    default:
      return String(given)
  }
}

export function isList(given: unknown): given is readonly unknown[] {
  try {
    return Array.isArray(given)
  } catch {
    return false // a proxy that was revoked
  }
}

/**
 * What is listed is measured, and named to the invalidation log.
 * @throws TypeError saying which list is none of strings
 */
export function strings(what: string, list: readonly string[]): readonly string[] {
  if (isList(list) && list.every((name) => typeof name === 'string')) return list
  throw new TypeError(`expected ${what} as a list of strings`)
}

/**
 * Tags, for things to have or to be purged by. An empty one comes of text that is missing: nothing has it, so that a
 * purge by it would seem to be done and do nothing.
 * @throws TypeError where it is no list of strings, RangeError where one of them is empty
 */
export function tagList(list: readonly string[]): readonly string[] {
  const tags = strings('tags', list)
  if (tags.includes('')) throw new RangeError('expected tags that are not empty')
  return tags
}
