import type { Pressure, Signal } from '../../model.ts'

export interface EngineLimits {
  /** Requests that may wait for an origin at once, collapsed ones included; any more get a stale copy or a 503. */
  readonly maxWaiting: number
}

/** For a caller that has already left: there is no slot to free. */
const NOTHING_TO_FREE = (): void => {}

/** Load shedding: counts waiting callers, and decides when origins may no longer be asked. */
export class Shedding {
  readonly #maxWaiting: number
  readonly #pressure: Pressure | undefined
  #waiting = 0
  readonly #answered = (): void => {
    this.#waiting--
  }

  /** @param pressure whether memory is short */
  constructor({ maxWaiting }: EngineLimits, pressure?: Pressure) {
    this.#maxWaiting = maxWaiting
    this.#pressure = pressure
  }

  /** Callers still connected and waiting for an answer. */
  get waiting(): number {
    return this.#waiting
  }

  get isMemoryShort(): boolean {
    return this.#pressure?.high === true
  }

  /** Why origins may not be asked now; undefined if they may. */
  overloadReason(): string | undefined {
    if (this.#waiting >= this.#maxWaiting) return 'too many requests are waiting'
    return this.isMemoryShort ? 'memory is short' : undefined
  }

  counted<T>(answer: Promise<T>, leaving?: Signal): Promise<T> {
    const free = this.takeSlot(leaving)
    answer.then(free, free)
    return answer
  }

  /**
   * Counts one more waiting caller, until it leaves or the returned function is called.
   * @param leaving aborted when the caller leaves; may already be aborted, and may outlive the wait by far
   */
  takeSlot(leaving?: Signal): () => void {
    if (leaving?.aborted) return NOTHING_TO_FREE
    this.#waiting++
    if (leaving === undefined) return this.#answered
    let isHeld = true
    const free = (): void => {
      if (!isHeld) return
      isHeld = false
      this.#waiting--
      leaving.removeEventListener('abort', free)
    }
    leaving.addEventListener('abort', free)
    return free
  }
}
