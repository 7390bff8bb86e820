import type { Events } from '../events.ts'
import { byResult, hitRatioOf, isFromCache, type Result, type TierUsage } from '../model.ts'

export interface Statistics {
  /** Answered requests and library look-ups, by result. */
  readonly requests: Readonly<Record<Result, number>>
  /** Share (0 to 1) answered without waiting for the origin; passes, errors and shed requests are not counted. */
  readonly hitRatio: number
  /** The usual time of the route's origin or of a load, summed over all answers from the cache, in milliseconds. */
  readonly originTimeSavedMs: number
  /** Requests to origins and loads, including failed ones. */
  readonly originRequests: number
  /** Fetches in progress. */
  readonly inFlight: number
  /** Requests and look-ups waiting for a fetch or a store. */
  readonly waiting: number
  readonly tiers: readonly TierUsage[]
  readonly purges: { readonly purge: number; readonly invalidate: number; readonly failed: number }
  readonly log: { readonly generation: string; readonly position: number }
  readonly nodes: readonly { readonly id: string; readonly position: number }[]
}

/** Weight of a new sample in a route's usual origin time. */
const WEIGHT = 0.1

const movingAverage = (usual: number | undefined, ms: number): number =>
  usual === undefined ? ms : usual + WEIGHT * (ms - usual)

/** Counters since the cache was created. */
export class Counts {
  readonly requests: Record<Result, number> = byResult(() => 0)
  readonly purges = { purge: 0, invalidate: 0, failed: 0 }
  originTimeSavedMs = 0
  originRequests = 0
  /** Moving average of the time to an origin's response head, by route, in ms. */
  readonly #usualMs = new Map<string, number>()
  /** The same for loads. */
  #usualLoadMs: number | undefined

  constructor(events: Events) {
    events.on('request', ({ outcome: { result }, route }) => {
      this.#count(result)
      if (isFromCache(result)) this.originTimeSavedMs += this.#usualMs.get(route) ?? 0
    })
    events.on('origin', ({ route, code, ms }) => {
      this.originRequests++
      // A failure may take as long as a timeout, or no time at all.
      if (/^\d/.test(code)) this.#usualMs.set(route, movingAverage(this.#usualMs.get(route), ms))
    })
    events.on('purge', ({ mode, outcome }) => {
      this.purges[outcome === 'done' ? mode : 'failed']++
    })
  }

  /** A value was looked up and found. */
  countValueHit(): void {
    this.requests.hit++
    this.originTimeSavedMs += this.#usualLoadMs ?? 0
  }

  /** Another caller's load returned the value. */
  countCollapsedValue(): void {
    this.requests.collapsed++
  }

  /** A value was looked up. */
  countValueAnswer(result: Result): void {
    this.#count(result)
    if (isFromCache(result)) this.originTimeSavedMs += this.#usualLoadMs ?? 0
  }

  /** A value is being loaded. */
  countLoad(): void {
    this.originRequests++
  }

  /** A value was loaded. */
  sampleLoad(ms: number): void {
    this.#usualLoadMs = movingAverage(this.#usualLoadMs, ms)
  }

  get hitRatio(): number {
    return hitRatioOf(this.requests)
  }

  /** The most frequent result by its literal name: a computed property takes V8 longer. */
  #count(result: Result): void {
    if (result === 'hit') this.requests.hit++
    else this.requests[result]++
  }
}
