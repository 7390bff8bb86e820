/** `k6/timers`. */
export const setTimeout = (run: () => void, ms: number): NodeJS.Timeout => globalThis.setTimeout(run, ms)
