/**
 * The only place where decisions meet I/O: looks a question up, asks it for a decision, and acts on it. Fetches are
 * either shared by all callers (collapsing.ts) or made for one caller only (passing.ts).
 */
import { HerdgateError } from '../../errors.ts'
import type { Events } from '../../events.ts'
import {
  type Awaitable,
  type Clock,
  type Detail,
  type Entry,
  type ForwardReason,
  type Found,
  type InvalidationLog,
  type Kept,
  known,
  type Pressure,
  type Sharing,
  type Store,
  type Stored,
} from '../../model.ts'
import { Answers } from './answers.ts'
import { type Collapsed, Collapsing } from './collapsing.ts'
import { Flights } from './flights.ts'
import { type Located, locate, Peeks } from './locate.ts'
import { isUnshareable, lookup } from './lookup.ts'
import { type Reads, RememberedReads } from './reads.ts'
import { Passing } from './passing.ts'
import { Placing } from './placing.ts'
import type { Question } from './question.ts'
import { failure, type Forward, isForwarding, type Pass, type Resolution, served, toPass } from './resolution.ts'
import { isBetterStale } from './shared-fetch.ts'
import { apartFor, SharedFetches } from './shared-fetches.ts'
import { type EngineLimits, Shedding } from './shedding.ts'
import { Storing } from './storing.ts'
import { Variants } from './variants.ts'

export interface EngineParts {
  readonly store: Store
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly events: Events
  readonly limits: EngineLimits
  /** How fetches are shared with other processes; absent: no other process uses the store. */
  readonly sharing?: Sharing | undefined
  /** Whether memory is short; nothing is fetched while it is. */
  readonly pressure?: Pressure | undefined
}

export class Engine {
  readonly #store: Store
  readonly #log: InvalidationLog
  readonly #clock: Clock
  readonly #events: Events
  readonly #shedding: Shedding
  readonly #flights = new Flights()
  readonly #storing: Storing
  readonly #answers: Answers
  readonly #fetches: SharedFetches
  readonly #collapsing: Collapsing
  readonly #passing: Passing

  constructor({ store, log, clock, events, limits, sharing, pressure }: EngineParts) {
    this.#store = store
    this.#log = log
    this.#clock = clock
    this.#events = events
    this.#shedding = new Shedding(limits, pressure)
    const flights = this.#flights
    const answers = new Answers(log, clock)
    const maxSharedBytes = sharing?.maxObjectBytes
    const variants = new Variants({ store, log, clock, flights })
    const placing = new Placing({ store, variants, log, clock, flights, maxSharedBytes })
    const storing = new Storing({ placing, variants, log, clock, flights, maxSharedBytes })
    const fetches = new SharedFetches({ store, log, clock, events, flights, storing, placing, leases: sharing?.leases })
    this.#storing = storing
    this.#answers = answers
    this.#fetches = fetches
    this.#collapsing = new Collapsing({ log, clock, events, fetches, answers })
    this.#passing = new Passing({ log, clock, storing, placing, answers })
  }

  /** Fetches in progress. */
  get inFlight(): number {
    return this.#flights.size
  }

  /** Callers still connected and waiting for an answer. */
  get waiting(): number {
    return this.#shedding.waiting
  }

  /**
   * Answers a question. Returns a value, not a promise, for a hit in a synchronous store.
   * @param reads look-ups already made in this turn of the event loop
   */
  resolve<E extends Entry, D>(question: Question<E, D>, reads: Reads = this.#store): Awaitable<Resolution<E, D>> {
    return this.#attempt(question, 1, reads.get(question.key), reads)
  }

  /**
   * The same for a caller that has already read the question's key.
   * @param kept what the store just returned for it
   */
  resolveWith<E extends Entry, D>(question: Question<E, D>, kept: Awaitable<Kept>): Awaitable<Resolution<E, D>> {
    return this.#attempt(question, 1, kept, this.#store)
  }

  /**
   * Joins a value's fetch in progress for a key. Not for responses: their content may no longer be readable from the
   * start. Returns undefined if no fetch is certain to answer or too many callers wait: then a question has to be
   * resolved.
   * @param landed gets the fetched entry, or undefined if the question has to be resolved after all
   */
  share<T>(key: string, route: string, landed: (entry: Entry | undefined) => T): Promise<Awaited<T>> | undefined {
    const flight = this.#fetches.inProgress(key)
    if (flight === undefined || this.#shedding.overloadReason() !== undefined) return undefined
    const free = this.#shedding.takeSlot()
    return flight.landed.then((result) => {
      free()
      if (result.kind !== 'entry' || result.elsewhere === 'stale') return landed(undefined)
      this.#events.emit('collapse', { route, outcome: 'reused' })
      return landed(result.entry)
    }) as Promise<Awaited<T>>
  }

  /** Whether a shared fetch of the key is in progress. */
  isFetching(key: string): boolean {
    return this.#flights.get(key) !== undefined
  }

  /** Remembers its look-ups, for `resolve` to reuse if they do not suffice for a hit. */
  look(): RememberedReads {
    return new RememberedReads(this.#store)
  }

  /** What is stored under the key, if it is valid and the store is synchronous. It may be past `keepUntil`. */
  getValid(key: string, reads: Reads): Stored | undefined {
    const kept = reads.get(key)
    const stored = kept instanceof Promise ? undefined : known(kept)
    return stored !== undefined && this.#log.verdict(stored) === 'valid' ? stored : undefined
  }

  /** What the stores hold for a question; contacts no origin and changes nothing. */
  find<E extends Entry, D>(question: Question<E, D>, now: number, reads: Reads = this.#store): Awaitable<Found<E>> {
    return lookup(reads, this.#log, question, now, reads.get(question.key))
  }

  /** The same, with the tier it was found in; promotes nothing to a nearer tier. */
  async locate<E extends Entry, D>(question: Question<E, D>, now: number): Promise<Located<E>> {
    const located = await locate(this.#store, this.#log, question, now)
    const decision = question.decide(located.found, now)
    const isFetch = decision.kind === 'revalidate' || decision.kind === 'fetch'
    if (!isFetch || !this.#fetches.areShared) return located
    if (await this.isForCallerOnly(question, located.found, decision)) return located
    // Before asking the origin, a fetch would look whether another process has stored something newer.
    const past = decision.kind === 'revalidate' ? decision.entry : undefined
    const anew = { past, generation: this.#log.generation }
    const latest = await locate(this.#store, this.#log, question, now, anew)
    const decided = question.decide(latest.found, now)
    return decided.kind === 'serve' || isBetterStale(latest.found, decided, anew) ? latest : located
  }

  /** Whether the origin is asked for this caller only, although a shared fetch was decided on. */
  async isForCallerOnly<E extends Entry, D>(
    question: Question<E, D>,
    found: Found<E>,
    decision: Forward<E>,
  ): Promise<boolean> {
    return this.#isUnshareable(question, found, decision, new Peeks(this.#store))
  }

  /** Something newer was stored under this key: a fetch in progress must not replace it. */
  supersede(key: string): void {
    this.#flights.drop(key)
    this.#passing.supersede(key)
  }

  /** Asks the origin for this caller only. The answer is stored if it may be. */
  forward<E extends Entry, D>(
    question: Question<E, D>,
    why: ForwardReason,
    detail?: Detail,
  ): Promise<Resolution<E, D>> {
    const decision = { kind: 'pass', why, detail } as const
    const overloadReason = this.#shedding.overloadReason()
    if (overloadReason !== undefined) return Promise.resolve(this.#answers.shed(decision, overloadReason))
    return this.#shedding.counted(this.#passing.answer(question, question.key, decision), question.leaving)
  }

  /** Stores an answer that was fetched for this caller only but turned out to be shareable. */
  keep<E extends Entry, D>(question: Question<E, D>, entry: E): void {
    this.#storing.keep(question, entry, question.key + question.apart, {})
  }

  #attempt<E extends Entry, D>(
    question: Question<E, D>,
    attempt: number,
    kept: Awaitable<Kept>,
    reads: Reads,
  ): Awaitable<Resolution<E, D>> {
    const now = this.#clock.now()
    const found = lookup(reads, this.#log, question, now, kept)
    return found instanceof Promise
      ? this.#shedding.counted(found).then((result) => this.#act(question, result, this.#clock.now(), attempt))
      : this.#act(question, found, now, attempt)
  }

  #act<E extends Entry, D>(
    question: Question<E, D>,
    found: Found<E>,
    now: number,
    attempt: number,
  ): Awaitable<Resolution<E, D>> {
    const decision = question.decide(found, now)
    const overloadReason = attempt === 1 && isForwarding(decision) ? this.#shedding.overloadReason() : undefined
    if (overloadReason !== undefined && isForwarding(decision)) return this.#answers.shed(decision, overloadReason)
    switch (decision.kind) {
      case 'serve':
        if (decision.refresh) this.#refresh(question, found, decision.entry)
        return served(decision.entry, 'hit', now)
      case 'serve-stale':
        if (decision.headOnly) this.#refreshHead(question, found, decision.entry)
        else this.#refresh(question, found, decision.entry)
        return served(decision.entry, 'stale', now, 'stale-while-revalidate')
      case 'revalidate':
      case 'fetch':
        return this.#fetch(question, found, decision, attempt)
      case 'pass':
        return this.#shedding.counted(this.#passing.answer(question, found.key, decision), question.leaving)
      case 'refuse':
        return failure(new HerdgateError('not_cached', decision.detail), { result: 'error', detail: decision.detail })
    }
  }

  async #fetch<E extends Entry, D>(
    question: Question<E, D>,
    found: Found<E>,
    decision: Forward<E>,
    attempt: number,
  ): Promise<Resolution<E, D>> {
    const free = this.#shedding.takeSlot(question.leaving)
    let answer: Collapsed<E, D>
    try {
      const remembered = this.#isUnshareable(question, found, decision, this.#store)
      const isForCallerOnly = remembered instanceof Promise ? await remembered : remembered
      answer = isForCallerOnly ? toPass(decision) : await this.#collapsing.answer(question, found, decision, attempt)
    } finally {
      free()
    }
    switch (answer.kind) {
      case 'look-again':
        return this.#attempt(question, attempt + 1, this.#store.get(question.key), this.#store)
      case 'pass':
        return this.#passAlone(question, found.key, answer)
      default:
        return answer
    }
  }

  /** A caller's own answer does not refresh the shared copy; if the stale copy was served instead, refresh it. */
  async #passAlone<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    decision: Pass<E>,
  ): Promise<Resolution<E, D>> {
    const answer = await this.#shedding.counted(this.#passing.answer(question, key, decision), question.leaving)
    if (answer.kind !== 'entry' || answer.outcome.result !== 'stale' || this.#shedding.isMemoryShort) return answer
    const forAnyone = question.forAnyone(answer.entry)
    if (forAnyone !== undefined) this.#fetches.refresh(forAnyone, key, answer.entry)
    return answer
  }

  /**
   * Whether answers to callers like this one are remembered as `unshareable`, although a copy is stored for others. If
   * no copy is stored, the look-up has already found the marker. A caller that can join a fetch need not ask the store.
   */
  #isUnshareable<E extends Entry, D>(
    question: Question<E, D>,
    found: Found<E>,
    decision: Forward<E>,
    reads: Reads,
  ): Awaitable<boolean> {
    const apart = found.kind === 'entry' ? apartFor(question, decision) : ''
    if (apart === '' || this.#fetches.joinable(question, found, decision) !== undefined) return false
    return isUnshareable(reads, this.#log, found.key + apart, this.#clock.now())
  }

  /** Background refresh. */
  #refresh<E extends Entry, D>(question: Question<E, D>, found: Found<E>, entry: E): void {
    if (!this.#shedding.isMemoryShort) this.#fetches.refresh(question.forRefresh(entry), found.key, entry)
  }

  #refreshHead<E extends Entry, D>(question: Question<E, D>, found: Found<E>, entry: E): void {
    if (this.#shedding.isMemoryShort || this.isFetching(found.key)) return
    this.#passing.refresh(question.forRefresh(entry), found.key, entry)
  }
}
