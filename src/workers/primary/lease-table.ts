import type { Clock, FetchEnding, LeaseAnswer } from '../../model.ts'
import { LEASE_LIFE_MS } from '../../stores/lease-life.ts'

/** The answer to `take`, as it is sent to another process. */
export type Turn = { readonly kind: 'held'; readonly fence: number } | Exclude<LeaseAnswer, { kind: 'held' }>

interface Waiter {
  /** Number of the worker. */
  readonly worker: number
  settle(turn: Turn): void
}

interface Held {
  readonly worker: number
  readonly fence: number
  readonly waiting: Set<Waiter>
  /** When it was granted, by the clock. */
  readonly since: number
  /** Its holder may hang: the next to ask gets it. */
  isFree: boolean
}

/** How long to wait for the fetch of another. */
const MAX_WAIT_MS = 30_000

/** Which worker fetches which key, and who waits for it. Bounded by what workers may have in progress. */
export class LeaseTable {
  readonly #clock: Pick<Clock, 'after' | 'now'>
  readonly #maxWaitMs: number
  readonly #held = new Map<string, Held>()
  #fences = 0

  constructor(clock: Pick<Clock, 'after' | 'now'>, maxWaitMs: number = MAX_WAIT_MS) {
    this.#clock = clock
    this.#maxWaitMs = maxWaitMs
  }

  /** How many keys are being fetched. */
  get size(): number {
    return this.#held.size
  }

  /** The lease at once, or how the fetch of its holder ended. */
  take(key: string, worker: number): Promise<Turn> {
    const held = this.#held.get(key)
    return held === undefined || held.isFree
      ? Promise.resolve(this.#grant(key, worker, held?.waiting ?? new Set()))
      : new Promise((resolve) => this.#wait(held, worker, resolve))
  }

  release(key: string, fence: number, ending: FetchEnding): void {
    const held = this.#held.get(key)
    if (held?.fence !== fence) return
    this.#held.delete(key)
    for (const waiter of held.waiting) waiter.settle({ kind: ending })
  }

  /**
   * The worker does not answer: a lease that it has held for `LEASE_LIFE_MS` goes to whichever other worker has waited
   * longest, or else to the next to ask. If the worker was only slow, it knows by then that its leases are doubtful.
   */
  reassignFrom(worker: number): void {
    const now = this.#clock.now()
    for (const [key, held] of this.#held) {
      if (held.worker !== worker || now - held.since < LEASE_LIFE_MS) continue
      const next = [...held.waiting].find((waiter) => waiter.worker !== worker)
      if (next === undefined) held.isFree = true
      else next.settle(this.#grant(key, next.worker, held.waiting))
    }
  }

  /** The worker is gone: its leases go to whoever has waited longest. */
  leave(worker: number): void {
    for (const [key, { worker: holder, waiting }] of this.#held) {
      for (const waiter of waiting) if (waiter.worker === worker) waiter.settle({ kind: 'unavailable' })
      if (holder === worker) this.#reassign(key, waiting)
    }
  }

  #reassign(key: string, waiting: Set<Waiter>): void {
    const [next] = waiting
    if (next === undefined) this.#held.delete(key)
    else next.settle(this.#grant(key, next.worker, waiting))
  }

  #grant(key: string, worker: number, waiting: Set<Waiter>): Turn {
    const fence = ++this.#fences
    this.#held.set(key, { worker, fence, waiting, since: this.#clock.now(), isFree: false })
    return { kind: 'held', fence }
  }

  #wait({ waiting }: Held, worker: number, settle: (turn: Turn) => void): void {
    const waiter: Waiter = {
      worker,
      settle(turn) {
        cancel()
        waiting.delete(waiter)
        settle(turn)
      },
    }
    const cancel = this.#clock.after(this.#maxWaitMs, () => waiter.settle({ kind: 'unavailable' }))
    waiting.add(waiter)
  }
}
