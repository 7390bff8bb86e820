import type { Anew, Awaitable, Kept, Store } from '../../model.ts'

/** What comes of what stands at a key: at once, where the store answers at once. */
export function withStored<T>(store: Store, key: string, use: (kept: Kept) => Awaitable<T>, anew?: Anew): Awaitable<T> {
  const stored = store.get(key, anew)
  return stored instanceof Promise ? stored.then(use) : use(stored)
}
