import { codeOf, HerdgateError } from '../../errors.ts'
import {
  type Clock,
  type Detail,
  type Entry,
  type ForwardReason,
  type InvalidationLog,
  type Outcome,
  outcomeOfError,
  type Written,
} from '../../model.ts'
import type { Landed, LandedEntry } from './landing.ts'
import type { Question } from './question.ts'
import { direct, failure, type Forward, type Pass, type Resolution, served } from './resolution.ts'

/** What may be said to the one for whom the origin was asked, or could not be, as the log stands by then. */
export class Answers {
  readonly #log: InvalidationLog
  readonly #clock: Clock

  constructor(log: InvalidationLog, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /**
   * What was fetched at the asker's own request.
   * @param written what is known of its being stored
   * @param now when it landed, or later
   */
  fetched<E extends Entry, D>(
    why: ForwardReason,
    landed: LandedEntry<E>,
    written: Written,
    originMs: number | undefined,
    now = this.#clock.now(),
  ): Resolution<E, D> {
    const { entry, status: fwdStatus, validated } = landed
    const ttlMs = entry.freshUntil - now
    const stored = written !== 'lost' && now < entry.keepUntil && this.#log.verdict(entry) === 'valid'
    const result = validated ? 'revalidated' : 'miss'
    return { kind: 'entry', entry, outcome: { result, fwd: why, fwdStatus, stored, ttlMs, originMs } }
  }

  /** The stale copy in place of a slow origin. */
  whileSlow<E extends Entry, D>(decision: Forward<E> | Pass<E>): Resolution<E, D> | undefined {
    return this.#stale(decision, 'stale', 'soft-timeout')
  }

  /** The stale copy in place of an origin that failed, with this status if it has one. */
  onError<E extends Entry, D>(decision: Forward<E> | Pass<E>, fwdStatus?: number): Resolution<E, D> | undefined {
    return this.#stale(decision, 'stale_if_error', 'stale-if-error', fwdStatus)
  }

  /** The answer of an origin that says that it failed, or the stale copy in its place. */
  failed<E extends Entry, D>(
    question: Question<E, D>,
    decision: Forward<E> | Pass<E>,
    { reply, status }: Extract<Landed<E, D>, { kind: 'failed' }>,
    outcome: Outcome,
  ): Resolution<E, D> {
    const stale = this.onError<E, D>(decision, status)
    if (stale === undefined) return direct(reply, outcome)
    question.discard(reply)
    return stale
  }

  /** There is no answer: the stale copy, or what was thrown. `joined`: it was another's fetch. */
  staleOrError<E extends Entry, D>(decision: Forward<E> | Pass<E>, thrown: unknown, joined: boolean): Resolution<E, D> {
    const stale = this.onError<E, D>(decision)
    if (stale !== undefined) return stale
    return failure(thrown, { ...outcomeOfError(codeOf(thrown)), fwd: decision.why, collapsed: joined })
  }

  /** More is not asked of origins now. */
  shed<E extends Entry, D>(decision: Forward<E> | Pass<E>, why: string): Resolution<E, D> {
    return this.staleOrError(decision, new HerdgateError('overloaded', why), false)
  }

  /** The copy as an answer, where it may be one: it must not have been purged, nor its window have ended, meanwhile. */
  #stale<E extends Entry, D>(
    decision: Forward<E> | Pass<E>,
    result: 'stale' | 'stale_if_error',
    detail: Detail,
    fwdStatus?: number,
  ): Resolution<E, D> | undefined {
    const { fallback } = decision
    const now = this.#clock.now()
    if (fallback === undefined || now >= fallback.until || this.#log.verdict(fallback.entry) === 'dead')
      return undefined
    if (result === 'stale' && !this.#wouldKnow(fallback.entry)) return undefined
    const answer: Resolution<E, D> = served(fallback.entry, result, now, detail)
    return fwdStatus === undefined ? answer : { ...answer, outcome: { ...answer.outcome, fwdStatus } }
  }

  /**
   * Would the log say if the copy had been purged? Where it would not, only a failure of the origin excuses its use.
   */
  #wouldKnow(entry: Entry): boolean {
    return this.#log.synced && this.#log.holds(entry)
  }
}
