import type { Clock } from '../../model.ts'

/** Those who wait for the same, each for a time of its own. */
export interface LimitedWaits<T> {
  /** What it comes to, or 'slow' when that takes more than `afterMs` milliseconds. */
  within(afterMs: number, clock: Clock): Promise<T | 'slow'>
}

/**
 * A promise would hold on to everyone who has ever waited for it until it is settled, which may be never. Here those
 * who have waited long enough are let go of.
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
