/** Checks of arguments that JavaScript callers may pass in spite of their types. */

const LONGEST = 80

/** An unexpected argument as text for an error message: short, and never throws. */
export function shown(given: unknown): string {
  const text = textOf(given)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text
}

/** An object that is neither an array nor null. */
export function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null && !isList(given)
}

/** Whether it is an object with functions of these names. */
export const hasFunctions = (given: unknown, names: readonly string[]): boolean =>
  isObject(given) && names.every((name) => typeof (given as Record<string, unknown>)[name] === 'function')

/** The names of all options. */
export type Names<Options> = Readonly<Record<keyof Options, true>>

/**
 * Checks for unknown option names: a misspelt option would otherwise go unnoticed.
 * @param known the valid options, by name
 * @param whose the function the options are for
 * @throws TypeError if `given` is not an object or has an unknown option
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
    return false // a revoked proxy
  }
}

/**
 * Checks a list of strings: its items are measured and passed on to the invalidation log.
 * @throws TypeError naming the list if it is not one of strings
 */
export function strings(what: string, list: readonly string[]): readonly string[] {
  if (isList(list) && list.every((name) => typeof name === 'string')) return list
  throw new TypeError(`expected ${what} as a list of strings`)
}

/**
 * Tags to store or purge by. An empty tag is usually a missing value: no entry can have it, so a purge by it would
 * appear to succeed and do nothing.
 * @throws TypeError if it is not a list of strings, RangeError if one of them is empty
 */
export function tagList(list: readonly string[]): readonly string[] {
  const tags = strings('tags', list)
  if (tags.includes('')) throw new RangeError('expected tags that are not empty')
  return tags
}
