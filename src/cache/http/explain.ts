import type { CacheRequest, Clock, Decision, Found, InvalidationLog, StoredResponse } from '../../model.ts'
import { admit } from '../../policy/request-checks.ts'
import { isGroupTag } from '../../policy/fields/groups.ts'
import { keyOf } from '../../policy/key.ts'
import { classify } from '../../policy/request.ts'
import type { Located } from '../engine/locate.ts'
import { answerAtLastHop } from './last-hop.ts'
import { askFor, HttpQuestion } from './question.ts'
import type { HttpParts } from './handle.ts'

/** What would happen to a request now, and why. */
export interface Explanation {
  readonly request: { readonly method: string; readonly url: string }
  readonly route: string | undefined
  /** What would be done: serve, serve-stale, revalidate, fetch, pass, unsafe, refuse, or error. */
  readonly decision: string
  readonly why: string
  readonly key?: string
  /** Key of the variant, if the resource varies. */
  readonly variant?: string | undefined
  readonly stored?: ExplainedEntry | undefined
}

/** Times are in seconds; negative if past. */
export interface ExplainedEntry {
  readonly tier: string
  readonly status: number
  readonly bytes: number
  /** Tags it can be purged by; a group (RFC 9875) is listed by its name only, without its origin. */
  readonly tags: readonly string[]
  readonly variesOn: readonly string[]
  /** The invalidation log's verdict: valid, or stale if an invalidation names it. */
  readonly verdict: string
  readonly position: number
  readonly logPosition: number
  readonly freshness: {
    readonly age: number
    readonly lifetime: number
    readonly ttl: number
    readonly refreshIn: number | undefined
    readonly staleWhileRevalidateFor: number
    readonly staleIfErrorFor: number
    readonly mustRevalidate: boolean
  }
}

/** Explains what would happen to a request; never asks the origin and changes nothing. */
export async function explain(request: CacheRequest, parts: HttpParts): Promise<Explanation> {
  const { engine, routes, clock, log } = parts
  const asked = { method: request.method, url: request.url }
  const lastHopAnswer = answerAtLastHop(request)?.outcome
  if (lastHopAnswer !== undefined)
    return { request: asked, route: undefined, decision: lastHopAnswer.result, why: lastHopAnswer.detail ?? '' }
  const checked = admit(routes, request)
  if (checked.kind === 'refused') {
    return { request: asked, route: checked.route || undefined, decision: 'error', why: checked.error.code }
  }
  const { route } = checked
  const { key } = keyOf(route, request)
  const kind = classify(request, route.rules)
  const common = { request: asked, route: route.name, key }
  if (kind.kind === 'unsafe') return { ...common, decision: 'unsafe', why: 'method' }
  if (kind.kind === 'refuse') return { ...common, decision: 'refuse', why: kind.detail }
  if (kind.kind === 'pass') return { ...common, decision: 'pass', why: kind.detail ?? kind.why }
  const question = new HttpQuestion(request, route, askFor(request, route, kind), parts)
  const located = await engine.locate(question, clock.now())
  const decision = question.decide(located.found, clock.now())
  const isFetch = decision.kind === 'revalidate' || decision.kind === 'fetch'
  const isForCallerOnly = isFetch && (await engine.isForCallerOnly(question, located.found, decision))
  const judgement = isForCallerOnly ? { decision: 'pass', why: 'unshareable' } : judged(decision, located.found)
  return { ...common, ...judgement, ...describe(located, key, clock, log) }
}

function judged(decision: Decision<StoredResponse>, found: Found<StoredResponse>): { decision: string; why: string } {
  switch (decision.kind) {
    case 'serve':
      return { decision: 'serve', why: decision.refresh ? 'fresh; due for a refresh in the background' : 'fresh' }
    case 'serve-stale':
      return { decision: 'serve-stale', why: 'stale-while-revalidate' }
    case 'revalidate': {
      const isInvalidated = found.kind === 'entry' && found.verdict === 'stale'
      return { decision: 'revalidate', why: isInvalidated ? 'invalidated' : decision.why }
    }
    case 'fetch':
      return { decision: 'fetch', why: decision.why }
    case 'pass':
      return { decision: 'pass', why: decision.detail ?? decision.why }
    case 'refuse':
      return { decision: 'refuse', why: decision.detail }
  }
}

function describe(
  { found, tier = 'memory' }: Located<StoredResponse>,
  key: string,
  clock: Clock,
  log: InvalidationLog,
): Pick<Explanation, 'variant' | 'stored'> {
  const variant = found.key === key ? undefined : found.key
  if (found.kind === 'nothing') return { variant }
  const { entry, verdict } = found
  const now = clock.now()
  const seconds = (ms: number) => Math.round(ms / 1000)
  const freshness = {
    age: seconds(now - entry.bornAt),
    lifetime: seconds(entry.freshUntil - entry.bornAt),
    ttl: seconds(entry.freshUntil - now),
    refreshIn: Number.isFinite(entry.refreshAt) ? seconds(entry.refreshAt - now) : undefined,
    staleWhileRevalidateFor: seconds(entry.staleWhileRevalidateUntil - now),
    staleIfErrorFor: seconds(entry.staleIfErrorUntil - now),
    mustRevalidate: entry.mustRevalidate,
  }
  const { status, position } = entry
  const tags = entry.tags.filter((tag) => !isGroupTag(tag))
  const bytes = entry.body.bytes?.length ?? 0
  const logged = { verdict, position, logPosition: log.position }
  return { variant, stored: { tier, status, bytes, tags, variesOn: entry.varyOn, ...logged, freshness } }
}
