/**
 * What the end of `check-process.ts` says of the file. That a damaged one takes the process down is why it is a process; but one
 * that could not be started, or that somebody ended, has said nothing.
 */
import type { SpawnSyncReturns } from 'node:child_process'

/** Status `check-process.ts` ends with when the file is damaged. Node itself has none like it: EX_DATAERR of sysexits. */
export const DAMAGED = 65

const CRASHES: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP'])

/** Ends a process that reads a mapped page which is gone, or has in it what it should not. One whose heap is full aborts instead. */
export const isMemoryFault = (signal: string): boolean => signal === 'SIGBUS' || signal === 'SIGSEGV'

export type CheckResult = 'sound' | 'damaged' | { readonly unknown: string }

export function checkResultOf({
  error,
  signal,
  status,
}: Pick<SpawnSyncReturns<unknown>, 'error' | 'signal' | 'status'>): CheckResult {
  if (error !== undefined) return { unknown: error.message }
  if (signal !== null) return CRASHES.has(signal) ? 'damaged' : { unknown: `its check was ended by ${signal}` }
  if (status === 0) return 'sound'
  return status === DAMAGED ? 'damaged' : { unknown: `its check ended with ${status}` }
}
