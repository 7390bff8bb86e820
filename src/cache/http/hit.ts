/** The shortest way to an answer: a fresh copy that is at hand, or nothing. */
import type { CacheRequest, Outcome, Route, StoredResponse } from '../../model.ts'
import { admit } from '../../policy/request-checks.ts'
import { keysByFields } from '../../policy/key.ts'
import { classify } from '../../policy/request.ts'
import { isServedPlainly } from '../../policy/reuse.ts'
import { matchRoute } from '../../policy/route.ts'
import type { Looks } from '../engine/looks.ts'
import type { Handle, HandleParts } from './handle.ts'
import { askFor, HttpQuestion } from './question.ts'
import type { Ask } from './response-load.ts'

/**
 * What `handle` would answer a request without content at once and without doing anything else: a fresh copy whose
 * content is all there. Nothing is found for what is looked up elsewhere, refreshed, refused or forwarded.
 */
export interface Hits {
  /** How a request is looked up; undefined when it is not. */
  planFor(request: CacheRequest): Plan | undefined
  /** Whether a plan still holds: another configuration may have come meanwhile. */
  holds(plan: Plan): boolean
  /** For `find`, and for `handle` when that finds nothing. */
  look(): Looks
  find(request: CacheRequest, plan: Plan, now: number, looks: Looks): Hit | undefined
  /** As Cache.handle. */
  readonly handle: Handle
}

export interface Plan {
  readonly route: Route
  readonly ask: Ask
  /** It is the same for every plain request (see CacheRequest) of this method for this URL. */
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

export function createHits(parts: HandleParts, handle: Handle): Hits {
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

    // A configuration that takes another's place brings routes of its own for all of them.
    holds: ({ route, routeAt }) => routes[routeAt] === route,

    look: () => engine.look(),

    find(request, { route, ask, general }, now, looks) {
      const copy = general ? engine.valid(ask.key, looks) : undefined
      if (copy?.kind === 'response' && isServedPlainly(copy, now)) return hit(route, copy, now)
      const question = new HttpQuestion(request, route, ask, parts)
      const found = engine.find(question, now, looks)
      if (found instanceof Promise) return undefined
      const decision = question.decide(found, now)
      return decision.kind === 'serve' && !decision.refresh ? hit(route, decision.entry, now) : undefined
    },

    handle,
  }
}

/** Nothing in a plain request speaks against letting it in. */
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
