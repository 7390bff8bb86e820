import { HerdgateError } from '../errors.ts'
import type { Clock, Signal } from '../model.ts'
import { clientGone } from './failure.ts'

/** Limits how many requests are in progress at once; the others wait in a queue, first come, first served. */
export interface ConcurrencyLimit {
  /** Takes a place if one is free. */
  tryEnter(): boolean
  /**
   * Waits for a place. Every admitted caller must call leave() once.
   * @throws HerdgateError overloaded when the queue is full or the wait too long; client_gone on abort
   */
  enter(signal?: Signal): Promise<void>
  readonly leave: () => void
  readonly usage: () => { inFlight: number; queued: number }
  /** Resolves when nothing is in progress or in the queue. */
  idle(): Promise<void>
  /** Another limit on the same places and queue. From now on these options hold, for both together. */
  successor(limits: ConcurrencyLimitOptions): ConcurrencyLimit
}

export interface ConcurrencyLimitOptions {
  /** In progress at once. */
  readonly places: number
  /** In the queue at once. */
  readonly queue: number
  /** Longest wait in the queue, in milliseconds. */
  readonly waitMs: number
}

interface Waiter {
  admit(): void
}

export function createConcurrencyLimit(limits: ConcurrencyLimitOptions, clock: Clock): ConcurrencyLimit {
  return limitOn(new Room(limits), clock)
}

/** The places, and the queue for them. */
class Room {
  limits: ConcurrencyLimitOptions
  /** A set keeps the order of arrival and allows removal from anywhere in the queue. */
  readonly waiting = new Set<Waiter>()
  #taken = 0

  constructor(limits: ConcurrencyLimitOptions) {
    this.limits = limits
  }

  take(): boolean {
    if (this.#taken >= this.limits.places) return false
    this.#taken += 1
    return true
  }

  release(): void {
    this.#taken -= 1
    this.admitWaiting()
  }

  /** Synchronous, so that no newcomer slips in between. */
  admitWaiting(): void {
    for (const next of this.waiting) {
      if (!this.take()) return
      next.admit()
    }
  }
}

/** Counts only what has entered through it; other limits may share the room. */
function limitOn(room: Room, clock: Clock): ConcurrencyLimit {
  const idleListeners: (() => void)[] = []
  let inFlight = 0
  let queued = 0

  function wait(signal: Signal | undefined): Promise<void> {
    const { waitMs } = room.limits
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        room.waiting.delete(waiter)
        queued -= 1
        cancel()
        signal?.removeEventListener('abort', aborted)
        finish()
        notifyIdle()
      }
      const admitted = () => {
        inFlight += 1
        resolve()
      }
      const waiter: Waiter = { admit: () => settle(admitted) }
      const aborted = () => settle(() => reject(clientGone()))
      const expired = () => settle(() => reject(overloaded(`no free slot within ${waitMs} ms`)))
      const cancel = clock.after(waitMs, expired)
      signal?.addEventListener('abort', aborted)
      room.waiting.add(waiter)
      queued += 1
    })
  }

  function tryEnter(): boolean {
    const isAdmitted = room.take()
    if (isAdmitted) inFlight += 1
    return isAdmitted
  }

  const isIdle = (): boolean => inFlight === 0 && queued === 0
  const notifyIdle = (): void => {
    if (isIdle()) for (const done of idleListeners.splice(0)) done()
  }

  return {
    tryEnter,
    async enter(signal) {
      if (signal?.aborted) throw clientGone()
      if (tryEnter()) return
      const { size } = room.waiting
      if (size >= room.limits.queue) throw overloaded(`${size} requests are waiting already`)
      await wait(signal)
    },
    leave() {
      inFlight -= 1
      room.release()
      notifyIdle()
    },
    usage: () => ({ inFlight, queued }),
    idle: () => (isIdle() ? Promise.resolve() : new Promise((resolve) => idleListeners.push(resolve))),
    successor(limits) {
      room.limits = limits
      room.admitWaiting()
      return limitOn(room, clock)
    },
  }
}

const overloaded = (message: string): HerdgateError => new HerdgateError('overloaded', message)
