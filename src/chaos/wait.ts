import { HerdgateError } from '../errors.ts'
import type { Clock, Signal } from '../model.ts'

/**
 * Resolves after `ms` milliseconds; at once for 0.
 * @throws HerdgateError `client_gone` as soon as the signal is aborted
 */
export async function wait(ms: number, clock: Clock, signal?: Signal): Promise<void> {
  if (signal?.aborted) throw new HerdgateError('client_gone')
  if (ms <= 0) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const leave = (): void => reject(new HerdgateError('client_gone'))
  const cancel = clock.after(ms, resolve)
  signal?.addEventListener('abort', leave)
  try {
    await promise
  } finally {
    cancel()
    signal?.removeEventListener('abort', leave)
  }
}
