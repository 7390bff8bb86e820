import type { HerdgateError } from '../errors.ts'
import type { Entry, Lease } from '../model.ts'

/** How a fetch ended, known at the response's head. */
export type Landed<E extends Entry, D> =
  /** For everyone: being stored, or a stored response found still good (`validated`). */
  | {
      readonly kind: 'entry'
      readonly entry: E
      readonly status: number
      readonly validated: boolean
      /** Another who shares the stores has fetched and stored it. */
      readonly elsewhere?: boolean | undefined
    }
  /** For the request that started the fetch, alone, and why. */
  | {
      readonly kind: 'direct'
      readonly reply: D
      readonly status: number
      readonly why: string
      /** An error that may be gone with the next request: a copy that may stand in for it stays. */
      readonly passing?: boolean | undefined
      /** A stored response that this answer shows to be out of date. */
      readonly outdated?: E | undefined
    }
  /** The origin answered that it failed (5xx). A stale copy may stand in for it; `shared`: so may it for others. */
  | { readonly kind: 'failed'; readonly reply: D; readonly status: number; readonly shared: boolean }
  /** There was no answer. */
  | { readonly kind: 'error'; readonly error: HerdgateError }

/** One fetch in progress, from before the request leaves until its response is stored or given up. */
export interface Flight<E extends Entry, D> {
  readonly url: string
  readonly generation: string
  /** Where the invalidation log stood when it began. */
  readonly position: number
  readonly startedAt: number
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

/** Answers on their way to one asker alone each, by the key of what they may be worth keeping for. */
export class Passes {
  readonly #byKey = new Map<string, Set<Pass>>()

  begin(key: string): Pass {
    const pass: Pass = { key, superseded: false }
    const passes = this.#byKey.get(key)
    if (passes === undefined) this.#byKey.set(key, new Set([pass]))
    else passes.add(pass)
    return pass
  }

  end(pass: Pass): void {
    const passes = this.#byKey.get(pass.key)
    passes?.delete(pass)
    if (passes?.size === 0) this.#byKey.delete(pass.key)
  }

  /** What they bring is older than what is now at the key. */
  supersede(key: string): void {
    for (const pass of this.#byKey.get(key) ?? []) pass.superseded = true
  }
}

export interface Pass {
  readonly key: string
  superseded: boolean
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
    this.#byKey.delete(key)
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
