import {
  type Anew,
  type Awaitable,
  type Clock,
  type Entry,
  type InvalidationLog,
  isEntry,
  isLater,
  type Kept,
  known,
  type Order,
  type Stamp,
  type Store,
  type Stored,
  type Written,
} from '../../model.ts'
import type { AnyFlight, Flights } from './flights.ts'
import { isInUse } from './in-use.ts'
import type { Question } from './question.ts'
import { NO_TAGS, stampOf } from './stamp.ts'
import type { Variants } from './variants.ts'
import { withStored } from './with-stored.ts'

export interface PlacingParts {
  readonly store: Store
  readonly variants: Variants
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly flights: Flights
  /** As in `StoringParts`: undefined if no other process uses the store. */
  readonly maxSharedBytes: number | undefined
}

/** How long an unshareable marker is kept, in ms. */
const UNSHAREABLE_FOR = 30_000

/**
 * Stores what has arrived, unless the existing entry has to stay: because it was requested later or, if an error
 * arrives, because it may still answer.
 */
export class Placing {
  readonly #store: Store
  readonly #variants: Variants
  readonly #log: InvalidationLog
  readonly #clock: Clock
  readonly #flights: Flights
  readonly #maxSharedBytes: number | undefined

  constructor({ store, variants, log, clock, flights, maxSharedBytes }: PlacingParts) {
    this.#store = store
    this.#variants = variants
    this.#log = log
    this.#clock = clock
    this.#flights = flights
    this.#maxSharedBytes = maxSharedBytes
  }

  /**
   * Whether an error, or an entry that was fetched for one caller only, would not be stored because of what is stored
   * now, as far as that is known synchronously.
   */
  wouldNotBeStored<E extends Entry, D>(
    question: Question<E, D>,
    entry: E,
    target: string,
    flight: AnyFlight | undefined,
    updated: E | undefined,
  ): boolean {
    const place = question.isError(entry) ? this.#placeFor(question, entry, target, undefined) : target
    if (place === undefined) return true
    if (place instanceof Promise || flight !== undefined || question.isPart(entry)) return false
    const kept = this.#store.get(place)
    return !(kept instanceof Promise) && this.isStaying(kept, entry, undefined, updated)
  }

  /** Drops the unshareable marker of a collapse partition: an entry stored under the shared key does not replace it. */
  forgetUnshareable(key: string): void {
    const forget = (kept: Kept) => {
      if (known(kept)?.kind === 'unshareable') void this.#store.delete(key)
    }
    void withStored(this.#store, key, forget)
  }

  put(key: string, entry: Entry, now = this.#clock.now()): Awaitable<Written> {
    return this.#store.set(key, entry, entry.keepUntil - now)
  }

  /** Replaces an entry by its outdated form, unless another entry has been stored meanwhile. */
  outdate(key: string, outdated: Entry): void {
    const replace = (kept: Kept) => {
      const stored = known(kept)
      if (isEntry(stored) && isSame(stored, outdated)) void this.put(key, outdated)
    }
    void withStored(this.#store, key, replace, this.anew)
  }

  /**
   * Stores an entry under a key to which other shared fetches, passes or processes may have written meanwhile.
   * @param updated the stored entry whose fields it updates: no reason to supersede a fetch in progress
   */
  putInOrder(key: string, entry: Entry, flight: AnyFlight | undefined, updated?: Entry): Awaitable<Written> {
    const put = (kept: Kept): Awaitable<Written> => {
      if (this.isStaying(kept, entry, flight, updated)) return undefined
      if (updated === undefined) this.#overtake(key, entry, flight)
      return this.#replace(key, kept, entry)
    }
    return withStored(this.#store, key, put, this.anew)
  }

  /** Replacing a "varies" marker also drops its variants. */
  #replace(key: string, kept: Kept, entry: Entry): Awaitable<Written> {
    const replaced = known(kept)
    if (replaced?.kind === 'varies') this.#variants.drop(replaced.variants)
    return this.put(key, entry)
  }

  /** Another fetch in progress that began earlier must not replace this entry. */
  #overtake(key: string, { startedAt }: Entry, own: AnyFlight | undefined): void {
    const flight = this.#flights.get(key)
    if (flight !== undefined && flight !== own && flight.startedAt < startedAt) this.#flights.drop(key)
  }

  putError<E extends Entry, D>(
    question: Question<E, D>,
    target: string,
    error: E,
    flight: AnyFlight | undefined,
  ): Awaitable<Written> {
    const put = (place: string | undefined): Awaitable<Written> =>
      place === undefined ? 'lost' : this.putInOrder(place, error, flight)
    const place = this.#placeFor(question, error, target, this.anew)
    return place instanceof Promise ? place.then(put) : put(place)
  }

  /**
   * The key for an error. An error must not replace anything that may still answer: neither a copy nor, as it may
   * concern this caller's variant only, a "varies" marker. It may become a variant if it varies on no further fields.
   * @returns undefined if it is not to be stored
   */
  #placeFor<E extends Entry, D>(
    question: Question<E, D>,
    error: E,
    target: string,
    anew: Anew | undefined,
  ): Awaitable<string | undefined> {
    const isFree = (kept: Kept) => !isInUse(question, known(kept), this.#log, this.#clock.now())
    const amongVariants = (on: readonly string[]): Awaitable<string | undefined> => {
      if (!question.variesOn(error).every((name) => on.includes(name))) return undefined
      const key = question.variantKey(on)
      return withStored(this.#store, key, (kept) => (isFree(kept) ? key : undefined), anew)
    }
    const decidePlace = (kept: Kept): Awaitable<string | undefined> => {
      if (isFree(kept)) return target
      const existing = known(kept)
      return existing?.kind === 'varies' ? amongVariants(existing.on) : undefined
    }
    return withStored(this.#store, question.key, decidePlace, anew)
  }

  /** Combines a part with what is stored, unless that is a "varies" marker that stays. */
  putPart<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    part: E,
    flight: AnyFlight | undefined,
  ): Awaitable<Written> {
    const join = (kept: Kept): Awaitable<Written> => {
      if (!this.#log.holds(part)) return 'lost' // the log's generation has changed meanwhile
      const stored = known(kept)
      if (stored?.kind === 'varies' && this.isStaying(kept, part, flight)) return undefined
      const valid = stored !== undefined && this.#log.verdict(stored) === 'valid' ? stored : undefined
      const result = question.entryToStore(part, valid)
      if (result !== undefined) return this.#replace(key, kept, result)
      return valid === undefined ? 'lost' : undefined // otherwise as much, or something later, is already stored
    }
    return withStored(this.#store, key, join, this.anew)
  }

  /** Remembers that a response is too large, unless a part of it is stored that may still answer. */
  rememberOutgrown<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    entry: E,
    flight: AnyFlight | undefined,
  ): Awaitable<Written> {
    const remember = (kept: Kept): Awaitable<Written> => {
      const stored = known(kept)
      const isPart = stored !== undefined && question.isEntry(stored) && question.isPart(stored)
      if (isPart && isInUse(question, stored, this.#log, this.#clock.now())) return undefined
      if (stored?.kind === 'varies') {
        if (this.isStaying(kept, entry, flight)) return undefined
        this.#variants.drop(stored.variants)
      }
      return this.rememberUnshareable(key, entry, flight)
    }
    return withStored(this.#store, key, remember)
  }

  /**
   * From now on requests for this key do not wait for each other, until an answer can be shared. Does nothing if an
   * entry that was requested later is stored.
   * @param flight absent: it was fetched for one caller only
   */
  rememberUnshareable(key: string, of: Stamp, flight?: AnyFlight): Awaitable<Written> {
    const keepUntil = this.#clock.now() + UNSHAREABLE_FOR
    const marker: Stored = { kind: 'unshareable', keepUntil, ...stampOf(of.url, NO_TAGS, of) }
    if (this.isUncontested(flight)) return this.#store.set(key, marker, UNSHAREABLE_FOR)
    const put = (kept: Kept): Awaitable<Written> =>
      this.isStaying(kept, { askedAt: of.startedAt }, flight)
        ? undefined
        : this.#store.set(key, marker, UNSHAREABLE_FOR)
    return withStored(this.#store, key, put, this.anew)
  }

  /**
   * Whether what is stored stays: `flight` is superseded, or the stored entry is valid, was requested later and is not
   * the copy that `flight` was to replace, which may look newer only because another machine's clock is ahead. Or it is
   * valid and not the entry that is to be `updated`: it may have been requested before the update, and yet be newer than
   * the content of that entry.
   */
  isStaying(kept: Kept, arrived: Order, flight: AnyFlight | undefined, updated?: Entry): boolean {
    if (flight?.isSuperseded === true) return true
    const stored = known(kept)
    if (stored === undefined || this.#log.verdict(stored) !== 'valid') return false
    if (updated !== undefined && isAnother(stored, updated)) return true
    if (stored.kind === 'unshareable' || !isLater(stored, arrived)) return false
    return flight?.previous === undefined || isAnother(stored, flight.previous)
  }

  /** Whether, as far as is known, nobody else has fetched the same since. */
  isUncontested(flight: AnyFlight | undefined): boolean {
    if (flight === undefined || flight.hasNewerMarker) return false
    if (this.#maxSharedBytes === undefined) return true
    return flight.lease !== undefined && flight.lease.isDoubtful !== true
  }

  /** For reads before a write: other processes that share the store may have written what this one has not read. */
  get anew(): Anew | undefined {
    return this.#maxSharedBytes === undefined ? undefined : { past: undefined, generation: this.#log.generation }
  }
}

/** Whether both are the same entry, perhaps read from different tiers. */
const isSame = (a: Entry, b: Entry): boolean => a.position === b.position && a.bornAt === b.bornAt

/** Whether it has come in place of this entry. A "varies" marker from before belongs to it. */
const isAnother = (stored: Stored, entry: Entry): boolean =>
  stored.kind === 'varies' ? isLater(stored, entry) : !(isEntry(stored) && isSame(stored, entry))
