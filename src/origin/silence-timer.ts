import type { Clock } from '../model.ts'

/**
 * Detects that the other side has been silent for too long. Touching it for every chunk costs a clock reading, not a
 * new timer, and so does a new watch: a timer that fires early is set again for the rest.
 */
export interface SilenceTimer {
  /**
   * Begins a watch, in place of the one before.
   * @param limitMs of silence
   * @param totalMs for the watch as a whole, however often it is touched, and also on hold
   */
  start(limitMs: number, totalMs?: number): void
  /** The other side gave a sign of life; also ends a hold. */
  touch(): void
  /** Silence is not the other side's fault for now: only the limit for the whole watch still applies. */
  hold(): void
  /** Ends the watch. A timer that is set may serve the next one. */
  rest(): void
  /** Ends the watch, and leaves no timer pending. */
  stop(): void
}

/** Why a watch has expired: the other side was silent, or went on without end. */
export type TimeoutReason = 'silent' | 'endless'

/** A timer that fires later than this, in ms, shows that the process was stalled, and read nothing meanwhile. */
const STOOD_STILL_MS = 100
/** Once the limit is reached, any lateness counts: timers run before input that has arrived is read. */
const LATE_MS = 0

/**
 * Time in which the process was stalled (a blocked event loop, a paused machine) is not held against the other side,
 * whose response may be waiting to be read: once per silence, the watch is extended by as much, but not past its end.
 * @param expired called once per watch
 */
export function createSilenceTimer(clock: Clock, expired: (why: TimeoutReason) => void): SilenceTimer {
  let limit = Number.POSITIVE_INFINITY
  let due = Number.POSITIVE_INFINITY
  let end = Number.POSITIVE_INFINITY
  let cancel: (() => void) | undefined
  let firesAt = Number.POSITIVE_INFINITY
  let excused = false

  const fireIn = (delayMs: number, now: number) => {
    firesAt = now + delayMs
    cancel = clock.after(delayMs, fire)
  }
  const fire = () => {
    cancel = undefined
    if (due === Number.POSITIVE_INFINITY) return
    const now = clock.now()
    if (now >= end) return expire('endless')
    const lateMs = now - firesAt
    if (lateMs > (due > now ? STOOD_STILL_MS : LATE_MS) && !excused) {
      excused = true
      due = Math.min(end, Math.max(due, now + Math.min(lateMs, limit)))
    }
    // On hold the end may be hours away: so long a timer would keep a watch in memory long after it has ended.
    if (due > now) fireIn(Math.min(due - now, limit), now)
    else expire('silent')
  }
  const expire = (why: TimeoutReason) => {
    rest()
    expired(why)
  }
  const rest = () => {
    limit = Number.POSITIVE_INFINITY
    due = Number.POSITIVE_INFINITY
    end = Number.POSITIVE_INFINITY
  }
  return {
    start(limitMs, totalMs = Number.POSITIVE_INFINITY) {
      const now = clock.now()
      limit = limitMs
      end = now + totalMs
      excused = false
      due = Math.min(now + limitMs, end)
      if (cancel !== undefined && firesAt <= due) return
      cancel?.()
      fireIn(due - now, now)
    },
    touch() {
      if (limit === Number.POSITIVE_INFINITY) return
      const now = clock.now()
      excused = false
      due = Math.min(now + limit, end)
      if (cancel === undefined) fireIn(limit, now)
    },
    hold() {
      due = end
    },
    rest,
    stop() {
      cancel?.()
      cancel = undefined
      rest()
    },
  }
}
