import cluster, { type Worker } from 'node:cluster'
import { messageOf } from '../../errors.ts'

/**
 * Starts a process that runs the module of the pool. One that cannot be started, as for want of an executable or of
 * memory, has never begun, so it does not end either.
 * @param failed called later, once, with the reason why it could not be started
 * @returns undefined when it could not be started
 */
export function fork(failed: (why: string) => void): Worker | undefined {
  let worker: Worker
  try {
    worker = cluster.fork()
  } catch (error) {
    process.nextTick(failed, messageOf(error))
    return undefined
  }
  if (worker.process.pid !== undefined) return worker
  delete cluster.workers?.[worker.id] // it would stay there for good
  let isReported = false
  worker.on('error', (error: unknown) => {
    if (!isReported) failed(messageOf(error))
    isReported = true
  })
  return undefined
}
