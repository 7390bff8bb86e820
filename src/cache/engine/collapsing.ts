/**
 * Request collapsing: one fetch for many callers. The caller that began it gets its answer, and so does every caller
 * that joined it and may share that answer.
 */
import type { EventPayloads, Events } from '../../events.ts'
import type { Clock, Detail, Entry, Found, InvalidationLog, Stamp } from '../../model.ts'
import type { Answers } from './answers.ts'
import type { AnyFlight, Flight } from './flights.ts'
import { discard, type Landed, type LandedEntry } from './landing.ts'
import { isServed, type Question } from './question.ts'
import { collapsed, direct, existingEntry, type Forward, type Pass, type Resolution, served } from './resolution.ts'
import type { SharedFetches } from './shared-fetches.ts'

export interface CollapsingParts {
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly events: Events
  readonly fetches: SharedFetches
  readonly answers: Answers
}

/** The answer; or, if a waiter may not have it: look again, or ask the origin for this waiter only. */
export type Collapsed<E extends Entry, D> = Resolution<E, D> | { readonly kind: 'look-again' } | Pass<E>

/** Attempts of a caller that may not have what it waited for; after the last one it asks the origin itself. */
const MAX_ATTEMPTS = 3

export class Collapsing {
  readonly #log: InvalidationLog
  readonly #clock: Clock
  readonly #events: Events
  readonly #fetches: SharedFetches
  readonly #answers: Answers

  constructor({ log, clock, events, fetches, answers }: CollapsingParts) {
    this.#log = log
    this.#clock = clock
    this.#events = events
    this.#fetches = fetches
    this.#answers = answers
  }

  /**
   * Waits for a fetch, begun for this question or an earlier one.
   * @param attempt how often the question has been looked up
   */
  answer<E extends Entry, D>(
    question: Question<E, D>,
    found: Found<E>,
    decision: Forward<E>,
    attempt: number,
  ): Promise<Collapsed<E, D>> {
    const changesOnArrival = this.#log.changes
    const { flight, leads } = this.#fetches.join(question, found, decision, attempt === 1)
    const answered = (landed: Landed<E, D>): Collapsed<E, D> =>
      leads
        ? this.#answerLeader(question, decision, flight, landed, attempt)
        : this.#answerWaiter(question, decision, flight, landed, changesOnArrival, attempt)
    const afterMs = decision.fallback?.afterMs
    if (afterMs === undefined) return flight.landed.then(answered)
    const arrivedAt = this.#clock.now()
    const limited = (landed: Landed<E, D>): Collapsed<E, D> =>
      leads ? answered(landed) : this.#withinLimit(answered(landed), arrivedAt)
    return flight.limited.within(afterMs, this.#clock).then((landed) => {
      if (landed !== 'slow') return limited(landed)
      const stale = this.#answers.whileSlow<E, D>(decision)
      if (stale === undefined) return flight.landed.then(limited)
      if (leads) void flight.landed.then((late) => discard(question, late))
      else this.#report(question, 'timeout')
      return stale
    })
  }

  #answerLeader<E extends Entry, D>(
    question: Question<E, D>,
    decision: Forward<E>,
    { written, landedAt, tookMs: originMs }: Flight<E, D>,
    landed: Landed<E, D>,
    attempt: number,
  ): Collapsed<E, D> {
    const fwd = decision.why
    switch (landed.kind) {
      case 'entry': {
        if (landed.elsewhere === 'stale') return this.#lookAgain(question, decision, attempt)
        if (landed.elsewhere === 'before') return served(landed.entry, 'hit', this.#clock.now())
        if (landed.elsewhere === 'meanwhile') {
          return this.#reused(question, { kind: 'entry', entry: landed.entry, outcome: collapsed(fwd) })
        }
        return this.#answers.fetched(fwd, landed, written, originMs, landedAt)
      }
      case 'direct':
        return direct(landed.reply, { result: 'miss', fwd, fwdStatus: landed.status, detail: landed.why, originMs })
      case 'failed': {
        const { status: fwdStatus, why: detail } = landed
        return this.#answers.failed(question, decision, landed, { result: 'miss', fwd, fwdStatus, detail, originMs })
      }
      case 'error':
        return this.#answers.staleOrError(decision, landed.thrown, false)
    }
  }

  #answerWaiter<E extends Entry, D>(
    question: Question<E, D>,
    decision: Forward<E>,
    flight: Flight<E, D>,
    landed: Landed<E, D>,
    changesOnArrival: number,
    attempt: number,
  ): Collapsed<E, D> {
    switch (landed.kind) {
      case 'entry':
        if (landed.elsewhere === 'stale' || !this.#isRecentEnough(question, landed)) {
          return this.#lookAgain(question, decision, attempt)
        }
        if (this.#mayAnswer(landed.entry, flight, changesOnArrival) && question.mayShare(landed.entry)) {
          return this.#reused(question, { kind: 'entry', entry: landed.entry, outcome: collapsed(decision.why) })
        }
        return this.#refetched(question, decision, attempt)
      case 'direct':
        return this.#toPass(question, decision, landed.why)
      case 'failed': {
        const stale = this.#answers.onError<E, D>(decision)
        if (stale !== undefined) return this.#reused(question, stale)
        if (landed.shared === undefined || !question.mayShareReply(landed.reply)) {
          return this.#toPass(question, decision)
        }
        if (!this.#mayAnswer(landed.shared, flight, changesOnArrival)) {
          return this.#refetched(question, decision, attempt)
        }
        return this.#reused(question, direct(landed.reply, collapsed(decision.why)))
      }
      case 'error':
        return this.#reused(question, this.#answers.staleOrError(decision, landed.thrown, true))
    }
  }

  /** A waiter that now asks the origin itself has used up part of the time that it waits. */
  #withinLimit<E extends Entry, D>(answer: Collapsed<E, D>, arrivedAt: number): Collapsed<E, D> {
    if (answer.kind !== 'pass' || answer.fallback?.afterMs === undefined) return answer
    const afterMs = Math.max(0, answer.fallback.afterMs - (this.#clock.now() - arrivedAt))
    return { ...answer, fallback: { ...answer.fallback, afterMs } }
  }

  /**
   * Whether a response may be given to a request that arrived when the log had `changesOnArrival` changes: always if no
   * record took effect between the fetch's beginning and that arrival, otherwise only if none since the beginning names
   * it.
   */
  #mayAnswer(response: Stamp, flight: AnyFlight, changesOnArrival: number): boolean {
    return changesOnArrival === flight.changes || this.#log.verdict(response) === 'valid'
  }

  /**
   * What another process had stored suited the caller for whom it was looked up; to this one it is a copy like any
   * other, which may be older than its request allows.
   */
  #isRecentEnough<E extends Entry, D>(question: Question<E, D>, { entry, elsewhere }: LandedEntry<E>): boolean {
    return elsewhere === undefined || isServed(question, entry, this.#clock.now())
  }

  #refetched<E extends Entry, D>(question: Question<E, D>, decision: Forward<E>, attempt: number): Collapsed<E, D> {
    if (attempt === 1) this.#report(question, 'refetched')
    return this.#lookAgain(question, decision, attempt)
  }

  #lookAgain<E extends Entry, D>(question: Question<E, D>, decision: Forward<E>, attempt: number): Collapsed<E, D> {
    return attempt < MAX_ATTEMPTS ? { kind: 'look-again' } : this.#toPass(question, decision)
  }

  #reused<E extends Entry, D>(question: Question<E, D>, resolution: Resolution<E, D>): Resolution<E, D> {
    this.#report(question, 'reused')
    return resolution
  }

  /** The awaited answer was for another caller only: each waiter asks the origin itself, in parallel. */
  #toPass<E extends Entry, D>(question: Question<E, D>, decision: Forward<E>, detail?: Detail): Pass<E> {
    this.#report(question, 'refetched')
    const { why, fallback } = decision
    return { kind: 'pass', why, detail, fallback, existing: existingEntry(decision) }
  }

  #report<E extends Entry, D>({ route }: Question<E, D>, outcome: EventPayloads['collapse']['outcome']): void {
    this.#events.emit('collapse', { route, outcome })
  }
}
