import type { Values } from './get-or-set.ts'

export interface Namespace extends Values {
  /** Forgets everything in the namespace; the rest stays. */
  clear(): Promise<void>
}

/** A view of the values whose keys begin with `name/`. */
export function namespaceOf(name: string, values: Values, clear: () => Promise<void>): Namespace {
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
