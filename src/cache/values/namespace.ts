import { isList, isObject, shown } from '../../given.ts'
import type { ValueToSet } from './options.ts'
import type { Values } from './values.ts'

export interface Namespace extends Values {
  /** Forgets everything in the namespace; the rest stays. */
  clear(): Promise<void>
}

/**
 * A view of the values whose keys begin with `name/`. `clear` is a purge by prefix: it takes the key `name` along.
 * @throws RangeError when the name is none that a prefix can have
 */
export function namespaceOf(name: string, values: Values, clear: () => Promise<void>): Namespace {
  if (typeof name !== 'string' || !/^[^/?](?:[^?]*[^/?])?$/.test(name)) {
    throw new RangeError(`expected a name without "?" that neither begins nor ends with "/", got ${shown(name)}`)
  }
  /** What is no key stays what it is, for the values to refuse: with a name before it, it would be one. */
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
