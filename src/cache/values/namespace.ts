import { isList, isObject, shown } from '../../given.ts'
import type { ValueToSet } from './options.ts'
import type { Values } from './values.ts'

/** The values whose keys begin with the name of the namespace and `/`, without that in their keys. */
export interface Namespace extends Values {
  /**
   * Removes everything in the namespace, the key that equals its name, and keys that begin with the name and `?`.
   * Rejects if it could not be logged.
   */
  clear(): Promise<void>
}

/**
 * A view of the values whose keys begin with `name/`. `clear` is a purge by prefix, which includes the key `name` and
 * keys that begin with `name?`.
 * @throws RangeError if the name cannot be a prefix
 */
export function namespaceOf(name: string, values: Values, clear: () => Promise<void>): Namespace {
  if (typeof name !== 'string' || !/^[^/?](?:[^?]*[^/?])?$/.test(name)) {
    throw new RangeError(`expected a name without "?" that neither begins nor ends with "/", got ${shown(name)}`)
  }
  /** A key that is not a string is passed on unchanged, to be refused: prefixing would turn it into one. */
  const within = (key: string) => (typeof key === 'string' ? `${name}/${key}` : key)
  const allWithin = (keys: readonly string[]) => (isList(keys) ? keys.map(within) : keys)
  const entryWithin = (entry: ValueToSet) => (isObject(entry) ? { ...entry, key: within(entry.key) } : entry)
  return {
    getOrSet: (key, load, options) => values.getOrSet(within(key), load, options),
    get: (key) => values.get(within(key)),
    set: (key, value, options) => values.set(within(key), value, options),
    delete: (key) => values.delete(within(key)),
    has: (key) => values.has(within(key)),
    getMany: (keys) => values.getMany(allWithin(keys)),
    setMany: (entries) => values.setMany(isList(entries) ? entries.map(entryWithin) : entries),
    deleteMany: (keys) => values.deleteMany(allWithin(keys)),
    clear,
  }
}
