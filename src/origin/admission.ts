import { HerdgateError } from '../errors.ts'
import type { Clock, Signal } from '../model.ts'
import { clientGone } from './failure.ts'

/** How many may be in progress at once; the others wait in line, first come, first served. */
export interface Admission {
  /** Takes a place if one is free. */
  enterAtOnce(): boolean
  /**
   * Waits for a place. Every admitted caller must leave() once.
   * @throws HerdgateError overloaded when the line is full or the wait too long; client_gone on abort
   */
  enter(signal?: Signal): Promise<void>
  readonly leave: () => void
  readonly usage: () => { inFlight: number; queued: number }
  /** Resolves when nobody is in progress or in line. */
  idle(): Promise<void>
}

export interface AdmissionLimits {
  /** In progress at once. */
  readonly places: number
  /** In line at once. */
  readonly line: number
  /** Longest wait in line, in milliseconds. */
  readonly waitMs: number
}

interface Waiter {
  admit(): void
}

export function createAdmission(limits: AdmissionLimits, clock: Clock): Admission {
  // A set keeps the order of arrival and lets go from anywhere in the line.
  const waiting = new Set<Waiter>()
  const idlers: (() => void)[] = []
  let inFlight = 0

  function wait(signal: Signal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        waiting.delete(waiter)
        cancel()
        signal?.removeEventListener('abort', aborted)
        finish()
      }
      const waiter: Waiter = { admit: () => settle(resolve) }
      const aborted = () => settle(() => reject(clientGone()))
      const expired = () => settle(() => reject(overloaded(`no place within ${limits.waitMs} ms`)))
      const cancel = clock.after(limits.waitMs, expired)
      signal?.addEventListener('abort', aborted)
      waiting.add(waiter)
    })
  }

  function enterAtOnce(): boolean {
    if (inFlight >= limits.places) return false
    inFlight += 1
    return true
  }

  return {
    enterAtOnce,
    async enter(signal) {
      if (signal?.aborted) throw clientGone()
      if (enterAtOnce()) return
      if (waiting.size >= limits.line) throw overloaded(`${waiting.size} requests are waiting already`)
      // The place of the one who leaves passes to the waiter, so that no newcomer slips in between.
      await wait(signal)
    },
    leave() {
      const [next] = waiting
      if (next !== undefined) return next.admit()
      inFlight -= 1
      if (inFlight === 0) for (const done of idlers.splice(0)) done()
    },
    usage: () => ({ inFlight, queued: waiting.size }),
    idle: () => (inFlight === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve))),
  }
}

const overloaded = (message: string): HerdgateError => new HerdgateError('overloaded', message)
