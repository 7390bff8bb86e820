/**
 * What the end of `check-process.ts` says of the file. It is a process of its own because a damaged file may crash it;
 * one that could not be started, or was ended by somebody, says nothing.
 */
import type { SpawnSyncReturns } from 'node:child_process'

/** Exit code of `check-process.ts` for a damaged file: EX_DATAERR of sysexits, which Node itself does not use. */
export const DAMAGED = 65

const CRASHES: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP'])

/** Signals for reading a mapped page that is gone or corrupted. A process whose heap is full aborts instead. */
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
