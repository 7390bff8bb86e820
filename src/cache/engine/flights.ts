import { CollectableMap } from '../../collectable.ts'
import type { Beginning, Entry, FetchEnding, Lease, Stamp, Written } from '../../model.ts'
import type { Landed } from './landing.ts'
import { type LimitedWaits, limitedWaits } from './limited-waits.ts'
import { NO_TAGS } from './stamp.ts'

/** PromiseWithResolvers as a covariant type: assignable to one of a wider type. */
interface Deferred<L> {
  readonly promise: Promise<L>
  resolve(landed: L | PromiseLike<L>): void
}

export interface FlightKind {
  /** A background refresh: nobody waited for it when it began. */
  readonly background: boolean
  /**
   * It may end with a stale copy from elsewhere, for which its callers look again. The fetch that they begin then may
   * not: where each copy has to be validated, they would find the next node's time and again, and ask the origin
   * themselves in the end.
   */
  readonly mayEndStale: boolean
}

/**
 * One fetch in progress, from before the request leaves until its response is stored or given up. It carries a stamp,
 * so that the log can judge it before the response's tags are known.
 */
export class Flight<E extends Entry, D> implements Stamp {
  readonly url: string
  readonly tags = NO_TAGS
  readonly generation: string
  readonly position: number
  checked: number
  readonly startedAt: number
  /** `changes` of the log when the flight began. */
  readonly changes: number
  readonly background: boolean
  readonly mayEndStale: boolean
  /** The copy it revalidates. */
  readonly previous: E | undefined
  /** Set once it has landed. */
  result: Landed<E, D> | undefined
  /** What is known about storing the response when its head arrives. */
  written: Written = undefined
  /** When the response's head arrived, and how many ms after asking the origin, which may be later than `startedAt`. */
  landedAt = 0
  tookMs = 0
  /** The right to ask the origin if the stores are shared; other processes wait until it is released. */
  lease: Lease | undefined
  /** Something newer was stored in its place. */
  isSuperseded = false
  /** A later fetch has stored a "varies" marker under its key: its result may only be stored after comparing order. */
  hasNewerMarker = false
  /** Written only by `Flights`. */
  hasEnded = false
  /** All keys under which it is or was registered; undefined before the first and once left. Written by `Flights`. */
  keys: string[] | undefined
  #landed: Promise<Landed<E, D>> | undefined
  /** For callers that join while the loader is being called: the loader itself may ask for the same key. */
  #awaited: Deferred<Landed<E, D>> | undefined
  #limited: LimitedWaits<Landed<E, D>> | undefined

  constructor(
    url: string,
    { generation, position, startedAt }: Beginning,
    changes: number,
    { background, mayEndStale }: FlightKind,
    previous: E | undefined,
  ) {
    this.url = url
    this.generation = generation
    this.position = position
    this.checked = position
    this.startedAt = startedAt
    this.changes = changes
    this.background = background
    this.mayEndStale = mayEndStale
    this.previous = previous
  }

  /** How it ends. Never rejects. */
  get landed(): Promise<Landed<E, D>> {
    return this.#landed ?? (this.#awaited ??= Promise.withResolvers()).promise
  }

  /** For callers that wait for a limited time. */
  get limited(): LimitedWaits<Landed<E, D>> {
    return (this.#limited ??= limitedWaits(this.landed))
  }

  /** Sets the promise of its result, once the load has begun. */
  launched(landed: Promise<Landed<E, D>>): void {
    this.#landed = landed
    if (this.#awaited !== undefined) this.#awaited.resolve(landed)
  }
}

/** At most one flight per key, for all callers that may share it. */
export class Flights {
  readonly #byKey = new CollectableMap<string, AnyFlight>()
  #size = 0

  /** Flights that have not ended. A failed one stays registered a while longer but is not counted. */
  get size(): number {
    return this.#size
  }

  get(key: string): AnyFlight | undefined {
    return this.#byKey.get(key)
  }

  /** Registers the flight under `key`; a flight that had the key continues without it. */
  put(key: string, flight: AnyFlight): void {
    this.#byKey.set(key, flight)
    if (flight.keys === undefined) {
      flight.keys = [key]
      this.#size++
    } else {
      flight.keys.push(key)
    }
  }

  /** The same, unless a flight in progress that began later has the key. */
  putUnlessNewer(key: string, flight: AnyFlight): void {
    const other = this.#byKey.get(key)
    if (other === undefined || other.hasEnded || other.startedAt <= flight.startedAt) this.put(key, flight)
  }

  /** Supersedes the flight under this key, if any. */
  drop(key: string): void {
    const flight = this.#byKey.size > 0 ? this.#byKey.get(key) : undefined
    if (flight !== undefined) this.supersede(flight)
  }

  /** The flight continues, but nobody may join it any more and its result is not stored. */
  supersede(flight: AnyFlight): void {
    flight.isSuperseded = true
    this.#forget(flight)
  }

  /** A "varies" marker from a fetch begun at `startedAt` was stored under this key. */
  noteNewerMarker(key: string, startedAt: number): void {
    const flight = this.#byKey.get(key)
    if (flight !== undefined && flight.startedAt < startedAt) flight.hasNewerMarker = true
  }

  /** Its result is known and is not being stored; callers may share it until `leave`. */
  end(flight: AnyFlight): void {
    if (!flight.hasEnded && flight.keys !== undefined) this.#size--
    flight.hasEnded = true
  }

  /** Nobody may join it any more, and waiters in other processes learn how it ended. */
  leave(flight: AnyFlight, ending: FetchEnding): void {
    this.#forget(flight)
    this.end(flight)
    flight.keys = undefined
    void flight.lease?.release(ending)
  }

  #forget(flight: AnyFlight): void {
    for (const key of flight.keys ?? []) {
      if (this.#byKey.get(key) === flight) this.#byKey.delete(key)
    }
  }
}

/** Both doors share the table; a door only ever joins flights of its own kind of entry. */
export type AnyFlight = Flight<Entry, unknown>
