/** Keys as callers in JavaScript may give them. */
import { isList, shown } from '../../given.ts'

/** What is no text has no length, and the memory it takes could not be counted. */
export const noKey = (key: unknown): TypeError => new TypeError(`expected a string as key, got ${typeof key}`)

/** @throws TypeError for what is no list, and for what in it is no key */
export function keysOf(keys: readonly string[]): readonly string[] {
  if (!isList(keys)) throw new TypeError(`expected a list of keys, got ${shown(keys)}`)
  for (const key of keys) if (typeof key !== 'string') throw noKey(key)
  return keys
}
