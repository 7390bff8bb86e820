import cluster, { type Worker } from 'node:cluster'

/**
 * A process that runs the module of the pool. Where there is none, for want of an executable, of memory or of what else
 * it takes, it does not end either: it has never begun.
 * @param failed told later, once, why there is none
 * @returns undefined when there is none
 */
export function fork(failed: (why: string) => void): Worker | undefined {
  let worker: Worker
  try {
    worker = cluster.fork()
  } catch (error) {
    process.nextTick(failed, wordsOf(error))
    return undefined
  }
  if (worker.process.pid !== undefined) return worker
  delete cluster.workers?.[worker.id] // it stays there until its process ends
  let isTold = false
  worker.on('error', (error: unknown) => {
    if (!isTold) failed(wordsOf(error))
    isTold = true
  })
  return undefined
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
