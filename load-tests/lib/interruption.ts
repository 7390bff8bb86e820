/** Aborted by a signal to this program, which then ends what it has started: it would be left behind by one that just ends. */
export function interruptionBySignals(): AbortSignal {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupted.abort(new Error(`ended by ${signal}`)))
  }
  return interrupted.signal
}
