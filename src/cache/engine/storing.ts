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

/**
 * What follows from an answer while it arrives, and when all of it has: entries, "varies on", "unshareable". Nothing that the
 * log has overtaken is put.
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
    const announced =
      on.length > 0 && mayAnnounce ? this.#announce(question, entry, on, target, key, flight) : undefined
    const leadsThere = on.length > 0 || !question.isError(entry) // others' variants are not to wait for an error
    if (flight?.isSuperseded === false && leadsThere && target + question.apart !== key) {
      this.#flights.lead(target + question.apart, flight)
    }
    if (flight?.lease !== undefined && !this.#fitsAll(question, entry)) {
      void flight.lease.release('unshared')
      flight.lease = undefined
    }
    const isOutOfPlace = flight?.isSuperseded === true || this.#placing.isKnownToYield(question, entry, target)
    const arriving = { question, entry, target, key, flight, sameContent, announced }
    const fate = question.fate(entry)
    if (fate instanceof Promise) void fate.then((late) => this.#settle(arriving, late, this.#clock.now()))
    else this.#settle(arriving, fate, now)
    return isOutOfPlace ? 'lost' : undefined
  }

  #announce<E extends Entry, D>(
    question: Question<E, D>,
    entry: E,
    on: readonly string[],
    variant: string,
    key: string,
    flight: Flight<E, D> | undefined,
  ): Awaitable<Announcement> {
    this.#flights.cross(question.key, entry.startedAt)
    const isStaying = (kept: Kept) => this.#placing.isStaying(kept, entry, flight)
    // Who has the lease of a variant does not have that of the resource: others may announce theirs meanwhile.
    const isAlone = key === question.key && this.#placing.isAlone(flight)
    const anew = isAlone ? undefined : this.#placing.anew
    return this.#variants.announce(question, entry, on, variant, { flight, isStaying, anew })
  }

  #settle<E extends Entry, D>(arriving: Arriving<E, D>, fate: Fate, now: number): void {
    const { question, entry, key, flight, announced: said } = arriving
    const isValid = this.#log.verdict(entry) === 'valid'
    const isCurrent = flight !== undefined && !flight.isSuperseded && this.#flights.get(key) === flight
    const isWanted = flight === undefined || isCurrent || (fate === 'kept' && this.#isWantedMeanwhile(flight, key))
    const write = (announcement: Announcement | undefined): Awaitable<Written> => {
      if (announcement?.isOutOfPlace === true || flight?.isSuperseded === true) return undefined
      return this.#write(arriving, fate, isCurrent && this.#flights.get(key) === flight, now)
    }
    const isToBePut = isWanted && isValid
    const written = !isToBePut ? undefined : said instanceof Promise ? said.then(write) : write(said)
    const announced = settleAnnounced(said, isToBePut ? fate : 'broken')
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
        if (flight === undefined && question.apart !== '') this.#placing.forgetUnshareable(key)
        if (question.isPart(entry)) return this.#placing.putPart(question, target, entry)
        if (question.isError(entry)) return this.#placing.putError(question, target, entry, flight)
        if (isCurrent && target === key && this.#placing.isAlone(flight)) return this.#placing.put(target, entry, now)
        return this.#placing.putInOrder(target, entry, flight, sameContent)
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
  const settle = (announcement: Announcement): Awaitable<Written> => {
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
