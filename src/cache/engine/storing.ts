import type { Fate } from '../../body.ts'
import type { Awaitable, Clock, Entry, FetchEnding, InvalidationLog, Kept, Written } from '../../model.ts'
import type { Flight, Flights } from './flights.ts'
import type { Placing } from './placing.ts'
import type { Question } from './question.ts'
import type { Announcement, Variants } from './variants.ts'

export interface StoringParts {
  readonly placing: Placing
  readonly variants: Variants
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly flights: Flights
  /** Content of up to this many bytes reaches all processes that share the store; undefined: no other uses it. */
  readonly maxSharedBytes: number | undefined
}

/** Where an entry comes from. */
export interface KeepOptions<E extends Entry, D> {
  /** Absent: it was fetched for one caller only. */
  readonly flight?: Flight<E, D> | undefined
  /** The stored entry of which this is an update: only its fields are newer, not the content. */
  readonly updated?: E | undefined
}

/**
 * Stores what follows from a response, while it arrives and once it is complete: entries, "varies" and "unshareable"
 * markers. Nothing named by a later record of the log is stored.
 */
export class Storing {
  readonly #placing: Placing
  readonly #variants: Variants
  readonly #log: InvalidationLog
  readonly #clock: Clock
  readonly #flights: Flights
  readonly #maxSharedBytes: number | undefined

  constructor({ placing, variants, log, clock, flights, maxSharedBytes }: StoringParts) {
    this.#placing = placing
    this.#variants = variants
    this.#log = log
    this.#clock = clock
    this.#flights = flights
    this.#maxSharedBytes = maxSharedBytes
  }

  /**
   * Stores an entry once it has arrived completely. Until then its flight, if any, answers new callers. A "varies"
   * marker is stored immediately, so that other callers ask for their own variant.
   * @param now the current time
   * @returns what is known at once about the write, perhaps nothing
   */
  keep<E extends Entry, D>(
    question: Question<E, D>,
    entry: E,
    key: string,
    { flight, updated }: KeepOptions<E, D>,
    now = this.#clock.now(),
  ): Written {
    const on = question.variesOn(entry)
    const target = on.length === 0 ? question.key : question.variantKey(on)
    const mayAnnounce = flight?.isSuperseded !== true && this.#log.verdict(entry) === 'valid'
    const announced =
      on.length > 0 && mayAnnounce ? this.#announce(question, entry, on, target, key, { flight, updated }) : undefined
    const mayBeJoined = on.length > 0 || !question.isError(entry) // other variants must not wait for an error
    if (flight?.isSuperseded === false && mayBeJoined && target + question.apart !== key) {
      this.#flights.putUnlessNewer(target + question.apart, flight)
    }
    if (flight?.lease !== undefined && !this.#fitsSharedStores(question, entry)) {
      void flight.lease.release('unshared')
      flight.lease = undefined
    }
    const arriving = { question, entry, target, key, flight, updated, announced }
    const isOutOfPlace = this.#isOutOfPlace(arriving)
    const fate = question.fate(entry)
    if (fate instanceof Promise) void fate.then((late) => this.#settle(arriving, late, this.#clock.now()))
    else this.#settle(arriving, fate, now)
    return isOutOfPlace ? 'lost' : undefined
  }

  /** Whether it is not going to be stored, as far as that is known before its content has arrived. */
  #isOutOfPlace<E extends Entry, D>({ question, entry, target, flight, updated, announced }: Arriving<E, D>): boolean {
    if (flight?.isSuperseded === true) return true
    if (announced !== undefined && !(announced instanceof Promise) && announced.isOutOfPlace) return true
    return this.#placing.wouldNotBeStored(question, entry, target, flight, updated)
  }

  #announce<E extends Entry, D>(
    question: Question<E, D>,
    entry: E,
    on: readonly string[],
    variant: string,
    key: string,
    { flight, updated }: KeepOptions<E, D>,
  ): Awaitable<Announcement> {
    this.#flights.noteNewerMarker(question.key, entry.startedAt)
    const isStaying = (kept: Kept) => this.#placing.isStaying(kept, entry, flight, updated)
    // The lease of a variant is not that of the resource: other processes may announce their variants meanwhile.
    const isUncontested = key === question.key && this.#placing.isUncontested(flight)
    const anew = isUncontested ? undefined : this.#placing.anew
    return this.#variants.announce(question, entry, on, variant, { flight, isStaying, anew })
  }

  #settle<E extends Entry, D>(arriving: Arriving<E, D>, fate: Fate, now: number): void {
    const { question, entry, key, flight, announced } = arriving
    const isValid = this.#log.verdict(entry) === 'valid'
    const isCurrent = flight !== undefined && !flight.isSuperseded && this.#flights.get(key) === flight
    const isWanted = flight === undefined || isCurrent || (fate === 'kept' && this.#isWantedMeanwhile(flight, key))
    const write = (announcement: Announcement | undefined): Awaitable<Written> => {
      if (announcement?.isOutOfPlace === true || flight?.isSuperseded === true) return undefined
      return this.#write(arriving, fate, isCurrent && this.#flights.get(key) === flight, now)
    }
    const isToBePut = isWanted && isValid
    const written = !isToBePut ? undefined : announced instanceof Promise ? announced.then(write) : write(announced)
    const markerWritten = settleAnnounced(announced, isToBePut ? fate : 'broken')
    const isForOthers = fate === 'kept' && this.#fitsSharedStores(question, entry)
    const leave = (...results: readonly Written[]) => {
      if (flight === undefined) return
      this.#flights.leave(flight, endingOf(isForOthers && !results.includes('lost'), isValid))
    }
    if (written instanceof Promise || markerWritten instanceof Promise) {
      void Promise.all([written, markerWritten]).then(
        (results) => leave(...results),
        () => leave('lost'),
      )
    } else {
      leave(written, markerWritten)
    }
  }

  /**
   * Whether another fetch has the key by now, and may still bring a response for everyone. The entry is stored all the
   * same: otherwise a response that arrives slowly would never be stored while it is in demand.
   */
  #isWantedMeanwhile<E extends Entry, D>(flight: Flight<E, D>, key: string): boolean {
    const current = this.#flights.get(key)
    return current !== undefined && current.result?.kind !== 'direct' && !flight.isSuperseded
  }

  /** Whether, as far as is known, it is small enough to reach the other processes. */
  #fitsSharedStores<E extends Entry, D>(question: Question<E, D>, entry: E): boolean {
    return (question.lengthOf(entry) ?? 0) <= (this.#maxSharedBytes ?? Number.POSITIVE_INFINITY)
  }

  #write<E extends Entry, D>(
    { question, entry, target, key, flight, updated }: Arriving<E, D>,
    fate: Fate,
    isCurrent: boolean,
    now: number,
  ): Awaitable<Written> {
    switch (fate) {
      case 'kept':
        if (flight === undefined && question.apart !== '') this.#placing.forgetUnshareable(key)
        if (question.isPart(entry)) return this.#placing.putPart(question, target, entry, flight)
        if (question.isError(entry)) return this.#placing.putError(question, target, entry, flight)
        if (isCurrent && target === key && this.#placing.isUncontested(flight))
          return this.#placing.put(target, entry, now)
        return this.#placing.putInOrder(target, entry, flight, updated)
      case 'outgrown':
        return this.#placing.rememberOutgrown(
          question,
          question.isError(entry) ? key : target + question.apart,
          entry,
          flight,
        )
      case 'broken':
        return undefined
    }
  }
}

/** An entry to be stored once it has arrived completely. */
interface Arriving<E extends Entry, D> {
  readonly question: Question<E, D>
  readonly entry: E
  /** Key to store it under. */
  readonly target: string
  /** Key its flight was launched under. */
  readonly key: string
  readonly flight: Flight<E, D> | undefined
  readonly updated: E | undefined
  /** The "varies" marker stored under the resource's key. */
  readonly announced: Awaitable<Announcement> | undefined
}

/** @returns what became of the "varies" marker under the resource's key */
function settleAnnounced(announced: Awaitable<Announcement> | undefined, fate: Fate): Awaitable<Written> {
  const settle = (announcement: Announcement): Awaitable<Written> => {
    announcement.settle(fate)
    return announcement.written
  }
  if (announced === undefined) return undefined
  return announced instanceof Promise ? announced.then(settle) : settle(announced)
}

/** How the fetch ended, for waiters in other processes. */
function endingOf(isStored: boolean, isValid: boolean): FetchEnding {
  if (!isStored) return 'unshared'
  return isValid ? 'stored' : 'overtaken'
}
