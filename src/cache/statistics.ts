import type { Events } from '../events.ts'
import type { Result, TierUsage } from '../model.ts'
import { byResult, hitRatioOf, isFromCache } from './results.ts'

export interface Statistics {
  /** Answered requests and library look-ups, by result. */
  readonly requests: Readonly<Record<Result, number>>
  /** Share answered without waiting for the origin: hit and stale over all but passes and errors. */
  readonly hitRatio: number
  /** Milliseconds clients did not wait: the usual time of the route's origin, once per answer from the cache. */
  readonly originTimeSavedMs: number
  readonly originRequests: number
  /** Fetches in progress. */
  readonly inFlight: number
  /** Requests and look-ups that wait for one, or for a store. */
  readonly waiting: number
  readonly tiers: readonly TierUsage[]
  readonly purges: { readonly purge: number; readonly invalidate: number; readonly failed: number }
  readonly log: { readonly generation: string; readonly position: number }
  readonly nodes: readonly { readonly id: string; readonly position: number }[]
}

/** How much a new sample moves a route's usual origin time. */
const WEIGHT = 0.1

/** Counts what happened since the cache was created. */
export class Counts {
  readonly requests: Record<Result, number> = byResult(() => 0)
  readonly purges = { purge: 0, invalidate: 0, failed: 0 }
  originTimeSavedMs = 0
  originRequests = 0
  /** Moving average of the time to an origin's response head, by route, in ms. */
  readonly #usualMs = new Map<string, number>()

  constructor(events: Events) {
    events.on('request', ({ outcome, route }) => {
      this.requests[outcome.result]++
      if (isFromCache(outcome.result)) this.originTimeSavedMs += this.#usualMs.get(route) ?? 0
    })
    events.on('origin', ({ route, ms }) => this.sampleOrigin(route, ms))
    events.on('purge', ({ mode, outcome }) => {
      this.purges[outcome === 'done' ? mode : 'failed']++
    })
  }

  sampleOrigin(route: string, ms: number): void {
    this.originRequests++
    const usual = this.#usualMs.get(route)
    this.#usualMs.set(route, usual === undefined ? ms : usual + WEIGHT * (ms - usual))
  }

  get hitRatio(): number {
    return hitRatioOf(this.requests)
  }
}
