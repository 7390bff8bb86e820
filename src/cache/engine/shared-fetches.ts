/**
 * Fetches for all who ask meanwhile, one per key: whom they may answer, how they are launched, what follows when they
 * have landed.
 *
 * A fetch belongs to the cache, not to the request that started it. It is stamped with the invalidation log's position
 * from before it began, so whatever is appended while it runs outdates what it stores.
 */
import type { Events } from '../../events.ts'
import type { Beginning, Clock, Entry, FetchLeases, ForwardReason, Found, InvalidationLog, Store } from '../../model.ts'
import { type AnyFlight, Flight, type Flights } from './flights.ts'
import { begin, discard, failedWith, type Landed, type LandedEntry } from './landing.ts'
import { lookup } from './lookup.ts'
import type { LoadContext, Question } from './question.ts'
import type { Forward } from './resolution.ts'
import { beginningAt } from './stamp.ts'
import type { Storing } from './storing.ts'
import { takeTurn } from './turn.ts'

export interface SharedFetchesParts {
  readonly store: Store
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly events: Events
  readonly flights: Flights
  readonly storing: Storing
  /** Whose turn it is to fetch, where others use the store too. */
  readonly leases: FetchLeases | undefined
}

/** Whether a stored copy is better than knowing that this answer was for one asker alone. */
const leavesPrevious = <E extends Entry>(
  { passing, aside }: { readonly passing?: boolean | undefined; readonly aside?: boolean | undefined },
  { previous, keepPrevious }: LoadContext<E>,
): boolean => (passing === true && keepPrevious) || (aside === true && previous !== undefined)

/** Whether a copy may stand in for an origin that fails, for others, even if not for who asks now. */
const isOfUse = ({ mustRevalidate, staleIfErrorUntil }: Entry, now: number): boolean =>
  !mustRevalidate && now < staleIfErrorUntil

/** A failed fetch answers those who come right after it too: for as long as it took, within these bounds, in ms. */
const FAILURE_SHARED_FOR = { least: 250, most: 5_000 }

/** Whatever range is asked for, a whole copy is checked as a whole. */
function apartFor<E extends Entry, D>(question: Question<E, D>, decision: Forward<E>): string {
  const isWhole = decision.kind === 'revalidate' && !question.isPart(decision.entry)
  return isWhole ? (question.apartWhole ?? question.apart) : question.apart
}

export class SharedFetches {
  readonly #store: Store
  readonly #log: InvalidationLog
  readonly #clock: Clock
  readonly #events: Events
  readonly #flights: Flights
  readonly #storing: Storing
  readonly #leases: FetchLeases | undefined

  constructor({ store, log, clock, events, flights, storing, leases }: SharedFetchesParts) {
    this.#store = store
    this.#log = log
    this.#clock = clock
    this.#events = events
    this.#flights = flights
    this.#storing = storing
    this.#leases = leases
  }

  /** A fetch in progress that will answer this question as well, or a new one. */
  join<E extends Entry, D>(
    question: Question<E, D>,
    found: Found<E>,
    decision: Forward<E>,
  ): { flight: Flight<E, D>; leads: boolean } {
    const apart = apartFor(question, decision)
    const { apartWhole = apart } = question
    const current =
      this.#joinable(found.key + apart, decision.why) ??
      (apartWhole === apart ? undefined : this.#joinable(found.key + apartWhole, decision.why))
    if (current !== undefined) return { flight: current as Flight<E, D>, leads: false }
    return { flight: this.#launch(question, found.key + apart, decision), leads: true }
  }

  /**
   * The fetch in progress at this key, if it answers all who ask now whatever it brings for everyone: it has not landed,
   * and nothing was invalidated since it began.
   */
  inProgress(key: string): AnyFlight | undefined {
    const flight = this.#flights.get(key)
    if (flight === undefined || flight.result !== undefined || flight.position !== this.#log.position) return undefined
    return this.#log.verdict(flight) === 'valid' ? flight : undefined
  }

  /** A background refresh: nobody waits for it. */
  refresh<E extends Entry, D>(question: Question<E, D>, foundAt: string, entry: E): void {
    const decision = { kind: 'revalidate', entry, why: 'stale', fallback: { entry, afterMs: undefined } } as const
    const key = foundAt + apartFor(question, decision)
    if (this.#flights.get(key) !== undefined) return
    const flight = this.#launch(question, key, decision, true)
    void flight.landed.then((landed) => discard(question, landed))
  }

  #joinable(key: string, why: ForwardReason): AnyFlight | undefined {
    const flight = this.#flights.get(key)
    return flight !== undefined && this.#mayJoin(flight, why) ? flight : undefined
  }

  #mayJoin(flight: AnyFlight, why: ForwardReason): boolean {
    const { result } = flight
    if (result?.kind === 'direct') return false
    if (result?.kind === 'entry') {
      // Its head has come: what must be checked with the origin, or is stale by now, is not for newcomers.
      const isFresh = this.#clock.now() < result.entry.freshUntil
      return why !== 'request' && isFresh && this.#log.verdict(result.entry) === 'valid'
    }
    return this.#log.verdict(flight) === 'valid'
  }

  #launch<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    decision: Forward<E>,
    background = false,
  ): Flight<E, D> {
    const beginning = beginningAt(this.#log, this.#clock.now())
    const flight = new Flight<E, D>(question.url, beginning, background)
    this.#flights.put(key, flight)
    flight.launched(
      this.#leases === undefined
        ? this.#fly(question, key, flight, decision, beginning)
        : this.#flyInTurn(this.#leases, question, key, flight, decision),
    )
    return flight
  }

  /** Loads, and at the response's head starts what has to follow: storing, remembering, forgetting. Never rejects. */
  #fly<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    flight: Flight<E, D>,
    decision: Forward<E>,
    beginning: Beginning,
  ): Promise<Landed<E, D>> {
    const context = this.#contextOf(decision, flight, beginning)
    return begin(question, context).then(
      (landed) => this.#settle(question, key, flight, decision, context, landed),
      (thrown: unknown) => this.#settle(question, key, flight, decision, context, failedWith(thrown)),
    )
  }

  /** The same when it is this process's turn; meanwhile another who shares the store may have asked the origin. */
  async #flyInTurn<E extends Entry, D>(
    leases: FetchLeases,
    question: Question<E, D>,
    key: string,
    flight: Flight<E, D>,
    decision: Forward<E>,
  ): Promise<Landed<E, D>> {
    try {
      const elsewhere = await this.#fromElsewhere(leases, question, key, flight, decision)
      if (elsewhere === undefined) {
        return await this.#fly(question, key, flight, decision, beginningAt(this.#log, this.#clock.now()))
      }
      flight.result = elsewhere
      this.#flights.leave(flight)
      return this.#reported(question, flight, decision, elsewhere)
    } catch (thrown) {
      return this.#abandoned(question, flight, decision, thrown)
    }
  }

  /** What follows from how it ended; whatever goes wrong with that is how it ended. */
  #settle<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    flight: Flight<E, D>,
    decision: Forward<E>,
    context: LoadContext<E>,
    landed: Landed<E, D>,
  ): Landed<E, D> {
    try {
      const now = this.#clock.now()
      flight.result = landed
      flight.tookMs = now - flight.startedAt
      this.#follow(question, key, flight, context, landed, now)
      return this.#reported(question, flight, decision, landed)
    } catch (thrown) {
      return this.#abandoned(question, flight, decision, thrown)
    }
  }

  #follow<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    flight: Flight<E, D>,
    context: LoadContext<E>,
    landed: Landed<E, D>,
    now: number,
  ): void {
    switch (landed.kind) {
      case 'entry':
        return this.#storing.keep(question, landed.entry, key, { flight }, now)
      case 'direct':
        if (!leavesPrevious(landed, context)) this.#rememberUnshareable(key, flight)
        void flight.lease?.release('unshared')
        return this.#leaveSoon(flight, context.previous !== undefined)
      case 'failed': // an answer all the same: what is not to be stored is for those who waited, not for later ones
        void flight.lease?.release('unshared')
        return this.#leaveSoon(flight, context.keepPrevious)
      case 'error':
        void flight.lease?.release('unshared')
        return this.#leaveSoon(flight, true)
    }
  }

  /** Waits for the turn to ask the origin; meanwhile another who shares the store may have asked it. */
  async #fromElsewhere<E extends Entry, D>(
    leases: FetchLeases,
    question: Question<E, D>,
    key: string,
    flight: Flight<E, D>,
    decision: Forward<E>,
  ): Promise<LandedEntry<E> | undefined> {
    const past = decision.kind === 'revalidate' ? decision.entry : undefined
    const turn = await takeTurn(leases, key, async () => {
      const now = this.#clock.now()
      const anew = { past, generation: this.#log.generation }
      const found = await lookup(this.#store, this.#log, question, now, this.#store.get(question.key, anew), anew)
      const latest = question.decide(found, now)
      return latest.kind === 'serve' ? latest.entry : undefined
    })
    if (turn.kind === 'found') {
      return { kind: 'entry', entry: turn.entry, status: 200, validated: false, elsewhere: true }
    }
    flight.lease = turn.lease
    return undefined
  }

  #contextOf<E extends Entry>(
    decision: Forward<E>,
    { background }: AnyFlight | Flight<E, unknown>,
    beginning: Beginning,
  ): LoadContext<E> {
    const previous = decision.kind === 'revalidate' ? this.#alive(decision.entry) : undefined
    return {
      previous,
      doubted: false,
      part: decision.kind === 'fetch' ? this.#alive(decision.part) : undefined,
      keepPrevious:
        previous !== undefined && (decision.fallback !== undefined || isOfUse(previous, beginning.startedAt)),
      shared: true,
      beginning,
      signal: undefined,
      background,
      why: decision.why,
    }
  }

  /** A purge since the look-up has taken the copy: it may not be confirmed back to life. */
  #alive<E extends Entry>(entry: E | undefined): E | undefined {
    return entry !== undefined && this.#log.verdict(entry) !== 'dead' ? entry : undefined
  }

  /** In the place of a copy that the answer replaces, but not of anything newer. */
  #rememberUnshareable(key: string, flight: AnyFlight): void {
    const isNewest = this.#flights.get(key) === flight && this.#log.verdict(flight) === 'valid'
    if (isNewest) void this.#storing.rememberUnshareable(key, flight)
  }

  /** A failure keeps its place for a while, so that the next requests share it instead of repeating it in a row. */
  #leaveSoon(flight: AnyFlight, holds: boolean): void {
    if (!holds) return this.#flights.leave(flight)
    const took = this.#clock.now() - flight.startedAt
    const holdFor = Math.min(Math.max(took, FAILURE_SHARED_FOR.least), FAILURE_SHARED_FOR.most)
    this.#clock.after(holdFor, () => this.#flights.leave(flight))
  }

  #abandoned<E extends Entry, D>(
    question: Question<E, D>,
    flight: Flight<E, D>,
    decision: Forward<E>,
    thrown: unknown,
  ): Landed<E, D> {
    this.#flights.leave(flight)
    void flight.lease?.release('unshared')
    return this.#reported(question, flight, decision, failedWith(thrown))
  }

  #reported<E extends Entry, D>(
    question: Question<E, D>,
    { background }: Flight<E, D>,
    decision: Forward<E>,
    landed: Landed<E, D>,
  ): Landed<E, D> {
    if (decision.kind === 'revalidate') this.#reportRevalidation(question, landed, background)
    return landed
  }

  #reportRevalidation<E extends Entry, D>(question: Question<E, D>, landed: Landed<E, D>, background: boolean): void {
    const failed = landed.kind === 'error' || landed.kind === 'failed'
    const outcome = failed ? 'error' : landed.kind === 'entry' && landed.validated ? 'not_modified' : 'replaced'
    this.#events.emit('revalidation', { route: question.route, mode: background ? 'background' : 'blocking', outcome })
  }
}
