/**
 * Shared fetches, one per key: whom they may answer, and how they are launched.
 *
 * A fetch belongs to the cache, not to the request that began it. It is stamped with the invalidation log's position
 * before it began, so a record appended while it runs is later than what it stores.
 */
import type { Clock, Entry, Found, InvalidationLog } from '../../model.ts'
import { type AnyFlight, Flight, type FlightKind, type Flights } from './flights.ts'
import { discard } from './landing.ts'
import { isUnshareable } from './lookup.ts'
import { isServed, type Question } from './question.ts'
import type { Forward } from './resolution.ts'
import { SharedFetch, type SharedFetchParts } from './shared-fetch.ts'
import { beginningAt } from './stamp.ts'

/**
 * The question's collapse partition (see `Question.apart`). A complete copy is revalidated as a whole, whatever range
 * is requested.
 */
export function apartFor<E extends Entry, D>(question: Question<E, D>, decision: Forward<E>): string {
  const isCompleteCopy = decision.kind === 'revalidate' && !question.isPart(decision.entry)
  return isCompleteCopy ? (question.apartWhole ?? question.apart) : question.apart
}

/** The decision for a background refresh of this copy. */
const refreshDecision = <E extends Entry>(entry: E) =>
  ({
    kind: 'revalidate',
    entry,
    why: 'stale',
    fallback: { entry, afterMs: undefined, until: entry.staleIfErrorUntil },
  }) as const

export class SharedFetches {
  readonly #log: InvalidationLog
  readonly #clock: Clock
  readonly #flights: Flights
  readonly #parts: SharedFetchParts

  constructor(parts: SharedFetchParts) {
    this.#log = parts.log
    this.#clock = parts.clock
    this.#flights = parts.flights
    this.#parts = parts
  }

  /** Whether other processes share the stores and take turns fetching with this one. */
  get areShared(): boolean {
    return this.#parts.leases !== undefined
  }

  /**
   * A fetch in progress that can answer this question too, or a new one.
   * @param mayEndStale whether a new one may end with a stale copy from elsewhere
   */
  join<E extends Entry, D>(
    question: Question<E, D>,
    found: Found<E>,
    decision: Forward<E>,
    mayEndStale: boolean,
  ): { flight: Flight<E, D>; leads: boolean } {
    const current = this.joinable(question, found, decision)
    if (current !== undefined) return { flight: current, leads: false }
    const key = found.key + apartFor(question, decision)
    return { flight: this.#launch(question, key, decision, { background: false, mayEndStale }), leads: true }
  }

  /** A fetch in progress that can answer this question too. */
  joinable<E extends Entry, D>(
    question: Question<E, D>,
    { key }: Found<E>,
    decision: Forward<E>,
  ): Flight<E, D> | undefined {
    const apart = apartFor(question, decision)
    const { apartWhole = apart } = question
    const current = this.#joinable(question, key, apart)
    return current ?? (apartWhole === apart ? undefined : this.#joinable(question, key, apartWhole))
  }

  /**
   * The fetch in progress for this key, if its result will also be valid for callers that arrive now: it has not
   * landed, and nothing was invalidated since it began.
   */
  inProgress(key: string): AnyFlight | undefined {
    const flight = this.#flights.get(key)
    if (flight === undefined || flight.result !== undefined || flight.changes !== this.#log.changes) return undefined
    return this.#log.verdict(flight) === 'valid' ? flight : undefined
  }

  /**
   * Background refresh. If answers to callers like this one are remembered as unshareable, it is made anonymously:
   * otherwise the copy would not be refreshed for as long as it may be served stale.
   */
  refresh<E extends Entry, D>(question: Question<E, D>, foundAt: string, entry: E): void {
    const key = foundAt + apartFor(question, refreshDecision(entry))
    if (key === foundAt) return this.#refreshOnce(question, foundAt, entry)
    const own = this.#flights.get(key)
    const isUnderWay = own !== undefined && own.result?.kind !== 'direct'
    if (isUnderWay || this.#flights.get(foundAt) !== undefined) return
    const begin = (isForCallerOnly: boolean) => {
      const forAnyone = isForCallerOnly ? question.forAnyone(entry) : undefined
      this.#refreshOnce(forAnyone ?? question, foundAt, entry)
    }
    const remembered = isUnshareable(this.#parts.store, this.#log, key, this.#clock.now())
    if (remembered instanceof Promise) void remembered.then(begin, () => begin(false))
    else begin(remembered)
  }

  #refreshOnce<E extends Entry, D>(question: Question<E, D>, foundAt: string, entry: E): void {
    const decision = refreshDecision(entry)
    const key = foundAt + apartFor(question, decision)
    if (this.#flights.get(key) !== undefined) return
    const flight = this.#launch(question, key, decision, { background: true, mayEndStale: false })
    void flight.landed.then((landed) => discard(question, landed))
  }

  #joinable<E extends Entry, D>(question: Question<E, D>, key: string, apart: string): Flight<E, D> | undefined {
    // The cast is safe: a door only ever joins flights of its own kind of entry.
    const flight = this.#flights.get(key + apart) as Flight<E, D> | undefined
    return flight !== undefined && this.#mayJoin(question, flight) ? flight : undefined
  }

  #mayJoin<E extends Entry, D>(question: Question<E, D>, flight: Flight<E, D>): boolean {
    const { result } = flight
    if (result?.kind === 'direct') return false
    if (result?.kind === 'entry') {
      // Its head has arrived: for new callers it is a copy like any other, which may need revalidation or be too old.
      const { entry } = result
      return this.#log.verdict(entry) === 'valid' && isServed(question, entry, this.#clock.now())
    }
    const stamp = (result?.kind === 'failed' ? result.shared : undefined) ?? flight
    return this.#log.verdict(stamp) === 'valid'
  }

  #launch<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    decision: Forward<E>,
    kind: FlightKind,
  ): Flight<E, D> {
    const { changes } = this.#log
    const beginning = beginningAt(this.#log, this.#clock.now())
    const previous = decision.kind === 'revalidate' ? decision.entry : undefined
    const flight = new Flight<E, D>(question.url, beginning, changes, kind, previous)
    this.#flights.put(key, flight)
    flight.launched(new SharedFetch(question, key, flight, decision, this.#parts).run(beginning))
    return flight
  }
}
