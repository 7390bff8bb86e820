import type { Signal } from '../../model.ts'

export interface Pressure {
  readonly high: boolean
}

export interface EngineLimits {
  /** Requests that may wait for an origin at once, collapsed ones included; any more get a stale copy or a 503. */
  readonly maxWaiting?: number | undefined
}

const MOST_WAITING = 10_000

/** Who has left holds no slot to be freed. */
const LEFT = (): void => {}

/** Counts those who wait for an answer, and says when no more may be asked of origins. */
export class Shedding {
  readonly #maxWaiting: number
  readonly #pressure: Pressure | undefined
  #waiting = 0
  readonly #answered = (): void => {
    this.#waiting--
  }

  /** @param pressure whether memory is short */
  constructor({ maxWaiting = MOST_WAITING }: EngineLimits = {}, pressure?: Pressure) {
    this.#maxWaiting = maxWaiting
    this.#pressure = pressure
  }

  /** Questions whose answer is being waited for by somebody who is still there. */
  get waiting(): number {
    return this.#waiting
  }

  get isMemoryShort(): boolean {
    return this.#pressure?.high === true
  }

  /** Why no more may be asked of origins now; undefined: they may be asked. */
  tooMuch(): string | undefined {
    if (this.#waiting >= this.#maxWaiting) return 'too many requests are waiting'
    return this.isMemoryShort ? 'memory is short' : undefined
  }

  counted<T>(answer: Promise<T>, leaving?: Signal): Promise<T> {
    const free = this.slot(leaving)
    answer.then(free, free)
    return answer
  }

  /**
   * One more who waits, until it leaves or what is returned is called.
   * @param leaving aborted when it leaves; it may have left, and may outlive the wait by far
   */
  slot(leaving?: Signal): () => void {
    if (leaving?.aborted) return LEFT
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
