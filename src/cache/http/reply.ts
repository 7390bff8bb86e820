/** The client's response for a resolution of the engine. */
import { Body } from '../../body.ts'
import { asHerdgateError, type HerdgateError } from '../../errors.ts'
import type { Fields } from '../../fields.ts'
import {
  type CacheRequest,
  type Clock,
  isFromCache,
  type Outcome,
  outcomeOfError,
  type Route,
  type StoredResponse,
} from '../../model.ts'
import { cacheStatus } from '../../policy/fields/cache-status.ts'
import { notModifiedHead } from '../../policy/fields/not-modified.ts'
import { select } from '../../policy/range.ts'
import { cachedHead, passedHead, sentAge } from '../../policy/response.ts'
import { precondition } from '../../policy/validation.ts'
import { problemFields, problemOf } from '../../problem.ts'
import type { Resolution } from '../engine/resolution.ts'
import type { DirectResponse } from './response-load.ts'
import { rangedReply } from './ranged-reply.ts'

/** A response, and how it came about. */
export interface Reply {
  /** Name of the route; empty when none matched. */
  readonly route: string
  readonly status: number
  readonly fields: Fields
  /** Absent when the response has no content. */
  readonly body: Body | undefined
  readonly outcome: Outcome
  /** Age of the stored response in seconds (RFC 9111 section 4.2.3); absent if there is none. */
  readonly age?: number | undefined
}

export type HttpResolution = Resolution<StoredResponse, DirectResponse>

export function render(request: CacheRequest, route: Route, resolution: HttpResolution, clock: Clock): Reply {
  switch (resolution.kind) {
    case 'entry':
      return renderEntry(request, route, resolution.entry, resolution.outcome, clock)
    case 'direct':
      return renderDirect(request, route, resolution.reply, resolution.outcome)
    case 'error':
      return problemReply(route.name, asHerdgateError(resolution.thrown), resolution.outcome)
  }
}

function renderEntry(
  request: CacheRequest,
  route: Route,
  entry: StoredResponse,
  outcome: Outcome,
  clock: Clock,
): Reply {
  const now = clock.now()
  const fields = cachedHead(entry, outcome, now, route.rules)
  const common = { route: route.name, outcome, age: sentAge(entry, outcome, now) }
  if (precondition(request, entry.status, entry.fields, isFromCache(outcome.result)) === 'not-modified') {
    entry.body.discard()
    return { ...common, status: 304, fields: notModifiedHead(fields), body: undefined }
  }
  const selection = select(request, entry, entry.body.length)
  if (selection.kind !== 'whole') return { ...common, ...rangedReply(request, entry, selection, fields, clock) }
  if (entry.body.length !== undefined && entry.status !== 204) fields.push('Content-Length', String(entry.body.length))
  const body = request.method === 'HEAD' ? undefined : entry.body
  return { ...common, status: entry.status, fields, body }
}

function renderDirect(request: CacheRequest, route: Route, reply: DirectResponse, outcome: Outcome): Reply {
  const fields = passedHead(reply.status, reply.fields, outcome, route.rules)
  // A condition that was not forwarded has to be evaluated here.
  const conditionWasKept =
    outcome.result !== 'pass' && precondition(request, reply.status, reply.fields, false) === 'not-modified'
  if (conditionWasKept) {
    reply.body.discard()
    return { route: route.name, status: 304, fields: notModifiedHead(fields), body: undefined, outcome }
  }
  const bodiless = request.method === 'HEAD' || reply.status === 204 || reply.status === 304
  if (bodiless) reply.body.discard()
  return { route: route.name, status: reply.status, fields, body: bodiless ? undefined : reply.body, outcome }
}

/** One of Herdgate's own errors as a response. */
export function problemReply(
  route: string,
  error: HerdgateError,
  outcome: Outcome = outcomeOfError(error.code),
): Reply {
  const content = Buffer.from(JSON.stringify(problemOf(error)))
  const fields = problemFields(error, cacheStatus(outcome), ['Content-Length', String(content.length)])
  return { route, status: error.status, fields, body: Body.of(content), outcome }
}
