import {
  type Anew,
  type Awaitable,
  type Clock,
  type Entry,
  type InvalidationLog,
  isLater,
  type Kept,
  type Order,
  type Stamp,
  type Store,
  type Stored,
  type Written,
} from '../../model.ts'
import type { AnyFlight, Flights } from './flights.ts'
import { isInUse } from './in-use.ts'
import { known } from './lookup.ts'
import type { Question } from './question.ts'
import { stampOf } from './stamp.ts'
import type { Variants } from './variants.ts'
import { withStored } from './with-stored.ts'

export interface PlacingParts {
  readonly store: Store
  readonly variants: Variants
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly flights: Flights
  /** As of storing: undefined where nobody else uses the store. */
  readonly maxSharedBytes: number | undefined
}

/** How long an unshareable answer is remembered, in ms. */
const UNSHAREABLE_FOR = 30_000
const NO_TAGS: readonly string[] = []

/**
 * Puts what has arrived into its place, unless what stands there is to stay: what was asked for later, and where an error
 * arrives, what may still answer.
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

  /** Is it an error for which there is no place, as far as that is known at once? */
  isKnownToYield<E extends Entry, D>(question: Question<E, D>, entry: E, target: string): boolean {
    return question.isError(entry) && this.#placeFor(question, entry, target, undefined) === undefined
  }

  /** What is remembered apart is not replaced by what is put for all. */
  forgetUnshareable(key: string): void {
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
      if (isEntry(stored) && isSame(stored, outdated)) void this.put(key, outdated)
    }
    void withStored(this.#store, key, replace)
  }

  /** Others may have put something there: those for whom another fetch was, one alone, or another process. */
  putInOrder(key: string, entry: Entry, flight: AnyFlight | undefined, sameContent: boolean): Awaitable<Written> {
    const put = (kept: Kept): Awaitable<Written> => {
      if (this.isStaying(kept, entry, flight)) return undefined
      if (!sameContent) this.#overtake(key, entry, flight)
      return this.#replace(key, kept, entry)
    }
    return withStored(this.#store, key, put, this.anew)
  }

  /** Of variants no more is to be found than of anything else that is replaced. */
  #replace(key: string, kept: Kept, entry: Entry): Awaitable<Written> {
    const replaced = known(kept)
    if (replaced?.kind === 'varies') this.#variants.drop(replaced.variants)
    return this.put(key, entry)
  }

  /** Another fetch in progress that began before it does not take its place. */
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
      place === undefined ? 'lost' : this.putInOrder(place, error, flight, false)
    const place = this.#placeFor(question, error, target, this.anew)
    return place instanceof Promise ? place.then(put) : put(place)
  }

  /**
   * An error takes the place of nothing that may still answer somebody: neither of a copy nor, since it may be for this
   * asker's variant alone, of all variants. Beside them it is one more, if nothing else is said to tell whom it is for.
   * @returns undefined where there is no place for it
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
    const beside = (kept: Kept): Awaitable<string | undefined> => {
      if (isFree(kept)) return target
      const standing = known(kept)
      return standing?.kind === 'varies' ? amongVariants(standing.on) : undefined
    }
    return withStored(this.#store, question.key, beside, anew)
  }

  /** A part is put together with what is there. */
  putPart<E extends Entry, D>(question: Question<E, D>, key: string, part: E): Awaitable<Written> {
    const join = (kept: Kept): Awaitable<Written> => {
      if (!this.#log.holds(part)) return 'lost' // by now
      const stored = known(kept)
      const valid = stored !== undefined && this.#log.verdict(stored) === 'valid' ? stored : undefined
      const settled = question.settled(part, valid)
      if (settled !== undefined) return this.#replace(key, kept, settled)
      return valid === undefined ? 'lost' : undefined // else there is as much, or something later
    }
    return withStored(this.#store, key, join, this.anew)
  }

  /** That it is too large is not remembered in the place of a part of it, which may still answer. */
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
   * Requests at this key go side by side from now on, until an answer is found that may be shared; unless one was asked
   * for later.
   * @param flight absent: it was fetched for one asker alone
   */
  rememberUnshareable(key: string, of: Stamp, flight?: AnyFlight): Awaitable<Written> {
    const keepUntil = this.#clock.now() + UNSHAREABLE_FOR
    const marker: Stored = { kind: 'unshareable', keepUntil, ...stampOf(of.url, NO_TAGS, of) }
    if (this.isAlone(flight)) return this.#store.set(key, marker, UNSHAREABLE_FOR)
    const put = (kept: Kept): Awaitable<Written> =>
      this.isStaying(kept, { askedAt: of.startedAt }, flight)
        ? undefined
        : this.#store.set(key, marker, UNSHAREABLE_FOR)
    return withStored(this.#store, key, put, this.anew)
  }

  /**
   * Does what is there stay? If it was asked for later, or put here meanwhile; but not the very copy that was to be
   * replaced: the clock behind it may be ahead.
   */
  isStaying(kept: Kept, arrived: Order, flight: AnyFlight | undefined): boolean {
    if (flight?.isSuperseded === true) return true
    const stored = known(kept)
    if (stored === undefined || stored.kind === 'unshareable') return false
    if (!isLater(stored, arrived) || this.#log.verdict(stored) !== 'valid') return false
    if (flight?.past === undefined) return true
    return stored.kind === 'varies' ? isLater(stored, flight.past) : !isSame(stored, flight.past)
  }

  /** As far as is known, nobody else has fetched the same since. */
  isAlone(flight: AnyFlight | undefined): boolean {
    if (flight === undefined || flight.isCrossed) return false
    if (this.#maxSharedBytes === undefined) return true
    return flight.lease !== undefined && flight.lease.isDoubtful !== true
  }

  /** Others who share the store may have put there what this process has not read. */
  get anew(): Anew | undefined {
    return this.#maxSharedBytes === undefined ? undefined : { past: undefined, generation: this.#log.generation }
  }
}

/** One entry, whichever tier it was read from. */
const isSame = (a: Entry, b: Entry): boolean => a.position === b.position && a.bornAt === b.bornAt

const isEntry = (kept: Kept): kept is Entry => {
  const kind = known(kept)?.kind
  return kind === 'response' || kind === 'value'
}
