/** Checks of keys, as JavaScript callers may pass anything. */
import { isList, shown } from '../../given.ts'

/** A key that is not a string has no length, so its memory could not be counted. */
export const invalidKey = (key: unknown): TypeError => new TypeError(`expected a string as key, got ${typeof key}`)

/**
 * A copy: the caller may change its list while stores are being read.
 * @throws TypeError if it is not an array of strings
 */
export function keysOf(keys: readonly string[]): readonly string[] {
  if (!isList(keys)) throw new TypeError(`expected a list of keys, got ${shown(keys)}`)
  const copy = [...keys]
  for (const key of copy) if (typeof key !== 'string') throw invalidKey(key)
  return copy
}
