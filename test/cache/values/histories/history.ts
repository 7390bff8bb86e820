import type { Clock } from '../../../../src/model.ts'
import type { Call } from './steps.ts'

/** Checked options, in ms. */
export interface Rules {
  readonly ttl: number
  readonly grace: number
  readonly softTimeout: number | undefined
  readonly refreshAhead: number | undefined
  readonly tags: readonly string[]
}

/** One run of a caller's load, or a `set`. Of `began`, `ended`, `acknowledged`: places in the order of all. */
export interface Source {
  readonly by: 'load' | 'set'
  readonly key: string
  readonly node: number
  /** Of a load: the answer that its caller is waiting for, or has got. */
  readonly answer: Answer | undefined
  /** Of a load: the value that it was told it would replace. */
  readonly stale: unknown
  readonly began: number
  /** Epoch milliseconds. */
  readonly beganAt: number
  outcome: 'none yet' | 'value' | 'skipped' | 'failed'
  /** Its value, or what it threw. */
  value: unknown
  rules: Rules
  ended: number
  endedAt: number
  /** From then on it is certain what has become of it. */
  acknowledged: number
}

/** What one call has got for one key. */
export interface Answer {
  readonly call: Call
  readonly key: string
  readonly node: number
  readonly rules: Rules
  readonly asked: number
  /** Epoch milliseconds. */
  readonly askedAt: number
  /** The far store did not answer at some time during the call. */
  isFarHeld: boolean
  /** How many others waited for `getOrSet` of the same cache at most. */
  others: number
  isMemoryShort: boolean
  answered: number
  answeredAt: number
  /** The last place before the answer at which nothing was under way but loads and the far store. */
  decidedAfter: number
  outcome: 'none yet' | 'value' | 'thrown'
  /** Of `has` and `delete`: whether there was a value. */
  value: unknown
}

export interface Removal {
  readonly kind: 'purge' | 'invalidate'
  readonly names: (source: Pick<Source, 'key' | 'rules'>) => boolean
  readonly asked: number
  acknowledged: number
}

const NEVER = Number.POSITIVE_INFINITY

/** All that has happened, in one order. */
export class History {
  readonly sources: Source[] = []
  readonly answers: Answer[] = []
  readonly removals: Removal[] = []
  /** Reads of the far store have failed. */
  hasFailedReads = false
  readonly #clock: Clock
  #place = 0
  #settled = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  next(): number {
    return ++this.#place
  }

  /** All has been done that waits only for promises. */
  settled(): void {
    this.#settled = this.next()
  }

  loading(known: Pick<Source, 'key' | 'node' | 'answer' | 'stale' | 'rules'>): Source {
    return this.#begin({ ...known, by: 'load', value: undefined, outcome: 'none yet' })
  }

  ended(source: Source, result: Pick<Source, 'outcome' | 'value' | 'rules'>): void {
    Object.assign(source, result, { ended: this.next(), endedAt: this.#clock.now() })
  }

  setting(known: Pick<Source, 'key' | 'node' | 'value' | 'rules'>): Source {
    const source = this.#begin({ ...known, by: 'set', answer: undefined, stale: undefined, outcome: 'value' })
    this.ended(source, source)
    return source
  }

  asked(known: Pick<Answer, 'call' | 'key' | 'node' | 'rules' | 'isFarHeld' | 'others' | 'isMemoryShort'>): Answer {
    const times = { asked: this.next(), askedAt: this.#clock.now() }
    const none = { answered: NEVER, answeredAt: NEVER, decidedAfter: 0, outcome: 'none yet', value: undefined } as const
    const answer: Answer = { ...known, ...times, ...none }
    this.answers.push(answer)
    return answer
  }

  answered(answer: Answer, outcome: 'value' | 'thrown', value: unknown): void {
    const times = { answered: this.next(), answeredAt: this.#clock.now(), decidedAfter: this.#settled }
    Object.assign(answer, { ...times, outcome, value })
  }

  remove(kind: Removal['kind'], names: Removal['names']): Removal {
    const removal = { kind, names, asked: this.next(), acknowledged: NEVER }
    this.removals.push(removal)
    return removal
  }

  #begin(known: Omit<Source, 'began' | 'beganAt' | 'ended' | 'endedAt' | 'acknowledged'>): Source {
    const times = { began: this.next(), beganAt: this.#clock.now(), ended: NEVER, endedAt: NEVER, acknowledged: NEVER }
    const source: Source = { ...known, ...times }
    this.sources.push(source)
    return source
  }
}
