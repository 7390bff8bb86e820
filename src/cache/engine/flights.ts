import type { Beginning, Entry, FetchEnding, Lease, Stamp, Written } from '../../model.ts'
import type { Landed } from './landing.ts'
import { type LimitedWaits, limitedWaits } from './limited-waits.ts'

/** PromiseWithResolvers, as a type that may stand for one of a wider kind. */
interface Deferred<L> {
  readonly promise: Promise<L>
  resolve(landed: L | PromiseLike<L>): void
}

const NO_TAGS: readonly string[] = []

/**
 * One fetch in progress, from before the request leaves until its response is stored or given up. It bears the stamp of
 * its beginning, for the log to judge it by before the response's tags are known.
 */
export class Flight<E extends Entry, D> implements Stamp {
  readonly url: string
  readonly tags = NO_TAGS
  readonly generation: string
  readonly position: number
  checked: number
  readonly startedAt: number
  /** Of the log, when it began. */
  readonly changes: number
  /** Nobody waited for it when it began. */
  readonly background: boolean
  /** The copy that it checks with the origin. */
  readonly past: E | undefined
  /** What it comes to, at hand once that is known. */
  result: Landed<E, D> | undefined
  /** What is known, by the response's head, of its being stored. */
  written: Written = undefined
  /** When the response's head came, and how many ms after the origin was asked: that may be later than it began. */
  landedAt = 0
  tookMs = 0
  /** The right to ask the origin, where others share the stores; they wait until it is given back. */
  lease: Lease | undefined
  /** Something newer was put where it would be kept. */
  isSuperseded = false
  /** What was asked for later varies, which stands there now: what this one brings is put there only in its order. */
  isCrossed = false
  /** Only `Flights` writes it. */
  hasEnded = false
  /** Those that lead or led to it, from the first until it is left; only `Flights` writes them. */
  keys: string[] | undefined
  #landed: Promise<Landed<E, D>> | undefined
  /** For those who join while the loader is being called: it may itself ask for the same key. */
  #awaited: Deferred<Landed<E, D>> | undefined
  #limited: LimitedWaits<Landed<E, D>> | undefined

  constructor(
    url: string,
    { generation, position, startedAt }: Beginning,
    changes: number,
    background: boolean,
    past: E | undefined,
  ) {
    this.url = url
    this.generation = generation
    this.position = position
    this.checked = position
    this.startedAt = startedAt
    this.changes = changes
    this.background = background
    this.past = past
  }

  /** What it comes to. Never rejects. */
  get landed(): Promise<Landed<E, D>> {
    return this.#landed ?? (this.#awaited ??= Promise.withResolvers()).promise
  }

  /** For those who wait for what it comes to only for a time. */
  get limited(): LimitedWaits<Landed<E, D>> {
    return (this.#limited ??= limitedWaits(this.landed))
  }

  /** It has left: this will be what it comes to. */
  launched(landed: Promise<Landed<E, D>>): void {
    this.#landed = landed
    if (this.#awaited !== undefined) this.#awaited.resolve(landed)
  }
}

/** At most one flight per key; everyone who asks meanwhile may share it. */
export class Flights {
  readonly #byKey = new Map<string, AnyFlight>()
  #size = 0

  /** Flights that have not ended. One that failed keeps its place for a while longer. */
  get size(): number {
    return this.#size
  }

  get(key: string): AnyFlight | undefined {
    return this.#byKey.get(key)
  }

  /** From now on `key` leads to this flight; a flight that had the key goes on without it. */
  put(key: string, flight: AnyFlight): void {
    this.#byKey.set(key, flight)
    if (flight.keys === undefined) {
      flight.keys = [key]
      this.#size++
    } else {
      flight.keys.push(key)
    }
  }

  /** The same, unless one that began after it has the key, and is in progress. */
  lead(key: string, flight: AnyFlight): void {
    const other = this.#byKey.get(key)
    if (other === undefined || other.hasEnded || other.startedAt <= flight.startedAt) this.put(key, flight)
  }

  /** The flight that has this key, if any, is superseded. */
  drop(key: string): void {
    const flight = this.#byKey.size > 0 ? this.#byKey.get(key) : undefined
    if (flight !== undefined) this.supersede(flight)
  }

  /** It goes on, but nobody joins it any more and what it brings is not kept. */
  supersede(flight: AnyFlight): void {
    flight.isSuperseded = true
    this.#forget(flight)
  }

  /** What was asked for at that time varies, which is said at this key. */
  cross(key: string, startedAt: number): void {
    const flight = this.#byKey.get(key)
    if (flight !== undefined && flight.startedAt < startedAt) flight.isCrossed = true
  }

  /** What it came to is known and is not being stored; who comes next may share that until it is left. */
  end(flight: AnyFlight): void {
    if (!flight.hasEnded && flight.keys !== undefined) this.#size--
    flight.hasEnded = true
  }

  /** Nobody may join it any more, and those who wait in other processes are told how it ended. */
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

/** Flights of both doors share the table; a door only ever joins flights of its own kind of entry. */
export type AnyFlight = Flight<Entry, unknown>
