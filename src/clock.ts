import type { Clock } from './model.ts'

/** At hand: the global of that name is looked up anew with every use, which takes as long as reading the clock. */
const { performance } = globalThis
const STARTED_AT = performance.timeOrigin
/** 24 days. A timer for longer would run at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

/**
 * The process's clock: wall time when the process began plus a monotonic count, so that a correction of the
 * machine's clock neither expires nor revives anything.
 */
export const systemClock: Clock = {
  now: () => STARTED_AT + performance.now(),
  wall: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(delayMs, LONGEST_DELAY_MS))
    timer.unref()
    return () => clearTimeout(timer)
  },
}

const SECOND_MS = 1_000

/**
 * Added to a time of the process's clock it makes one of the machine's, as other processes understand it. In whole
 * seconds, so that it is 0 as long as the machine's clock has not been corrected.
 */
export const correctionOf = (clock: Clock): number =>
  clock.wall === undefined ? 0 : Math.round((clock.wall() - clock.now()) / SECOND_MS) * SECOND_MS
