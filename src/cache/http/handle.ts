/** The HTTP door: a request in, a response out, by RFC 9111. */
import { asHerdgateError, HerdgateError } from '../../errors.ts'
import type { CacheRequest, InvalidationLog, Route } from '../../model.ts'
import { admit } from '../../policy/request-checks.ts'
import { keyOf } from '../../policy/key.ts'
import { CONTENT, classify, type Lookup, type Pass, passed, type Refuse, type Unsafe } from '../../policy/request.ts'
import { nameOf, splitUrl } from '../../policy/target.ts'
import type { Engine } from '../engine/engine.ts'
import type { RememberedReads } from '../engine/reads.ts'
import type { AskParts } from './ask-origin.ts'
import { answerAtLastHop } from './last-hop.ts'
import { askFor, HttpQuestion } from './question.ts'
import { readQuery } from './query.ts'
import { problemReply, type Reply, render } from './reply.ts'
import { concludeUnanswered, concludeUnsafe } from './unsafe.ts'

/** What the HTTP door is made with. */
export interface HttpParts extends AskParts {
  readonly engine: Engine
  readonly routes: readonly Route[]
  readonly log: InvalidationLog
}

/** @param reads look-ups already made for the request in this turn of the event loop */
export type Handle = (request: CacheRequest, reads?: RememberedReads) => Reply | Promise<Reply>

/** The handler never rejects: errors become problem+json replies. A hit in memory is a value, not a promise. */
export function createHandle(parts: HttpParts): Handle {
  const { engine, routes, clock } = parts

  return function handle(request, reads) {
    const lastHopAnswer = answerAtLastHop(request)
    if (lastHopAnswer !== undefined) return lastHopAnswer
    const checked = admit(routes, request)
    if (checked.kind === 'refused') return problemReply(checked.route, checked.error)

    const { route } = checked
    const kind = classify(request, route.rules)
    if (kind.kind !== 'lookup') return notLookedUp(request, route, kind)
    return request.method === 'QUERY' ? query(request, route, kind) : lookUp(request, route, kind, '', reads)
  }

  function lookUp(
    request: CacheRequest,
    route: Route,
    kind: Lookup,
    keySuffix: string,
    reads?: RememberedReads,
  ): Reply | Promise<Reply> {
    const ask = askFor(request, route, kind, keySuffix)
    const resolution = engine.resolve(new HttpQuestion(request, route, ask, parts), reads)
    return resolution instanceof Promise
      ? resolution.then((resolved) => render(request, route, resolved, clock))
      : render(request, route, resolution, clock)
  }

  async function query(request: CacheRequest, route: Route, kind: Lookup): Promise<Reply> {
    try {
      const read = await readQuery(request, parts.budget)
      return read.kind === 'read'
        ? await lookUp(read.request, route, kind, read.key)
        : await notLookedUp(read.request, route, passed(read.request, CONTENT))
    } catch (thrown) {
      return problemReply(route.name, asHerdgateError(thrown))
    }
  }

  function notLookedUp(request: CacheRequest, route: Route, kind: Pass | Refuse | Unsafe): Reply | Promise<Reply> {
    switch (kind.kind) {
      case 'pass':
        return pass(request, route, kind)
      case 'unsafe':
        return forwardUnsafe(request, route)
      case 'refuse': {
        const { detail } = kind
        return problemReply(route.name, new HerdgateError('not_cached', detail), { result: 'error', detail })
      }
    }
  }

  async function pass(request: CacheRequest, route: Route, { why, detail }: Pass): Promise<Reply> {
    return render(request, route, await engine.forward(asIs(request, route), why, detail), clock)
  }

  async function forwardUnsafe(request: CacheRequest, route: Route): Promise<Reply> {
    const resolution = await engine.forward(asIs(request, route), 'method')
    if (resolution.kind === 'error') await concludeUnanswered(request, resolution.thrown, parts)
    if (resolution.kind !== 'direct') return render(request, route, resolution, clock)
    const stored = await concludeUnsafe(request, route, resolution.reply, parts)
    const outcome = stored ? { ...resolution.outcome, stored, detail: undefined } : resolution.outcome
    return render(request, route, { ...resolution, outcome }, clock)
  }

  function asIs(request: CacheRequest, route: Route): HttpQuestion {
    const { key, url } = keyOf(route, request)
    const ask = { key, target: splitUrl(request.url).target, url: nameOf(url), credentialed: false, lookedUp: false }
    return new HttpQuestion(request, route, ask, parts)
  }
}
