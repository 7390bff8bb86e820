import type { Awaitable, Kept, Store } from '../../model.ts'

/** What comes of what stands at a key: at once, where the store answers at once. */
export function withStored<T>(store: Store, key: string, use: (kept: Kept) => Awaitable<T>): Awaitable<T> {
  const stored = store.get(key)
  return stored instanceof Promise ? stored.then(use) : use(stored)
}
