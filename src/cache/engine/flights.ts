import type { Entry, Lease, Stamp } from '../../model.ts'
import type { Landed } from './landing.ts'

/**
 * One fetch in progress, from before the request leaves until its response is stored or given up. It bears the stamp of
 * its beginning, for the log to judge it by before the response's tags are known.
 */
export interface Flight<E extends Entry, D> extends Stamp {
  /** Nobody waited for it when it began. */
  readonly background: boolean
  readonly landed: Promise<Landed<E, D>>
  /** The same, at hand once it is known. */
  result: Landed<E, D> | undefined
  /** From its start to the response's head, in ms. */
  tookMs: number | undefined
  /** The right to ask the origin, where others share the stores; they wait until it is given back. */
  lease: Lease | undefined
}

/** At most one flight per key; everyone who asks meanwhile may share it. */
export class Flights {
  readonly #byKey = new Map<string, AnyFlight>()
  readonly #keysOf = new Map<AnyFlight, string[]>()

  get size(): number {
    return this.#keysOf.size
  }

  get(key: string): AnyFlight | undefined {
    return this.#byKey.get(key)
  }

  /** From now on `key` leads to this flight; a flight that had the key goes on without it. */
  put(key: string, flight: AnyFlight): void {
    this.#byKey.set(key, flight)
    const keys = this.#keysOf.get(flight)
    if (keys === undefined) this.#keysOf.set(flight, [key])
    else keys.push(key)
  }

  /** The flight that has this key goes on, but nobody joins it there and what it brings is not kept there. */
  drop(key: string): void {
    if (this.#byKey.size > 0) this.#byKey.delete(key)
  }

  /** Nobody may join it any more. */
  leave(flight: AnyFlight): void {
    for (const key of this.#keysOf.get(flight) ?? []) {
      if (this.#byKey.get(key) === flight) this.#byKey.delete(key)
    }
    this.#keysOf.delete(flight)
  }
}

/** Flights of both doors share the table; a door only ever joins flights of its own kind of entry. */
export type AnyFlight = Flight<Entry, unknown>
