import type { Anew, Awaitable, Kept } from '../../model.ts'
import type { Reads } from './reads.ts'

/** Applies `use` to what is stored under a key; synchronously if the store is synchronous. */
export function withStored<T>(store: Reads, key: string, use: (kept: Kept) => Awaitable<T>, anew?: Anew): Awaitable<T> {
  const stored = store.get(key, anew)
  return stored instanceof Promise ? stored.then(use) : use(stored)
}
