/** The shortest path to an answer: a fresh copy in memory, or nothing. */
import type { CacheRequest, Outcome, Route, StoredResponse } from '../../model.ts'
import { admit } from '../../policy/request-checks.ts'
import { keysByFields } from '../../policy/key.ts'
import { classify } from '../../policy/request.ts'
import { isServedPlainly } from '../../policy/reuse.ts'
import { matchRoute } from '../../policy/route.ts'
import type { RememberedReads } from '../engine/reads.ts'
import type { Handle, HttpParts } from './handle.ts'
import { askFor, HttpQuestion } from './question.ts'
import type { Ask } from './response-load.ts'

/**
 * Finds what `handle` would answer synchronously and without side effects to a request without content: a fresh copy
 * whose content is complete. Finds nothing if the store is asynchronous or the request is to be refreshed, refused or
 * forwarded.
 */
export interface Hits {
  /** How a request is looked up; undefined if it is not. */
  planFor(request: CacheRequest): Plan | undefined
  /** Whether a plan is still valid: the configuration may have been reloaded. */
  holds(plan: Plan): boolean
  /** Look-ups for `find`, to be passed on to `handle` if it finds nothing. */
  look(): RememberedReads
  /** @param now epoch milliseconds */
  find(request: CacheRequest, plan: Plan, now: number, reads: RememberedReads): Hit | undefined
  /** The same as `Cache.handle`. */
  readonly handle: Handle
}

export interface Plan {
  readonly route: Route
  readonly ask: Ask
  /** The plan is the same for every plain request (see CacheRequest) with this method and URL. */
  readonly general: boolean
  readonly routeAt: number
}

export interface Hit {
  readonly route: Route
  readonly entry: StoredResponse
  readonly outcome: Outcome
  /** When it was decided, in epoch ms. */
  readonly now: number
}

export function createHits(parts: HttpParts, handle: Handle): Hits {
  const { engine, routes } = parts

  return {
    planFor(request) {
      const route = routeOf(request, routes)
      if (route === undefined) return undefined
      const kind = classify(request, route.rules)
      if (kind.kind !== 'lookup') return undefined
      const ask = askFor(request, route, kind)
      const general = request.plain === true && !keysByFields(route.rules.key)
      return { route, ask, general, routeAt: routes.indexOf(route) }
    },

    // A reload replaces every Route object.
    holds: ({ route, routeAt }) => routes[routeAt] === route,

    look: () => engine.look(),

    find(request, { route, ask, general }, now, reads) {
      const copy = general ? engine.getValid(ask.key, reads) : undefined
      if (copy?.kind === 'response' && isServedPlainly(copy, now)) return hit(route, copy, now)
      const question = new HttpQuestion(request, route, ask, parts)
      const found = engine.find(question, now, reads)
      if (found instanceof Promise) return undefined
      const decision = question.decide(found, now)
      return decision.kind === 'serve' && !decision.refresh ? hit(route, decision.entry, now) : undefined
    },

    handle,
  }
}

/** A plain request need not be checked before it is admitted. */
function routeOf(request: CacheRequest, routes: readonly Route[]): Route | undefined {
  if (request.plain === true) {
    const route = matchRoute(routes, request.method, request.url)
    return typeof route === 'string' ? undefined : route
  }
  const checked = admit(routes, request)
  return checked.kind === 'admitted' ? checked.route : undefined
}

function hit(route: Route, entry: StoredResponse, now: number): Hit | undefined {
  if (entry.body.bytes === undefined) return undefined
  return { route, entry, outcome: { result: 'hit', ttlMs: entry.freshUntil - now }, now }
}
