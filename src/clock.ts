import type { Clock } from './model.ts'

/** A constant: looking up the global on every use would take as long as reading the clock. */
const { performance } = globalThis
const STARTED_AT = performance.timeOrigin
/** 24 days. A longer timer would fire immediately. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

/**
 * The process's clock: wall-clock time when the process began plus monotonic time since, so that setting the machine's
 * clock neither expires nor revives anything.
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

/** Epoch milliseconds by the machine's clock. */
export const wallTime = (clock: Clock): number => clock.wall?.() ?? clock.now()

/**
 * Milliseconds to add to a time by this process's clock to get one since the machine started, which all processes of
 * the machine have in common, whenever they began and however its clock is set.
 */
export const TO_UPTIME_MS = Number(process.hrtime.bigint()) / 1e6 - systemClock.now()

const SECOND_MS = 1_000

/**
 * Milliseconds to add to a time by the process's clock to get one by the machine's, which other processes understand.
 * In whole seconds, so that it is 0 as long as the machine's clock has not been set.
 */
export const correctionOf = (clock: Clock): number =>
  Math.round((wallTime(clock) - clock.now()) / SECOND_MS) * SECOND_MS
