import type { Events } from '../../events.ts'
import {
  type Anew,
  type Beginning,
  type Clock,
  type Decision,
  type Entry,
  type FetchLeases,
  type Found,
  type InvalidationLog,
  isNewer,
  type Store,
} from '../../model.ts'
import type { Flight, Flights } from './flights.ts'
import { isInUse } from './in-use.ts'
import { begin, failedWith, type Landed, type LandedEntry } from './landing.ts'
import { lookup } from './lookup.ts'
import type { Placing } from './placing.ts'
import type { LoadContext, Question } from './question.ts'
import { existingEntry, type Forward } from './resolution.ts'
import { beginningAt } from './stamp.ts'
import type { Storing } from './storing.ts'
import { takeTurn } from './turn.ts'

export interface SharedFetchParts {
  readonly store: Store
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly events: Events
  readonly flights: Flights
  readonly storing: Storing
  readonly placing: Placing
  /** Fetch leases, if other processes use the store too. */
  readonly leases: FetchLeases | undefined
}

/** Whether to keep the stored copy rather than replace it by an unshareable marker. */
const leavesPrevious = <E extends Entry>(
  { transient, leavesCopy }: { readonly transient?: boolean | undefined; readonly leavesCopy?: boolean | undefined },
  { previous, keepPrevious }: LoadContext<E>,
): boolean => (transient === true && keepPrevious) || (leavesCopy === true && previous !== undefined)

/**
 * Whether what another process has stored, although it has to be revalidated, is to be used rather than the copy at
 * hand: that is older, or there is none.
 * @param decision the one for it
 */
export function isBetterStale<E extends Entry>(
  found: Found<E>,
  { kind }: Decision<E>,
  { past, generation }: Anew,
): boolean {
  if (found.kind === 'nothing' || (kind !== 'revalidate' && kind !== 'serve-stale')) return false
  return past === undefined || isNewer(found.entry, past, generation)
}

/** A failed fetch also answers the next callers: for as long as it took, within these bounds, in ms. */
const FAILURE_SHARED_FOR = { least: 250, most: 5_000 }

/** Runs a flight, from its launch to what follows its landing. */
export class SharedFetch<E extends Entry, D> {
  readonly #question: Question<E, D>
  /** Key the flight was launched under. */
  readonly #key: string
  readonly #flight: Flight<E, D>
  readonly #decision: Forward<E>
  readonly #parts: SharedFetchParts

  constructor(
    question: Question<E, D>,
    key: string,
    flight: Flight<E, D>,
    decision: Forward<E>,
    parts: SharedFetchParts,
  ) {
    this.#question = question
    this.#key = key
    this.#flight = flight
    this.#decision = decision
    this.#parts = parts
  }

  /** Never rejects. */
  run(beginning: Beginning): Promise<Landed<E, D>> {
    const { leases } = this.#parts
    return leases === undefined ? this.#load(beginning) : this.#loadInTurn(leases)
  }

  /** Loads when it is this process's turn, unless another process has stored the result meanwhile. */
  async #loadInTurn(leases: FetchLeases): Promise<Landed<E, D>> {
    const { log, clock, flights } = this.#parts
    try {
      const elsewhere = await this.#fromElsewhere(leases)
      if (elsewhere === undefined) return await this.#load(beginningAt(log, clock.now()))
      this.#flight.result = elsewhere
      flights.leave(this.#flight, 'stored')
      return elsewhere
    } catch (thrown) {
      return this.#abandoned(thrown)
    }
  }

  /**
   * Waits for this process's turn. Returns what another process has stored meanwhile if that will do, or if it is a
   * stale copy newer than the one at hand, or than a purged one that has hidden it in the nearest tier.
   */
  async #fromElsewhere(leases: FetchLeases): Promise<LandedEntry<E> | undefined> {
    const { store, log, clock } = this.#parts
    const question = this.#question
    const { previous } = this.#flight
    let isStale = false
    const turn = await takeTurn(leases, this.#key, async () => {
      const now = clock.now()
      const anew = { past: previous, generation: log.generation }
      const found = await lookup(store, log, question, now, store.get(question.key, anew), anew)
      const latest = question.decide(found, now)
      isStale = this.#flight.mayEndStale && isBetterStale(found, latest, anew)
      if (isStale && found.kind === 'entry') return found.entry
      // A refresh ahead of expiry wants a newer copy, not one that is itself due for a refresh.
      const suffices = latest.kind === 'serve' && !(this.#flight.background && latest.refresh)
      return suffices ? latest.entry : undefined
    })
    if (turn.kind === 'found') {
      const elsewhere = isStale ? 'stale' : turn.awaited ? 'meanwhile' : 'before'
      return { kind: 'entry', entry: turn.entry, status: 200, validated: false, elsewhere }
    }
    this.#flight.lease = turn.lease
    return undefined
  }

  /** Loads and, once the response's head has arrived, stores it or ends the flight. Never rejects. */
  #load(beginning: Beginning): Promise<Landed<E, D>> {
    const context = this.#contextOf(beginning)
    return begin(this.#question, context).then(
      (landed) => this.#settle(context, landed),
      (thrown: unknown) => this.#settle(context, failedWith(thrown)),
    )
  }

  #contextOf(beginning: Beginning): LoadContext<E> {
    const decision = this.#decision
    const existing = this.#unlessPurged(existingEntry(decision))
    return {
      previous: this.#unlessPurged(this.#flight.previous),
      part: decision.kind === 'fetch' ? this.#unlessPurged(decision.part) : undefined,
      keepPrevious: existing !== undefined && (decision.fallback !== undefined || this.#isInUse(existing, beginning)),
      shared: true,
      beginning,
      signal: undefined,
      background: this.#flight.background,
      why: decision.why,
    }
  }

  /** The entry, unless purged since the look-up: a purged copy must not be revived by a 304. */
  #unlessPurged(entry: E | undefined): E | undefined {
    return entry !== undefined && this.#parts.log.verdict(entry) !== 'dead' ? entry : undefined
  }

  #isInUse(existing: E, { startedAt }: Beginning): boolean {
    return isInUse(this.#question, existing, this.#parts.log, startedAt)
  }

  /** Acts on the result; if that throws, the error becomes the result. */
  #settle(context: LoadContext<E>, landed: Landed<E, D>): Landed<E, D> {
    const flight = this.#flight
    try {
      const now = this.#parts.clock.now()
      flight.result = landed
      flight.landedAt = now
      flight.tookMs = now - context.beginning.startedAt
      this.#storeOrLeave(context, landed, now)
      return this.#reported(landed)
    } catch (thrown) {
      return this.#abandoned(thrown)
    }
  }

  #storeOrLeave(context: LoadContext<E>, landed: Landed<E, D>, now: number): void {
    switch (landed.kind) {
      case 'entry': {
        const flight = this.#flight
        flight.written = this.#parts.storing.keep(this.#question, landed.entry, this.#key, { flight }, now)
        return
      }
      case 'direct':
        if (!leavesPrevious(landed, context)) this.#rememberUnshareable()
        return this.#leave(context.previous !== undefined)
      case 'failed': // still an answer: without a copy to keep, it is only for those already waiting
        return this.#leave(context.keepPrevious)
      case 'error':
        return this.#leave(true)
    }
  }

  /** The marker replaces the copy that the answer supersedes, but nothing newer. */
  #rememberUnshareable(): void {
    const { log, flights, placing } = this.#parts
    const isNewest = flights.get(this.#key) === this.#flight && log.verdict(this.#flight) === 'valid'
    if (isNewest) void placing.rememberUnshareable(this.#key, this.#flight, this.#flight)
  }

  /**
   * With `staysRegistered`, the flight stays registered for a while: the next requests share its failure instead of
   * repeating it, and a background refresh is not repeated immediately.
   */
  #leave(staysRegistered: boolean): void {
    const { clock, flights } = this.#parts
    const flight = this.#flight
    if (!staysRegistered) return flights.leave(flight, 'unshared')
    void flight.lease?.release('unshared')
    flights.end(flight)
    const stayForMs = Math.min(Math.max(flight.tookMs, FAILURE_SHARED_FOR.least), FAILURE_SHARED_FOR.most)
    clock.after(stayForMs, () => flights.leave(flight, 'unshared'))
  }

  #abandoned(thrown: unknown): Landed<E, D> {
    this.#parts.flights.leave(this.#flight, 'unshared')
    return this.#reported(failedWith(thrown))
  }

  #reported(landed: Landed<E, D>): Landed<E, D> {
    if (this.#decision.kind === 'revalidate') this.#reportRevalidation(landed)
    return landed
  }

  #reportRevalidation(landed: Landed<E, D>): void {
    const failed = landed.kind === 'error' || landed.kind === 'failed'
    const outcome = failed ? 'error' : landed.kind === 'entry' && landed.validated ? 'not_modified' : 'replaced'
    const mode = this.#flight.background ? 'background' : 'blocking'
    this.#parts.events.emit('revalidation', { route: this.#question.route, mode, outcome })
  }
}
