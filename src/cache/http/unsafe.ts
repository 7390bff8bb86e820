import { codeOf, type ErrorCode } from '../../errors.ts'
import type { CacheRequest, Route } from '../../model.ts'
import { lifetimeOf } from '../../policy/freshness.ts'
import { invalidatedBy } from '../../policy/invalidates.ts'
import { namesOf } from '../../policy/key.ts'
import { classify } from '../../policy/request.ts'
import { matchRoute } from '../../policy/route.ts'
import { storable } from '../../policy/storable.ts'
import { tagsOf } from '../../policy/fields/tags.ts'
import { nameOf } from '../../policy/target.ts'
import { withChanges } from '../../response-record.ts'
import { stampOf } from '../engine/stamp.ts'
import { append } from '../purging.ts'
import type { HttpParts } from './handle.ts'
import { askFor, HttpQuestion } from './question.ts'
import type { DirectResponse } from './response-load.ts'

/** How long a change waits for other nodes to acknowledge it, so that a dead node or log does not hold up every one. */
const MAX_WAIT_MS = 100

/**
 * Acts on the response to an unsafe method before the client gets it: purges what it changed (RFC 9111 section 4.4),
 * and stores the response if it is what a GET would get.
 * @returns whether it is being stored
 */
export async function concludeUnsafe(
  request: CacheRequest,
  route: Route,
  reply: DirectResponse,
  parts: HttpParts,
): Promise<boolean> {
  const { log, routes } = parts
  const before = log.position
  const isCurrent = reply.entry !== undefined && log.verdict(reply.entry) === 'valid'
  const { urls: names, tags } = invalidatedBy(request, reply)
  if (names.length === 0 && tags.length === 0) return false
  const urls = names.flatMap((name) => namesOf(routes, `http://${name}`))
  const purge = { mode: 'purge', selectors: { urls, tags }, by: 'unsafe-method', mostWaitMs: MAX_WAIT_MS } as const
  const receipt = await append(purge, parts).catch(() => undefined)
  // Another record in between might name the response, but would count as older than it.
  const isNext = receipt?.position === before + 1
  return isCurrent && isNext && keepForGet(request, route, reply, receipt.position, parts)
}

/** Failures before the request was sent to the origin. */
const NOTHING_SENT: ReadonlySet<ErrorCode> = new Set(['origin_refused', 'overloaded'])

/**
 * Acts on an unsafe method whose response was lost. The origin may have acted on it, and any tags or URLs its response
 * would have named are unknown, so the target's copies are invalidated: revalidated before their next use.
 * @param thrown why there is no response
 */
export async function concludeUnanswered(request: CacheRequest, thrown: unknown, parts: HttpParts): Promise<void> {
  if (NOTHING_SENT.has(codeOf(thrown))) return
  const urls = namesOf(parts.routes, `http://${nameOf(request.url)}`)
  const change = { mode: 'invalidate', selectors: { urls }, by: 'unsafe-method', mostWaitMs: MAX_WAIT_MS } as const
  await append(change, parts).catch(() => undefined)
}

/**
 * Stores the response as that to a GET made right after the change.
 * @param route of the unsafe method
 * @returns false if a GET would not get it
 */
function keepForGet(
  request: CacheRequest,
  route: Route,
  reply: DirectResponse,
  position: number,
  parts: HttpParts,
): boolean {
  const { entry, times } = reply
  if (entry === undefined || times === undefined) return false
  const own = matchRoute(parts.routes, 'GET', request.url)
  if (typeof own === 'string' || own.rules.cookies !== route.rules.cookies) return false
  const get: CacheRequest = { method: 'GET', url: request.url, fields: request.fields, peer: request.peer }
  const kind = classify(get, own.rules)
  if (kind.kind !== 'lookup') return false
  // GET may have a route of its own, with another key, other tags and lifetimes, and stricter rules for storing.
  const tags = tagsOf(request.url, reply.fields, own.rules)
  if (!tags.ok || !storable(get, reply, own.rules).store) return false
  const ask = askFor(get, own, kind)
  const { url } = ask
  // The origin was sent the full query, so its response may depend on parameters that are not in the key.
  if (url !== nameOf(request.url)) return false
  const { generation } = parts.log
  const lifetime = lifetimeOf(reply, own.rules, times)
  const stamp = stampOf(url, tags.tags, { generation, position, startedAt: entry.startedAt })
  parts.engine.keep(new HttpQuestion(get, own, ask, parts), withChanges(entry, { ...lifetime, ...stamp }))
  return true
}
