import type { Clock } from '../model.ts'

export const LATE = Symbol('late')

/**
 * What a promise comes to, if that is in time. The promise must not reject. Where the process was held up, an answer
 * that has come in by then still counts.
 */
export function within<T>(promise: Promise<T>, ms: number, clock: Clock): Promise<T | typeof LATE> {
  const { promise: result, resolve } = Promise.withResolvers<T | typeof LATE>()
  const cancel = clock.after(ms, () => void setImmediate(() => resolve(LATE))) // sockets are read before that
  void promise.then((value) => {
    cancel()
    resolve(value)
  })
  return result
}
