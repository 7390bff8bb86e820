import { shown } from '../../given.ts'
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
  const within = (key: string) => `${name}/${key}`
  return {
    getOrSet: (key, load, options) => values.getOrSet(within(key), load, options),
    get: (key) => values.get(within(key)),
    set: (key, value, options) => values.set(within(key), value, options),
    delete: (key) => values.delete(within(key)),
    has: (key) => values.has(within(key)),
    getMany: (keys) => values.getMany(keys.map(within)),
    setMany: (entries) => values.setMany(entries.map((entry) => ({ ...entry, key: within(entry.key) }))),
    deleteMany: (keys) => values.deleteMany(keys.map(within)),
    clear,
  }
}
