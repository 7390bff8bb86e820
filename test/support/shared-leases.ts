import type { FetchLeases, Lease, LeaseAnswer } from '../../src/model.ts'

/** Leases for several caches in one process. */
export function sharedLeases(): FetchLeases & { readonly held: number } {
  const waiting = new Map<string, ((answer: LeaseAnswer) => void)[]>()
  let fence = 0

  const lease = (key: string): Lease => {
    waiting.set(key, [])
    return {
      fence: ++fence,
      release(ending) {
        const waiters = waiting.get(key) ?? []
        waiting.delete(key)
        for (const wake of waiters) wake({ kind: ending })
      },
    }
  }

  return {
    get held() {
      return waiting.size
    },
    take(key) {
      const waiters = waiting.get(key)
      if (waiters === undefined) return Promise.resolve({ kind: 'held', lease: lease(key) })
      return new Promise((resolve) => waiters.push(resolve))
    },
    close() {},
  }
}
