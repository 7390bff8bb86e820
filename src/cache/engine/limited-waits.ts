import type { Clock } from '../../model.ts'

/** Waiters for the same result, each with its own time limit. */
export interface LimitedWaits<T> {
  /** The result, or 'slow' if it takes longer than `afterMs` milliseconds. */
  within(afterMs: number, clock: Clock): Promise<T | 'slow'>
}

/**
 * A promise retains all its reactions until it settles, which may be never. Here waiters are released when their time
 * is up.
 * @param awaited does not reject
 */
export function limitedWaits<T>(awaited: Promise<T>): LimitedWaits<T> {
  let waiting: Set<(value: T) => void> | undefined = new Set()
  void awaited.then((value) => {
    for (const answered of waiting ?? []) answered(value)
    waiting = undefined
  })
  return {
    within(afterMs, clock) {
      const others = waiting
      if (others === undefined) return awaited
      return new Promise((resolve) => {
        const answered = (value: T) => {
          cancel()
          resolve(value)
        }
        const cancel = clock.after(afterMs, () => {
          others.delete(answered)
          resolve('slow')
        })
        others.add(answered)
      })
    },
  }
}
