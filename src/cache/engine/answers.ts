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

/** Builds the resolution once the origin has answered, failed or could not be asked, as the log allows by then. */
export class Answers {
  readonly #log: InvalidationLog
  readonly #clock: Clock

  constructor(log: InvalidationLog, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /**
   * An entry that was fetched by the caller's own request.
   * @param written what is known so far about storing it
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

  /** The stale copy in place of an origin that failed, with its status if it answered. */
  onError<E extends Entry, D>(decision: Forward<E> | Pass<E>, fwdStatus?: number): Resolution<E, D> | undefined {
    return this.#stale(decision, 'stale_if_error', 'stale-if-error', fwdStatus)
  }

  /** The origin's error response, or the stale copy in its place. */
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

  /** For a fetch without an answer: the stale copy, or what was thrown. `joined`: the fetch was another caller's. */
  staleOrError<E extends Entry, D>(decision: Forward<E> | Pass<E>, thrown: unknown, joined: boolean): Resolution<E, D> {
    const stale = this.onError<E, D>(decision)
    if (stale !== undefined) return stale
    return failure(thrown, { ...outcomeOfError(codeOf(thrown)), fwd: decision.why, collapsed: joined })
  }

  /** Load shedding: the stale copy, or an `overloaded` error. */
  shed<E extends Entry, D>(decision: Forward<E> | Pass<E>, why: string): Resolution<E, D> {
    return this.staleOrError(decision, new HerdgateError('overloaded', why), false)
  }

  /** The copy as an answer, unless a purge or invalidation, or the end of its window, has forbidden that meanwhile. */
  #stale<E extends Entry, D>(
    decision: Forward<E> | Pass<E>,
    result: 'stale' | 'stale_if_error',
    detail: Detail,
    fwdStatus?: number,
  ): Resolution<E, D> | undefined {
    const { fallback } = decision
    const now = this.#clock.now()
    if (fallback === undefined || now >= fallback.until || !this.#isUsable(fallback.entry)) return undefined
    if (result === 'stale' && !this.#knowsOfPurges(fallback.entry)) return undefined
    const answer: Resolution<E, D> = served(fallback.entry, result, now, detail)
    return fwdStatus === undefined ? answer : { ...answer, outcome: { ...answer.outcome, fwdStatus } }
  }

  /** An invalidated copy may, unless it must be revalidated once it is stale. */
  #isUsable(copy: Entry): boolean {
    const verdict = this.#log.verdict(copy)
    return copy.mustRevalidate ? verdict === 'valid' : verdict !== 'dead'
  }

  /** Whether a purge of the copy would be known here. If not, only a failure of the origin justifies using it. */
  #knowsOfPurges(entry: Entry): boolean {
    return this.#log.synced && this.#log.holds(entry)
  }
}
