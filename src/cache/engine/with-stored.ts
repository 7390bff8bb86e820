import type { Anew, Awaitable, Kept } from '../../model.ts'
import type { Reads } from './looks.ts'

/** What comes of what stands at a key: at once, where the store answers at once. */
export function withStored<T>(store: Reads, key: string, use: (kept: Kept) => Awaitable<T>, anew?: Anew): Awaitable<T> {
  const stored = store.get(key, anew)
  return stored instanceof Promise ? stored.then(use) : use(stored)
}
