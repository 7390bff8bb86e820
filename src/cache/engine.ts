/**
 * The only place where decisions meet I/O: looks a question up, asks it for a decision, and acts on it.
 *
 * A fetch belongs to the cache, not to the request that started it. It is stamped with the invalidation log's position
 * from before it began, so whatever is appended while it runs outdates what it stores.
 */
import { asHerdgateError, HerdgateError } from '../errors.ts'
import type { Events } from '../events.ts'
import type {
  Awaitable,
  Clock,
  Decision,
  Entry,
  Fallback,
  ForwardReason,
  Found,
  InvalidationLog,
  Outcome,
  Sharing,
  Stamp,
  Store,
} from '../model.ts'
import { type AnyFlight, type Flight, Flights, type Landed, type Pass as PassInProgress, Passes } from './flights.ts'
import { lookup } from './lookup.ts'
import type { LoadContext, Question } from './question.ts'
import { Storing } from './storing.ts'
import { takeTurn } from './turn.ts'

export interface EngineParts {
  readonly store: Store
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly events: Events
  readonly limits?: EngineLimits | undefined
  /** How fetches are shared with others; absent: nobody else uses the store. */
  readonly sharing?: Sharing | undefined
  /** Whether memory is short: then nothing is fetched. */
  readonly pressure?: Pressure | undefined
}

export interface Pressure {
  readonly high: boolean
}

export interface EngineLimits {
  /** Requests that may wait for an origin at once, collapsed ones included; any more get a stale copy or a 503. */
  readonly maxWaiting: number
}

/** How a question was answered. */
export type Resolution<E extends Entry, D> =
  | { readonly kind: 'entry'; readonly entry: E; readonly outcome: Outcome }
  | { readonly kind: 'direct'; readonly reply: D; readonly outcome: Outcome }
  | { readonly kind: 'error'; readonly error: HerdgateError; readonly outcome: Outcome }

type Revalidate<E extends Entry> = Extract<Decision<E>, { kind: 'revalidate' }>
type Forward<E extends Entry> = Revalidate<E> | Extract<Decision<E>, { kind: 'fetch' }>
type Pass<E extends Entry> = Extract<Decision<E>, { kind: 'pass' }>

/** A failed fetch answers those who come right after it too: for as long as it took, within these bounds, in ms. */
const FAILURE_SHARED_FOR = { least: 250, most: 5_000 }
/** A waiter that got an answer for others looks again this often, then goes alone. */
const MOST_ATTEMPTS = 3
const MOST_WAITING = 10_000

export class Engine {
  readonly #store: Store
  readonly #log: InvalidationLog
  readonly #clock: Clock
  readonly #events: Events
  readonly #maxWaiting: number
  readonly #pressure: Pressure | undefined
  readonly #flights = new Flights()
  readonly #passes = new Passes()
  readonly #storing: Storing
  readonly #leases: Sharing['leases'] | undefined
  #waiting = 0

  constructor({ store, log, clock, events, limits, sharing, pressure }: EngineParts) {
    this.#store = store
    this.#log = log
    this.#clock = clock
    this.#events = events
    this.#maxWaiting = limits?.maxWaiting ?? MOST_WAITING
    this.#leases = sharing?.leases
    this.#pressure = pressure
    const maxSharedBytes = sharing?.maxObjectBytes ?? Number.POSITIVE_INFINITY
    this.#storing = new Storing({ store, log, clock, flights: this.#flights, maxSharedBytes })
  }

  /** Fetches in progress. */
  get inFlight(): number {
    return this.#flights.size
  }

  /** Questions whose answer is being waited for. */
  get waiting(): number {
    return this.#waiting
  }

  /** Answers a question. A value, not a promise, for a hit in a store that answers at once. */
  resolve<E extends Entry, D>(question: Question<E, D>): Awaitable<Resolution<E, D>> {
    return this.#counted(this.#attempt(question, 1))
  }

  /** What the stores hold for a question; asks nobody else and changes nothing. */
  find<E extends Entry, D>(question: Question<E, D>): Awaitable<Found<E>> {
    return lookup(this.#store, this.#log, question, this.#clock.now())
  }

  /** Something newer was put at this key: a fetch in progress may not replace it. */
  supersede(key: string): void {
    this.#flights.drop(key)
    this.#passes.supersede(key)
  }

  /** Asks the origin for this asker alone. What may be stored, is. */
  forward<E extends Entry, D>(
    question: Question<E, D>,
    why: ForwardReason,
    detail?: string,
  ): Promise<Resolution<E, D>> {
    const decision = { kind: 'pass', why, detail } as const
    const tooMuch = this.#tooMuch()
    if (tooMuch !== undefined) return Promise.resolve(this.#shed(decision, tooMuch))
    return this.#counted(this.#pass(question, question.key, decision))
  }

  /** Stores what an answer to this asker alone turned out to be worth to others. */
  keep<E extends Entry, D>(question: Question<E, D>, entry: E): void {
    this.#storing.keep(question, entry, question.key + question.apart, undefined)
  }

  #counted<T>(answer: Promise<T>): Promise<T>
  #counted<T>(answer: Awaitable<T>): Awaitable<T>
  #counted<T>(answer: Awaitable<T>): Awaitable<T> {
    if (answer instanceof Promise) {
      this.#waiting++
      const answered = () => {
        this.#waiting--
      }
      answer.then(answered, answered)
    }
    return answer
  }

  #attempt<E extends Entry, D>(question: Question<E, D>, attempt: number): Awaitable<Resolution<E, D>> {
    const now = this.#clock.now()
    const found = lookup(this.#store, this.#log, question, now)
    return found instanceof Promise
      ? found.then((result) => this.#act(question, result, this.#clock.now(), attempt))
      : this.#act(question, found, now, attempt)
  }

  #act<E extends Entry, D>(
    question: Question<E, D>,
    found: Found<E>,
    now: number,
    attempt: number,
  ): Awaitable<Resolution<E, D>> {
    const decision = question.decide(found, now)
    const tooMuch = attempt === 1 && isForwarding(decision) ? this.#tooMuch() : undefined
    if (tooMuch !== undefined && isForwarding(decision)) return this.#shed(decision, tooMuch)
    switch (decision.kind) {
      case 'serve':
        if (decision.refresh) this.#refresh(question, found, decision.entry)
        return served(decision.entry, 'hit', now)
      case 'serve-stale':
        this.#refresh(question, found, decision.entry)
        return served(decision.entry, 'stale', now, 'stale-while-revalidate')
      case 'revalidate':
      case 'fetch':
        return this.#fetch(question, found, decision, attempt)
      case 'pass':
        return this.#pass(question, found.key, decision)
      case 'refuse':
        return failure(new HerdgateError('not_cached', decision.detail), { result: 'error', detail: decision.detail })
    }
  }

  // -------------------------------------------------------------------------------- one fetch, shared by all

  async #fetch<E extends Entry, D>(
    question: Question<E, D>,
    found: Found<E>,
    decision: Forward<E>,
    attempt: number,
  ): Promise<Resolution<E, D>> {
    const arrival = this.#log.position
    const { flight, leads } = this.#join(question, found, decision)
    const landed = await this.#landing(flight, decision)
    const stale = landed === 'slow' ? this.#stale<E, D>(decision, 'stale', 'soft-timeout') : undefined
    if (stale !== undefined) {
      if (leads) discardUnkept(question, flight)
      return stale
    }
    const result = landed === 'slow' ? await flight.landed : landed
    return leads
      ? this.#answerLeader(question, decision, flight, result)
      : this.#answerWaiter(question, found, decision, flight, result, arrival, attempt)
  }

  #answerLeader<E extends Entry, D>(
    question: Question<E, D>,
    decision: Forward<E>,
    { tookMs: originMs }: Flight<E, D>,
    landed: Landed<E, D>,
  ): Resolution<E, D> {
    const fwd = decision.why
    switch (landed.kind) {
      case 'entry':
        if (landed.elsewhere) return { kind: 'entry', entry: landed.entry, outcome: collapsed(decision.why) }
        return this.#led(decision, landed, originMs)
      case 'direct':
        return direct(landed.reply, { result: 'miss', fwd, fwdStatus: landed.status, detail: landed.why, originMs })
      case 'failed': {
        const stale = this.#stale<E, D>(decision, 'stale_if_error', 'stale-if-error', landed.status)
        if (stale === undefined)
          return direct(landed.reply, { result: 'miss', fwd, fwdStatus: landed.status, originMs })
        question.discard(landed.reply)
        return stale
      }
      case 'error':
        return this.#staleOrError(decision, landed.error, false)
    }
  }

  #answerWaiter<E extends Entry, D>(
    question: Question<E, D>,
    found: Found<E>,
    decision: Forward<E>,
    flight: Flight<E, D>,
    landed: Landed<E, D>,
    arrival: number,
    attempt: number,
  ): Awaitable<Resolution<E, D>> {
    switch (landed.kind) {
      case 'entry':
        if (this.#isFor(landed.entry, flight, arrival) && question.mayShare(landed.entry)) {
          return this.#reused(question, { kind: 'entry', entry: landed.entry, outcome: collapsed(decision.why) })
        }
        if (attempt < MOST_ATTEMPTS) return this.#attempt(question, attempt + 1)
        return this.#passInstead(question, found, decision)
      case 'direct':
        return this.#passInstead(question, found, decision, landed.why)
      case 'failed': {
        const stale = this.#stale<E, D>(decision, 'stale_if_error', 'stale-if-error')
        if (stale !== undefined) return stale
        if (!landed.shared || !question.mayShareReply(landed.reply)) return this.#passInstead(question, found, decision)
        return this.#reused(question, direct(landed.reply, collapsed(decision.why)))
      }
      case 'error':
        return this.#staleOrError(decision, landed.error, true)
    }
  }

  #reused<E extends Entry, D>(question: Question<E, D>, resolution: Resolution<E, D>): Resolution<E, D> {
    this.#events.emit('collapse', { route: question.route, outcome: 'reused' })
    return resolution
  }

  /** The answer that was waited for was for another alone: ask for one of our own, beside all others who waited. */
  #passInstead<E extends Entry, D>(
    question: Question<E, D>,
    found: Found<E>,
    decision: Forward<E>,
    detail?: string,
  ): Promise<Resolution<E, D>> {
    this.#events.emit('collapse', { route: question.route, outcome: 'refetched' })
    return this.#pass(question, found.key, { kind: 'pass', why: decision.why, detail, entry: fallbackOf(decision) })
  }

  /** Why no more may be asked of origins now; undefined: they may be asked. */
  #tooMuch(): string | undefined {
    if (this.#waiting >= this.#maxWaiting) return 'too many requests are waiting'
    return this.#pressure?.high === true ? 'memory is short' : undefined
  }

  #shed<E extends Entry, D>(decision: Forward<E> | Pass<E>, why: string): Resolution<E, D> {
    return this.#staleOrError(decision, new HerdgateError('overloaded', why), false)
  }

  #staleOrError<E extends Entry, D>(
    decision: Forward<E> | Pass<E>,
    error: HerdgateError,
    joined: boolean,
  ): Resolution<E, D> {
    const stale = this.#stale<E, D>(decision, 'stale_if_error', 'stale-if-error')
    if (stale !== undefined) return stale
    const result = error.code === 'overloaded' ? 'shed' : 'error'
    const outcome: Outcome = { result, fwd: decision.why, collapsed: joined, detail: error.code }
    return failure(error, outcome)
  }

  #led<E extends Entry, D>(
    decision: Forward<E>,
    landed: Extract<Landed<E, D>, { kind: 'entry' }>,
    originMs: number | undefined,
  ): Resolution<E, D> {
    const now = this.#clock.now()
    const ttlMs = landed.entry.freshUntil - now
    const stored = now < landed.entry.keepUntil && this.#log.verdict(landed.entry) === 'valid'
    const outcome = { fwd: decision.why, fwdStatus: landed.status, stored, ttlMs, originMs }
    return {
      kind: 'entry',
      entry: landed.entry,
      outcome: { ...outcome, result: landed.validated ? 'revalidated' : 'miss' },
    }
  }

  /** The flight's result, or 'slow' when a stale copy may answer and the origin takes too long. */
  #landing<E extends Entry, D>(flight: Flight<E, D>, decision: Forward<E>): Promise<Landed<E, D> | 'slow'> {
    const afterMs = decision.kind === 'revalidate' ? decision.fallback.afterMs : undefined
    return afterMs === undefined ? flight.landed : this.#within(flight.landed, afterMs)
  }

  #within<E extends Entry, D>(landing: Promise<Landed<E, D>>, afterMs: number): Promise<Landed<E, D> | 'slow'> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(afterMs, () => resolve('slow'))
      void landing.then((landed) => {
        cancel()
        resolve(landed)
      })
    })
  }

  /** The stale copy as an answer, where it may be one: it must not have been purged while the origin was asked. */
  #stale<E extends Entry, D>(
    decision: Forward<E> | Pass<E>,
    result: 'stale' | 'stale_if_error',
    detail: string,
    fwdStatus?: number,
  ): Resolution<E, D> | undefined {
    const entry = fallbackOf(decision)
    if (entry === undefined || this.#log.verdict(entry) === 'dead') return undefined
    if (result === 'stale' && !this.#wouldKnow(entry)) return undefined
    const answer: Resolution<E, D> = served(entry, result, this.#clock.now(), detail)
    return fwdStatus === undefined ? answer : { ...answer, outcome: { ...answer.outcome, fwdStatus } }
  }

  /** Would the log say if the copy had been purged? Where it would not, only a failure of the origin excuses its use. */
  #wouldKnow({ generation }: Entry): boolean {
    return this.#log.synced && this.#log.generation === generation
  }

  /**
   * May a response be given to a request that arrived when the log stood at `arrival`? Always if nothing was appended
   * since its fetch began; otherwise only if no record since then names it.
   */
  #isFor(entry: Entry, flight: AnyFlight | Flight<Entry, unknown>, arrival: number): boolean {
    return arrival === flight.position || this.#log.verdict(entry) === 'valid'
  }

  /** A fetch in progress that will answer this question as well, or a new one. */
  #join<E extends Entry, D>(
    question: Question<E, D>,
    found: Found<E>,
    decision: Forward<E>,
  ): { flight: Flight<E, D>; leads: boolean } {
    for (const apart of [question.apart, question.apartWhole]) {
      const current = apart === undefined ? undefined : this.#flights.get(found.key + apart)
      if (current !== undefined && this.#mayJoin(current, decision.why)) {
        return { flight: current as Flight<E, D>, leads: false }
      }
    }
    return { flight: this.#launch(question, found.key + question.apart, decision), leads: true }
  }

  #mayJoin(flight: AnyFlight, why: ForwardReason): boolean {
    const { result } = flight
    if (result?.kind === 'direct') return false
    if (result?.kind === 'entry') {
      // Its head has come: what must be checked with the origin, or is stale by now, is not for newcomers.
      const isFresh = this.#clock.now() < result.entry.freshUntil
      return why !== 'request' && isFresh && this.#log.verdict(result.entry) === 'valid'
    }
    return this.#log.verdict(stampOf(flight)) === 'valid'
  }

  /** A background refresh: nobody waits for it. */
  #refresh<E extends Entry, D>(question: Question<E, D>, found: Found<E>, entry: E): void {
    const key = found.key + question.apart
    if (this.#flights.get(key) !== undefined || this.#pressure?.high === true) return
    const fallback: Fallback = { onError: true, afterMs: undefined }
    const flight = this.#launch(question, key, { kind: 'revalidate', entry, why: 'stale', fallback }, true)
    discardUnkept(question, flight)
  }

  #launch<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    decision: Forward<E>,
    background = false,
  ): Flight<E, D> {
    const { generation, position } = this.#log
    const startedAt = this.#clock.now()
    const { promise, resolve } = Promise.withResolvers<Landed<E, D>>()
    const flight: Flight<E, D> = {
      url: question.url,
      generation,
      position,
      startedAt,
      background,
      landed: promise,
      result: undefined,
      tookMs: undefined,
      lease: undefined,
    }
    this.#flights.put(key, flight)
    void this.#fly(question, key, flight, decision)
      .catch((thrown: unknown) => {
        this.#abandon(flight)
        return { kind: 'error', error: asHerdgateError(thrown) } as const
      })
      .then((landed) => {
        if (decision.kind === 'revalidate') this.#reportRevalidation(question, landed, background)
        resolve(landed)
      })
    return flight
  }

  /** Loads, and at the response's head starts what has to follow: storing, remembering, forgetting. */
  async #fly<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    flight: Flight<E, D>,
    decision: Forward<E>,
  ): Promise<Landed<E, D>> {
    const elsewhere =
      this.#leases === undefined ? undefined : await this.#fromElsewhere(question, key, flight, decision)
    if (elsewhere !== undefined) {
      flight.result = elsewhere
      this.#flights.leave(flight)
      return elsewhere
    }
    const context = this.#contextOf(decision, flight)
    const landed = await load(question, context)
    flight.result = landed
    flight.tookMs = this.#clock.now() - flight.startedAt
    switch (landed.kind) {
      case 'entry':
        this.#storing.keep(question, landed.entry, key, flight)
        break
      case 'direct':
        if (!(landed.passing && context.keepPrevious)) this.#rememberUnshareable(key, flight)
        void flight.lease?.release('unshared')
        this.#leaveSoon(flight, context.previous !== undefined)
        break
      case 'failed': // an answer all the same: what is not to be stored is for those who waited, not for later ones
        void flight.lease?.release('unshared')
        this.#leaveSoon(flight, context.keepPrevious)
        break
      case 'error':
        void flight.lease?.release('unshared')
        this.#leaveSoon(flight, true)
        break
    }
    return landed
  }

  /** In the place of a copy that the answer replaces, but not of anything newer. */
  #rememberUnshareable(key: string, flight: AnyFlight): void {
    const isNewest = this.#flights.get(key) === flight && this.#log.verdict(stampOf(flight)) === 'valid'
    if (isNewest) void this.#storing.rememberUnshareable(key, flight)
  }

  /** Waits for the turn to ask the origin; meanwhile another who shares the store may have asked it. */
  async #fromElsewhere<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    flight: Flight<E, D>,
    decision: Forward<E>,
  ): Promise<Extract<Landed<E, D>, { kind: 'entry' }> | undefined> {
    if (this.#leases === undefined) return undefined
    const past = decision.kind === 'revalidate' ? decision.entry : undefined
    const turn = await takeTurn(this.#leases, key, async () => {
      const now = this.#clock.now()
      const found = await lookup(this.#store, this.#log, question, now, { past })
      const latest = question.decide(found, now)
      return latest.kind === 'serve' ? latest.entry : undefined
    })
    if (turn.kind === 'found') {
      return { kind: 'entry', entry: turn.entry, status: 200, validated: false, elsewhere: true }
    }
    flight.lease = turn.lease
    return undefined
  }

  #contextOf<E extends Entry>(decision: Forward<E>, { background }: AnyFlight | Flight<E, unknown>): LoadContext<E> {
    const { generation, position } = this.#log
    // A purge since the look-up has taken the copy: it may not be confirmed back to life.
    const alive = (entry: E | undefined) => (entry && this.#log.verdict(entry) !== 'dead' ? entry : undefined)
    const revalidate = decision.kind === 'revalidate' ? decision : undefined
    const previous = alive(revalidate?.entry)
    return {
      previous,
      part: decision.kind === 'fetch' ? alive(decision.part) : undefined,
      keepPrevious: previous !== undefined && revalidate?.fallback.onError === true,
      shared: true,
      generation,
      position,
      startedAt: this.#clock.now(),
      signal: undefined,
      background,
      why: decision.why,
    }
  }

  #abandon(flight: AnyFlight): void {
    this.#flights.leave(flight)
    void flight.lease?.release('unshared')
  }

  /** A failure keeps its place for a while, so that the next requests share it instead of repeating it in a row. */
  #leaveSoon(flight: AnyFlight, holds: boolean): void {
    if (!holds) return this.#flights.leave(flight)
    const took = this.#clock.now() - flight.startedAt
    const holdFor = Math.min(Math.max(took, FAILURE_SHARED_FOR.least), FAILURE_SHARED_FOR.most)
    this.#clock.after(holdFor, () => this.#flights.leave(flight))
  }

  #reportRevalidation<E extends Entry, D>(question: Question<E, D>, landed: Landed<E, D>, background: boolean): void {
    const failed = landed.kind === 'error' || landed.kind === 'failed'
    const outcome = failed ? 'error' : landed.kind === 'entry' && landed.validated ? 'not_modified' : 'replaced'
    this.#events.emit('revalidation', { route: question.route, mode: background ? 'background' : 'blocking', outcome })
  }

  // ------------------------------------------------------------------------------------- for one asker alone

  async #pass<E extends Entry, D>(question: Question<E, D>, key: string, decision: Pass<E>): Promise<Resolution<E, D>> {
    const { why, detail, afterMs } = decision
    const startedAt = this.#clock.now()
    const pass = this.#passes.begin(question.key)
    const loading = this.#loadAlone(question, decision)
    const inTime = decision.entry === undefined || afterMs === undefined ? undefined : this.#within(loading, afterMs)
    const landed = await (inTime ?? loading)
    if (landed === 'slow') {
      const stale = this.#stale<E, D>(decision, 'stale', 'soft-timeout')
      if (stale !== undefined) {
        void loading.then((late) => this.#settleLate(question, key, late, pass))
        return stale
      }
    }
    return this.#answerAlone(question, key, decision, landed === 'slow' ? await loading : landed, pass, {
      result: 'pass',
      fwd: why,
      originMs: this.#clock.now() - startedAt,
      detail,
    })
  }

  #loadAlone<E extends Entry, D>(question: Question<E, D>, { why, entry, updates }: Pass<E>): Promise<Landed<E, D>> {
    const { generation, position } = this.#log
    const startedAt = this.#clock.now()
    return load(question, {
      previous: updates !== undefined && this.#log.verdict(updates) !== 'dead' ? updates : undefined,
      part: undefined,
      keepPrevious: entry !== undefined,
      shared: false,
      generation,
      position,
      startedAt,
      signal: question.signal,
      background: false,
      why,
    })
  }

  #answerAlone<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    decision: Pass<E>,
    landed: Landed<E, D>,
    pass: PassInProgress,
    passed: Outcome,
  ): Resolution<E, D> {
    this.#passes.end(pass)
    switch (landed.kind) {
      case 'entry':
        this.#keepFrom(pass, question, landed.entry, key)
        return this.#led({ kind: 'fetch', why: decision.why }, landed, passed.originMs)
      case 'direct':
        if (landed.outdated !== undefined) this.#storing.outdate(key, landed.outdated)
        return direct(landed.reply, { ...passed, fwdStatus: landed.status, detail: passed.detail ?? landed.why })
      case 'failed': {
        const stale = this.#stale<E, D>(decision, 'stale_if_error', 'stale-if-error', landed.status)
        if (stale === undefined) return direct(landed.reply, { ...passed, fwdStatus: landed.status })
        question.discard(landed.reply)
        return stale
      }
      case 'error':
        return this.#staleOrError(decision, landed.error, false)
    }
  }

  /** What an asker alone brought is worth keeping, unless something newer was put there meanwhile. */
  #keepFrom<E extends Entry, D>(pass: PassInProgress, question: Question<E, D>, entry: E, key: string): void {
    if (!pass.superseded) this.#storing.keep(question, entry, key + question.apart, undefined)
  }

  /** What came too late for the one who asked. */
  #settleLate<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    landed: Landed<E, D>,
    pass: PassInProgress,
  ): void {
    this.#passes.end(pass)
    if (landed.kind === 'entry') {
      this.#keepFrom(pass, question, landed.entry, key)
      question.discardEntry(landed.entry)
    } else if (landed.kind !== 'error') {
      question.discard(landed.reply)
    }
  }
}

async function load<E extends Entry, D>(question: Question<E, D>, context: LoadContext<E>): Promise<Landed<E, D>> {
  try {
    return await question.load(context)
  } catch (thrown) {
    return { kind: 'error', error: asHerdgateError(thrown) }
  }
}

/** A flight as the log judges it before its tags are known. */
function stampOf({ url, generation, position, startedAt }: AnyFlight | Flight<Entry, unknown>): Stamp {
  return { url, tags: [], generation, position, checked: position, startedAt }
}

/** The one who was to read the answer did not wait for it. */
function discardUnkept<E extends Entry, D>(question: Question<E, D>, flight: Flight<E, D>): void {
  void flight.landed.then((landed) => {
    if (landed.kind === 'direct' || landed.kind === 'failed') question.discard(landed.reply)
    else if (landed.kind === 'entry') question.discardEntry(landed.entry)
  })
}

function served<E extends Entry, D>(
  entry: E,
  result: 'hit' | 'stale' | 'stale_if_error',
  now: number,
  detail?: string,
): Resolution<E, D> {
  const ttlMs = entry.freshUntil - now
  // An invalidated copy is stale whatever its lifetime says.
  return { kind: 'entry', entry, outcome: { result, ttlMs: result === 'hit' ? ttlMs : Math.min(ttlMs, 0), detail } }
}

const direct = <E extends Entry, D>(reply: D, outcome: Outcome): Resolution<E, D> => ({
  kind: 'direct',
  reply,
  outcome,
})

const failure = <E extends Entry, D>(error: HerdgateError, outcome: Outcome): Resolution<E, D> => ({
  kind: 'error',
  error,
  outcome,
})

const collapsed = (fwd: ForwardReason): Outcome => ({ result: 'collapsed', fwd, collapsed: true })

const isForwarding = <E extends Entry>(decision: Decision<E>): decision is Forward<E> | Pass<E> =>
  decision.kind === 'revalidate' || decision.kind === 'fetch' || decision.kind === 'pass'

/** The copy that may answer in the origin's place. */
function fallbackOf<E extends Entry>(decision: Forward<E> | Pass<E>): E | undefined {
  switch (decision.kind) {
    case 'revalidate':
      return decision.fallback.onError ? decision.entry : undefined
    case 'pass':
      return decision.entry
    case 'fetch':
      return undefined
  }
}
