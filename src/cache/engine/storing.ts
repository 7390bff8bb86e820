import type { Fate } from '../../body.ts'
import {
  type Anew,
  type Awaitable,
  type Clock,
  type Entry,
  type FetchEnding,
  type InvalidationLog,
  isLater,
  type Kept,
  type Order,
  type Stamp,
  type Store,
  type Stored,
  type Written,
} from '../../model.ts'
import type { AnyFlight, Flight, Flights } from './flights.ts'
import { isInUse } from './in-use.ts'
import { known } from './lookup.ts'
import type { Question } from './question.ts'
import { stampOf } from './stamp.ts'
import { type Announcement, Variants } from './variants.ts'
import { withStored } from './with-stored.ts'

export interface StoringParts {
  readonly store: Store
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly flights: Flights
  /** Content of up to this length reaches all who share the store; undefined: nobody else uses it. */
  readonly maxSharedBytes: number | undefined
}

/** Where an entry comes from. */
export interface KeepOptions<E extends Entry, D> {
  /** Absent: it was fetched for one asker alone. */
  readonly flight?: Flight<E, D>
  /** Only the fields of what is there are newer, not its content: it is no reason to give up a fetch in progress. */
  readonly sameContent?: boolean
}

/** How long an unshareable answer is remembered, in ms. */
const UNSHAREABLE_FOR = 30_000
const NO_TAGS: readonly string[] = []

/** What follows from an answer: entries, "varies on", "unshareable". Nothing that the log has overtaken is put. */
export class Storing {
  readonly #store: Store
  readonly #log: InvalidationLog
  readonly #clock: Clock
  readonly #flights: Flights
  readonly #maxSharedBytes: number | undefined
  readonly #variants: Variants

  constructor({ store, log, clock, flights, maxSharedBytes }: StoringParts) {
    this.#store = store
    this.#log = log
    this.#clock = clock
    this.#flights = flights
    this.#maxSharedBytes = maxSharedBytes
    this.#variants = new Variants({ store, log, clock })
  }

  /**
   * Stores an entry when all of it has arrived. Until then its flight, if it has one, answers those who come; where the
   * resource varies that is known at once, so that others ask for their own variant.
   * @param now which it is now
   * @returns what is known of that at once, which may be nothing
   */
  keep<E extends Entry, D>(
    question: Question<E, D>,
    entry: E,
    key: string,
    { flight, sameContent = false }: KeepOptions<E, D>,
    now = this.#clock.now(),
  ): Written {
    const on = question.variesOn(entry)
    const target = on.length === 0 ? question.key : question.variantKey(on)
    const mayAnnounce = flight?.isSuperseded !== true && this.#log.verdict(entry) === 'valid'
    const announced = on.length > 0 && mayAnnounce ? this.#announce(question, entry, on, target, flight) : undefined
    const leadsThere = on.length > 0 || !question.isError(entry) // others' variants are not to wait for an error
    if (flight?.isSuperseded === false && leadsThere && target + question.apart !== key) {
      this.#flights.lead(target + question.apart, flight)
    }
    if (flight?.lease !== undefined && !this.#fitsAll(question, entry)) {
      void flight.lease.release('unshared')
      flight.lease = undefined
    }
    const isOutOfPlace = flight?.isSuperseded === true || this.#isKnownToYield(question, entry, target)
    const arriving = { question, entry, target, key, flight, sameContent, announced }
    const fate = question.fate(entry)
    if (fate instanceof Promise) void fate.then((late) => this.#settle(arriving, late, this.#clock.now()))
    else this.#settle(arriving, fate, now)
    return isOutOfPlace ? 'lost' : undefined
  }

  /** Is it an error for which there is no place, as far as that is known without asking further away? */
  #isKnownToYield<E extends Entry, D>(question: Question<E, D>, entry: E, target: string): boolean {
    if (this.#maxSharedBytes !== undefined || !question.isError(entry)) return false
    return this.#placeFor(question, entry, target) === undefined
  }

  #announce<E extends Entry, D>(
    question: Question<E, D>,
    entry: E,
    on: readonly string[],
    variant: string,
    flight: Flight<E, D> | undefined,
  ): Awaitable<Announcement> {
    this.#flights.cross(question.key, entry.startedAt)
    const isStaying = (kept: Kept) => this.#isStaying(kept, entry, flight)
    return this.#variants.announce(
      question,
      entry,
      on,
      variant,
      isStaying,
      this.#isAlone(flight) ? undefined : this.#anew,
    )
  }

  #settle<E extends Entry, D>(arriving: Arriving<E, D>, fate: Fate, now: number): void {
    const { question, entry, key, flight } = arriving
    const isValid = this.#log.verdict(entry) === 'valid'
    const isCurrent = flight !== undefined && !flight.isSuperseded && this.#flights.get(key) === flight
    const isWanted = flight === undefined || isCurrent || (fate === 'kept' && this.#isWantedMeanwhile(flight, key))
    const write = (announcement: Announcement | undefined): Awaitable<Written> =>
      announcement?.isOutOfPlace === true ? undefined : this.#write(arriving, fate, isCurrent, now)
    const { announced: said } = arriving
    const written = !isWanted || !isValid ? undefined : said instanceof Promise ? said.then(write) : write(said)
    const announced = settleAnnounced(arriving.announced, isWanted && isValid ? fate : 'broken')
    const isForOthers = fate === 'kept' && this.#fitsAll(question, entry)
    const left = (...results: readonly Written[]) => {
      if (flight === undefined) return
      this.#flights.leave(flight, endingOf(isForOthers && !results.includes('lost'), isValid))
    }
    if (written instanceof Promise || announced instanceof Promise) {
      void Promise.all([written, announced]).then(
        (results) => left(...results),
        () => left('lost'),
      )
    } else {
      left(written, announced)
    }
  }

  /**
   * Another fetch has the key by now, but has not ended. To wait for that one would mean that what arrives slowly is
   * never stored while many ask for it.
   */
  #isWantedMeanwhile<E extends Entry, D>(flight: Flight<E, D>, key: string): boolean {
    const current = this.#flights.get(key)
    return current !== undefined && current.result?.kind !== 'direct' && !flight.isSuperseded
  }

  /** As far as is known, it is small enough for the others to read it. */
  #fitsAll<E extends Entry, D>(question: Question<E, D>, entry: E): boolean {
    return (question.lengthOf(entry) ?? 0) <= (this.#maxSharedBytes ?? Number.POSITIVE_INFINITY)
  }

  #write<E extends Entry, D>(
    { question, entry, target, key, flight, sameContent }: Arriving<E, D>,
    fate: Fate,
    isCurrent: boolean,
    now: number,
  ): Awaitable<Written> {
    switch (fate) {
      case 'kept':
        if (flight === undefined && question.apart !== '') this.#forgetUnshareable(key)
        if (question.isPart(entry)) return this.#putPart(question, target, entry)
        if (question.isError(entry)) return this.#putError(question, target, entry, flight)
        if (isCurrent && target === key && this.#isAlone(flight)) return this.put(target, entry, now)
        return this.#putInOrder(target, entry, flight, sameContent)
      case 'outgrown':
        return this.#rememberOutgrown(question, question.isError(entry) ? key : target + question.apart, entry, flight)
      case 'broken':
        return undefined
    }
  }

  /** As far as is known, nobody else has fetched the same since. */
  #isAlone(flight: AnyFlight | undefined): boolean {
    if (flight === undefined || flight.isCrossed) return false
    if (this.#maxSharedBytes === undefined) return true
    return flight.lease !== undefined && flight.lease.isDoubtful !== true
  }

  /** Others who share the store may have put there what this process has not read. */
  get #anew(): Anew | undefined {
    return this.#maxSharedBytes === undefined ? undefined : { past: undefined, generation: this.#log.generation }
  }

  /** What is remembered apart is not replaced by what is put for all. */
  #forgetUnshareable(key: string): void {
    const forget = (kept: Kept) => {
      if (known(kept)?.kind === 'unshareable') void this.#store.delete(key)
    }
    void withStored(this.#store, key, forget)
  }

  put(key: string, entry: Entry, now = this.#clock.now()): Awaitable<Written> {
    return this.#store.set(key, entry, entry.keepUntil - now)
  }

  /** Puts an entry in the place of the same one as it was before, unless something else is there by now. */
  outdate(key: string, outdated: Entry): void {
    const replace = (stored: Kept) => {
      const isThere = isEntry(stored) && isSame(stored, outdated)
      if (isThere && this.#log.verdict(stored) !== 'dead') void this.put(key, outdated)
    }
    void withStored(this.#store, key, replace)
  }

  /** Others may have put something there: those for whom another fetch was, one alone, or another process. */
  #putInOrder(key: string, entry: Entry, flight: AnyFlight | undefined, sameContent: boolean): Awaitable<Written> {
    const put = (kept: Kept): Awaitable<Written> => {
      if (this.#isStaying(kept, entry, flight)) return undefined
      if (!sameContent) this.#overtake(key, entry, flight)
      return this.#replace(key, kept, entry)
    }
    return withStored(this.#store, key, put, this.#anew)
  }

  /** Of variants no more is to be found than of anything else that is replaced. */
  #replace(key: string, kept: Kept, entry: Entry): Awaitable<Written> {
    const replaced = known(kept)
    if (replaced?.kind === 'varies') {
      this.#variants.drop(replaced.variants)
      for (const variant of replaced.variants) this.#overtake(variant, entry, undefined)
    }
    return this.put(key, entry)
  }

  /**
   * Does what is there stay? If it was asked for later, or put here meanwhile; but not the very copy that was to be
   * replaced: the clock behind it may be ahead.
   */
  #isStaying(kept: Kept, arrived: Order, flight: AnyFlight | undefined): boolean {
    if (flight?.isSuperseded === true) return true
    const stored = known(kept)
    if (stored === undefined || stored.kind === 'unshareable') return false
    if (!isLater(stored, arrived) || this.#log.verdict(stored) !== 'valid') return false
    if (flight?.past === undefined) return true
    return stored.kind === 'varies' ? isLater(stored, flight.past) : !isSame(stored, flight.past)
  }

  /** Another fetch in progress that began before it does not take its place. */
  #overtake(key: string, { startedAt }: Entry, own: AnyFlight | undefined): void {
    const flight = this.#flights.get(key)
    if (flight !== undefined && flight !== own && flight.startedAt < startedAt) this.#flights.drop(key)
  }

  #putError<E extends Entry, D>(
    question: Question<E, D>,
    target: string,
    error: E,
    flight: AnyFlight | undefined,
  ): Awaitable<Written> {
    const put = (place: string | undefined): Awaitable<Written> =>
      place === undefined ? 'lost' : this.#putInOrder(place, error, flight, false)
    const place = this.#placeFor(question, error, target)
    return place instanceof Promise ? place.then(put) : put(place)
  }

  /**
   * An error takes the place of nothing that may still answer somebody: neither of a copy nor, since it may be for this
   * asker's variant alone, of all variants. Beside them it is one more, if nothing else is said to tell whom it is for.
   * @returns undefined where there is no place for it
   */
  #placeFor<E extends Entry, D>(question: Question<E, D>, error: E, target: string): Awaitable<string | undefined> {
    const isFree = (kept: Kept) => !isInUse(question, known(kept), this.#log, this.#clock.now())
    const amongVariants = (on: readonly string[]): Awaitable<string | undefined> => {
      if (!question.variesOn(error).every((name) => on.includes(name))) return undefined
      const key = question.variantKey(on)
      return withStored(this.#store, key, (kept) => (isFree(kept) ? key : undefined), this.#anew)
    }
    const beside = (kept: Kept): Awaitable<string | undefined> => {
      if (isFree(kept)) return target
      const standing = known(kept)
      return standing?.kind === 'varies' ? amongVariants(standing.on) : undefined
    }
    return withStored(this.#store, question.key, beside, this.#anew)
  }

  /** A part is put together with what is there. */
  #putPart<E extends Entry, D>(question: Question<E, D>, key: string, part: E): Awaitable<Written> {
    const join = (kept: Kept): Awaitable<Written> => {
      if (!this.#log.holds(part)) return 'lost' // by now
      const stored = known(kept)
      const valid = stored !== undefined && this.#log.verdict(stored) === 'valid' ? stored : undefined
      const settled = question.settled(part, valid)
      if (settled !== undefined) return this.#replace(key, kept, settled)
      return valid === undefined ? 'lost' : undefined // else there is as much, or something later
    }
    return withStored(this.#store, key, join, this.#anew)
  }

  /** That it is too large is not remembered in the place of a part of it, which may still answer. */
  #rememberOutgrown<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    entry: E,
    flight: AnyFlight | undefined,
  ): Awaitable<Written> {
    const remember = (kept: Kept): Awaitable<Written> => {
      const stored = known(kept)
      const isPart = stored !== undefined && question.isEntry(stored) && question.isPart(stored)
      if (isPart && isInUse(question, stored, this.#log, this.#clock.now())) return undefined
      if (stored?.kind === 'varies') this.#variants.drop(stored.variants)
      return this.rememberUnshareable(key, entry, flight)
    }
    return withStored(this.#store, key, remember)
  }

  /**
   * Requests at this key go side by side from now on, until an answer is found that may be shared; unless one was asked
   * for later.
   * @param flight absent: it was fetched for one asker alone
   */
  rememberUnshareable(key: string, of: Stamp, flight?: AnyFlight): Awaitable<Written> {
    const keepUntil = this.#clock.now() + UNSHAREABLE_FOR
    const marker: Stored = { kind: 'unshareable', keepUntil, ...stampOf(of.url, NO_TAGS, of) }
    if (this.#isAlone(flight)) return this.#store.set(key, marker, UNSHAREABLE_FOR)
    const put = (kept: Kept): Awaitable<Written> =>
      this.#isStaying(kept, { askedAt: of.startedAt }, flight)
        ? undefined
        : this.#store.set(key, marker, UNSHAREABLE_FOR)
    return withStored(this.#store, key, put, this.#anew)
  }
}

/** An entry that is kept when all of it has arrived. */
interface Arriving<E extends Entry, D> {
  readonly question: Question<E, D>
  readonly entry: E
  /** Where it is put. */
  readonly target: string
  /** What its flight was begun for. */
  readonly key: string
  readonly flight: Flight<E, D> | undefined
  readonly sameContent: boolean
  /** Of what has been said at the resource's key. */
  readonly announced: Awaitable<Announcement> | undefined
}

/** @returns what became of "varies on ..." at the resource's key */
function settleAnnounced(announced: Awaitable<Announcement> | undefined, fate: Fate): Awaitable<Written> {
  const settle = (announcement: Announcement): Written => {
    announcement.settle(fate)
    return announcement.written
  }
  if (announced === undefined) return undefined
  return announced instanceof Promise ? announced.then(settle) : settle(announced)
}

/** What those who wait in other processes are told. */
function endingOf(isStored: boolean, isValid: boolean): FetchEnding {
  if (!isStored) return 'unshared'
  return isValid ? 'stored' : 'overtaken'
}

/** One entry, whichever tier it was read from. */
const isSame = (a: Entry, b: Entry): boolean => a.position === b.position && a.bornAt === b.bornAt

const isEntry = (kept: Kept): kept is Entry => {
  const kind = known(kept)?.kind
  return kind === 'response' || kind === 'value'
}
