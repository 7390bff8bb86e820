/** Aborted by a signal to this program, which has to end its child processes first: exiting would leave them behind. */
export function interruptionBySignals(): AbortSignal {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupted.abort(new Error(`ended by ${signal}`)))
  }
  return interrupted.signal
}
