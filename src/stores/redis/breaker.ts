import type { Clock } from '../../model.ts'

export interface Breaker {
  readonly isOpen: boolean
  /** May it be tried now? If so, the caller has to say how it ended: `succeeded` or `failed`. */
  admits(): boolean
  succeeded(): void
  failed(why: string): void
  /** There is reason to think that it works again: the next caller may try. */
  expectSuccess(): void
}

export interface BreakerOptions {
  /** This many failures in a row open it. */
  readonly failures: number
  /** How long it is open at first; twice as long after each trial that fails. In milliseconds. */
  readonly openMs: number
  readonly longestOpenMs: number
  readonly clock: Clock
  /** From 0 to 1: keeps processes from trying at the same moments. */
  readonly random: () => number
  /** It opened, or it closed again. */
  readonly changed: (isOpen: boolean, why: string) => void
}

/**
 * Stops attempts at what keeps failing, without making anybody wait: while it is open, one caller at a time may find
 * out whether it works again.
 */
export function createBreaker({ failures, openMs, longestOpenMs, clock, random, changed }: BreakerOptions): Breaker {
  let inARow = 0
  let opened = 0
  let openUntil: number | undefined
  let isTrying = false

  const open = (): void => {
    const ms = Math.min(openMs * 2 ** opened, longestOpenMs)
    opened++
    openUntil = clock.now() + ms * (0.5 + random() / 2)
  }

  return {
    get isOpen() {
      return openUntil !== undefined
    },
    admits() {
      if (openUntil === undefined) return true
      if (isTrying || clock.now() < openUntil) return false
      isTrying = true
      return true
    },
    succeeded() {
      inARow = 0
      if (openUntil === undefined) return
      openUntil = undefined
      opened = 0
      isTrying = false
      changed(false, 'it answers')
    },
    failed(why) {
      inARow++
      if (openUntil !== undefined) {
        if (!isTrying) return // begun before it opened
        isTrying = false
        open()
      } else if (inARow >= failures) {
        open()
        changed(true, why)
      }
    },
    expectSuccess() {
      if (openUntil !== undefined) openUntil = clock.now()
    },
  }
}
