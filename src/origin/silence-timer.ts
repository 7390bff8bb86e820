import type { Clock } from '../model.ts'

/**
 * Tells when the other side has been silent for too long. Being touched for every chunk costs a clock reading, not
 * a new timer: one that fires early is set again for the rest.
 */
export interface SilenceTimer {
  /** Begins a watch of `limitMs`, in place of the one before. */
  start(limitMs: number): void
  /** The other side gave a sign of life; also ends a hold. */
  touch(): void
  /** The silence is not the other side's doing for now. */
  hold(): void
  stop(): void
}

/** @param expired called once per watch */
export function createSilenceTimer(clock: Clock, expired: () => void): SilenceTimer {
  let limit = Number.POSITIVE_INFINITY
  let due = Number.POSITIVE_INFINITY
  let cancel: (() => void) | undefined

  const fire = () => {
    cancel = undefined
    if (due === Number.POSITIVE_INFINITY) return
    const left = due - clock.now()
    if (left > 0) cancel = clock.after(left, fire)
    else {
      due = Number.POSITIVE_INFINITY
      expired()
    }
  }
  const stop = () => {
    cancel?.()
    cancel = undefined
    limit = Number.POSITIVE_INFINITY
    due = Number.POSITIVE_INFINITY
  }
  return {
    start(limitMs) {
      stop()
      limit = limitMs
      due = clock.now() + limitMs
      cancel = clock.after(limitMs, fire)
    },
    touch() {
      if (limit === Number.POSITIVE_INFINITY) return
      due = clock.now() + limit
      cancel ??= clock.after(limit, fire)
    },
    hold() {
      due = Number.POSITIVE_INFINITY
    },
    stop,
  }
}
