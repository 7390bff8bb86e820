import type { Clock } from '../../../src/model.ts'
import type { Credentials, Representation } from './resources.ts'
import type { Ask } from './steps.ts'

/** An answer of the origin that told its current state. `began`, `answered`, `completed`: places in the order of all. */
export interface Exchange extends Representation {
  readonly status: number
  readonly method: string
  readonly by: Credentials | undefined
  /** The request forbade storing. */
  readonly notToStore: boolean
  readonly began: number
  readonly answered: number
  /** Epoch milliseconds. */
  readonly beganAt: number
  readonly answeredAt: number
  /** When its content ended; absent if it has not, or broke off. */
  completed?: number
}

/** A response that a client has got. */
export interface Reply {
  readonly ask: Ask
  /** Its If-None-Match. */
  readonly condition: string | undefined
  readonly asked: number
  readonly answered: number
  /** Epoch milliseconds. */
  readonly at: number
  readonly status: number
  readonly etag: string | undefined
  readonly contentRange: string | undefined
  readonly result: string
  readonly detail: string | undefined
  readonly cacheStatus: string
  content: string
  /** Its content broke off. */
  broken: boolean
  /** Another request for the path was with the origin when this one came. */
  readonly busy: boolean
}

export interface Removal {
  readonly kind: 'purge' | 'invalidate'
  /** Absent: all. */
  readonly path: string | undefined
  readonly asked: number
  acknowledged: number
}

/** Of the origin. */
export interface Failure {
  readonly path: string
  readonly place: number
  /** Epoch milliseconds. */
  readonly at: number
}

export type Begun = Pick<Exchange, 'began' | 'beganAt'>

/** All that has happened, in one order. */
export class History {
  readonly exchanges: Exchange[] = []
  readonly replies: Reply[] = []
  readonly removals: Removal[] = []
  readonly failures: Failure[] = []
  readonly #clock: Clock
  #place = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  next(): number {
    return ++this.#place
  }

  /** The origin is asked. */
  begun(): Begun {
    return { began: this.next(), beganAt: this.#clock.now() }
  }

  answered(known: Omit<Exchange, 'answered' | 'answeredAt'>): Exchange {
    const exchange = { ...known, answered: this.next(), answeredAt: this.#clock.now() }
    this.exchanges.push(exchange)
    return exchange
  }

  fail(path: string): void {
    this.failures.push({ path, place: this.next(), at: this.#clock.now() })
  }

  remove(kind: Removal['kind'], path: string | undefined): Removal {
    const removal = { kind, path, asked: this.next(), acknowledged: Number.POSITIVE_INFINITY }
    this.removals.push(removal)
    return removal
  }
}
