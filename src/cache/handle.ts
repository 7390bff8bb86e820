/** The HTTP door: a request in, a response out, by RFC 9111. */
import { Body } from '../body.ts'
import { HerdgateError } from '../errors.ts'
import type { Events } from '../events.ts'
import type { Fields } from '../fields.ts'
import type { CacheRequest, Clock, InvalidationLog, Outcome, Route, StoredResponse } from '../model.ts'
import { cacheStatus } from '../policy/cache-status.ts'
import { connectionProblem, loops } from '../policy/forward.ts'
import { invalidatedBy } from '../policy/invalidates.ts'
import { keyOf, namesOf } from '../policy/key.ts'
import { classify } from '../policy/request.ts'
import { notModifiedHead } from '../policy/not-modified.ts'
import { cachedHead, passedHead } from '../policy/response.ts'
import { matchRoute } from '../policy/route.ts'
import { locate, nameOf } from '../policy/target.ts'
import { precondition } from '../policy/validation.ts'
import { PROBLEM_TYPE, problemOf } from '../problem.ts'
import type { Engine, Resolution } from './engine.ts'
import { type DirectResponse, HttpQuestion } from './http-question.ts'

/** What the client receives, and how it came about. */
export interface Reply {
  /** Name of the route; empty when none matched. */
  readonly route: string
  readonly status: number
  readonly fields: Fields
  /** Absent when the response has no content. */
  readonly body: Body | undefined
  readonly outcome: Outcome
}

export interface HandleParts {
  readonly engine: Engine
  readonly routes: readonly Route[]
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly events: Events
}

type HttpResolution = Resolution<StoredResponse, DirectResponse>

/** Never rejects: what goes wrong is a problem+json reply. A reply that is a hit in memory is a value, not a promise. */
export function createHandle(parts: HandleParts): (request: CacheRequest) => Reply | Promise<Reply> {
  const { engine, routes, clock } = parts

  return function handle(request) {
    const route = matchRoute(routes, request.method, request.url)
    if (typeof route === 'string') return problem('', new HerdgateError(route))
    if (loops(request.fields)) return problem(route.name, new HerdgateError('loop'))
    const wrong = connectionProblem(request.fields)
    if (wrong !== undefined) return problem(route.name, new HerdgateError('malformed_request', wrong))

    const kind = classify(request, route.rules)
    const { key, target, url: keyed } = keyOf(route, request)
    const url = nameOf(keyed)
    if (kind.kind !== 'lookup') return forward(request, route, { key, target: locate(request.url).target, url }, kind)

    const ask = { key, target, url, credentialed: kind.credentialed, shared: true }
    const resolution = engine.resolve(new HttpQuestion(request, route, ask, parts))
    return resolution instanceof Promise
      ? resolution.then((resolved) => render(request, route, resolved, clock.now()))
      : render(request, route, resolution, clock.now())
  }

  async function forward(
    request: CacheRequest,
    route: Route,
    at: { key: string; target: string; url: string },
    kind: Exclude<ReturnType<typeof classify>, { kind: 'lookup' }>,
  ): Promise<Reply> {
    const question = new HttpQuestion(request, route, { ...at, credentialed: false, shared: false }, parts)
    const resolution =
      kind.kind === 'unsafe'
        ? await engine.forward(question, 'method')
        : await engine.forward(question, kind.why, kind.detail)
    if (kind.kind === 'unsafe' && resolution.kind === 'direct') await invalidate(request, resolution.reply, parts)
    return render(request, route, resolution, clock.now())
  }
}

/** RFC 9111 section 4.4: before the client hears of its success, what it changed is no longer served. */
async function invalidate(
  request: CacheRequest,
  reply: DirectResponse,
  { routes, log, events, clock }: HandleParts,
): Promise<void> {
  const { urls: names, tags } = invalidatedBy(request, reply)
  if (names.length === 0 && tags.length === 0) return
  const selectors = { urls: names.flatMap((name) => namesOf(routes, `http://${name}`)), tags }
  const startedAt = clock.now()
  const done = (outcome: 'done' | 'failed', receipt?: Awaited<ReturnType<InvalidationLog['append']>>) =>
    events.emit('purge', {
      mode: 'purge',
      selectors,
      outcome,
      receipt,
      tookMs: clock.now() - startedAt,
      by: 'unsafe-method',
    })
  try {
    done('done', await log.append('purge', selectors))
  } catch {
    done('failed')
  }
}

function render(request: CacheRequest, route: Route, resolution: HttpResolution, now: number): Reply {
  switch (resolution.kind) {
    case 'entry':
      return renderEntry(request, route, resolution.entry, resolution.outcome, now)
    case 'direct':
      return renderDirect(request, route, resolution.reply, resolution.outcome)
    case 'error':
      return problem(route.name, resolution.error, resolution.outcome)
  }
}

function renderEntry(request: CacheRequest, route: Route, entry: StoredResponse, outcome: Outcome, now: number): Reply {
  const fields = cachedHead(entry, outcome, now)
  if (precondition(request, entry.status, entry.fields) === 'not-modified') {
    entry.body.discard()
    return { route: route.name, status: 304, fields: notModifiedHead(fields), body: undefined, outcome }
  }
  if (entry.body.length !== undefined && entry.status !== 204) fields.push('Content-Length', String(entry.body.length))
  if (request.method === 'HEAD') entry.body.discard()
  const body = request.method === 'HEAD' ? undefined : entry.body
  return { route: route.name, status: entry.status, fields, body, outcome }
}

function renderDirect(request: CacheRequest, route: Route, reply: DirectResponse, outcome: Outcome): Reply {
  const fields = passedHead(reply.fields, outcome, route.rules.cookies)
  // A condition that was not sent on is for us to evaluate.
  const conditionWasKept =
    outcome.result !== 'pass' && precondition(request, reply.status, reply.fields) === 'not-modified'
  if (conditionWasKept) {
    reply.body.discard()
    return { route: route.name, status: 304, fields: notModifiedHead(fields), body: undefined, outcome }
  }
  const bodiless = request.method === 'HEAD' || reply.status === 204 || reply.status === 304
  if (bodiless) reply.body.discard()
  return { route: route.name, status: reply.status, fields, body: bodiless ? undefined : reply.body, outcome }
}

/** An error of our own: problem+json (RFC 9457) that names no address and repeats no input. */
export function problem(
  route: string,
  error: HerdgateError,
  outcome: Outcome = { result: 'error', detail: error.code },
): Reply {
  const content = Buffer.from(JSON.stringify(problemOf(error)))
  const length = String(content.length)
  const status = cacheStatus(outcome)
  const fields = [
    'Content-Type',
    PROBLEM_TYPE,
    'Cache-Control',
    'no-store',
    'Content-Length',
    length,
    'Cache-Status',
    status,
  ]
  if (error.code === 'overloaded') fields.push('Retry-After', '1')
  return { route, status: error.status, fields, body: Body.of(content), outcome }
}
