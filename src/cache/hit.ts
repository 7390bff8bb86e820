/** The shortest way to an answer: a fresh copy that is at hand, or nothing. */
import type { CacheRequest, Outcome, Route, StoredResponse } from '../model.ts'
import { keyOf } from '../policy/key.ts'
import { classify } from '../policy/request.ts'
import { matchRoute } from '../policy/route.ts'
import { nameOf } from '../policy/target.ts'
import { loops } from '../policy/via.ts'
import type { HandleParts } from './handle.ts'
import { HttpQuestion } from './http-question.ts'

export interface Hit {
  readonly route: Route
  readonly entry: StoredResponse
  readonly outcome: Outcome
  /** When it was decided, in epoch ms. */
  readonly now: number
}

/**
 * What `handle` would answer a request without content at once and without doing anything else: a fresh copy whose
 * content is all there. Undefined for everything that is looked up elsewhere, refreshed, refused or forwarded.
 */
export function createHit(parts: HandleParts): (request: CacheRequest) => Hit | undefined {
  const { engine, routes, clock } = parts

  return function hit(request) {
    const route = matchRoute(routes, request.method, request.url)
    if (typeof route === 'string' || loops(request.fields)) return undefined
    const kind = classify(request, route.rules)
    if (kind.kind !== 'lookup') return undefined
    const { key, target, url } = keyOf(route, request)
    const ask = { key, target, url: nameOf(url), credentialed: kind.credentialed, lookedUp: true }
    const question = new HttpQuestion(request, route, ask, parts)
    const found = engine.find(question)
    if (found instanceof Promise) return undefined
    const now = clock.now()
    const decision = question.decide(found, now)
    if (decision.kind !== 'serve' || decision.refresh || decision.entry.body.bytes === undefined) return undefined
    const { entry } = decision
    return { route, entry, outcome: { result: 'hit', ttlMs: entry.freshUntil - now }, now }
  }
}
