import type { Clock } from './model.ts'

export const LATE = Symbol('late')

/**
 * The value of each promise, or LATE if it takes longer than `ms`. The promises must not reject. If the event loop was
 * blocked, answers that have arrived by then still count.
 */
export function within<T>(promises: readonly Promise<T>[], ms: number, clock: Clock): Promise<(T | typeof LATE)[]> {
  if (promises.length === 0) return Promise.resolve([])
  const { promise: result, resolve } = Promise.withResolvers<(T | typeof LATE)[]>()
  const values: (T | typeof LATE)[] = promises.map(() => LATE)
  let missing = promises.length
  const end = (): void => resolve([...values])
  const cancel = clock.after(ms, () => void setImmediate(end)) // sockets are read before setImmediate callbacks run
  const take = (value: T, at: number): void => {
    values[at] = value
    missing--
    if (missing > 0) return
    cancel()
    end()
  }
  for (const [at, promise] of promises.entries()) void promise.then((value) => take(value, at))
  return result
}
