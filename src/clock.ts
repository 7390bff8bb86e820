import type { Clock } from './model.ts'

/** At hand: the global of that name is looked up anew with every use, which takes as long as reading the clock. */
const { performance } = globalThis
const STARTED_AT = performance.timeOrigin

/**
 * The process's clock: wall time when the process began plus a monotonic count, so that a correction of the
 * machine's clock neither expires nor revives anything.
 */
export const systemClock: Clock = {
  now: () => STARTED_AT + performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
