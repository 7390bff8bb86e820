import type { BodyBudget } from '../../body.ts'
import { wallTime } from '../../clock.ts'
import { asHerdgateError, type HerdgateError, whyOriginFailed } from '../../errors.ts'
import type { Events } from '../../events.ts'
import type { Fields } from '../../fields.ts'
import { LightSignal } from '../../light-signal.ts'
import type { CacheRequest, Clock, ForwardReason, OriginRequest, OriginResponse, Route, Signal } from '../../model.ts'
import { upstreamFields } from '../../policy/forward.ts'
import { interimHead, withOneDate } from '../../policy/response.ts'
import { splitUrl } from '../../policy/target.ts'

/** What to ask the origin. */
export interface Asking {
  readonly request: CacheRequest
  readonly route: Route
  /** Origin form. */
  readonly target: string
  /** The answer is for everyone: the client's own conditions and range are left out. */
  readonly forAll: boolean
  readonly mayBeStored: boolean
  /** Conditional and Range field lines added by the cache. */
  readonly conditions: readonly string[]
  readonly why: ForwardReason
  /** A background refresh: nobody waits for the answer. */
  readonly background: boolean
  readonly signal: Signal | undefined
}

/** A response of the origin, and its times in epoch milliseconds. */
export interface Fetched {
  readonly response: OriginResponse
  readonly requestedAt: number
  readonly respondedAt: number
  /** `respondedAt` by the machine's clock, for comparison with dates in fields. */
  readonly receivedWallTime: number
  /** Aborts the rest of the response. */
  readonly stop: () => void
  /** Reports that the content broke off, after the response itself was already reported as an `origin` event. */
  readonly brokeOff: (failure: HerdgateError) => void
}

export interface AskParts extends ArrivalParts {
  readonly events: Events
}

/** What arriving content needs: a clock, and the memory budget shared by all content in progress. */
export interface ArrivalParts {
  readonly clock: Clock
  readonly budget: BodyBudget
}

/**
 * Makes one request to the origin, reported as an `origin` event; content that breaks off is reported as `broken`.
 * Rejects with a HerdgateError.
 */
export function askOrigin(asking: Asking, { clock, events }: AskParts): Promise<Fetched> {
  const { route, why: reason } = asking
  const signal = new LightSignal(asking.signal)
  const requestedAt = clock.now()
  const report = (code: string, ms: number, why?: string) => {
    events.emit('origin', { origin: route.origin.name, route: route.name, reason, code, why, ms })
  }
  const brokeOff = (failure: HerdgateError) => {
    const why = whyOriginFailed(failure)
    if (why !== undefined) events.emit('broken', { origin: route.origin.name, code: failure.code, why })
  }
  return route.origin.fetch(originRequest(asking), signal).then(
    (answered) => {
      const respondedAt = clock.now()
      const receivedWallTime = wallTime(clock)
      report(String(answered.status), respondedAt - requestedAt)
      return {
        response: datedOnce(answered, receivedWallTime),
        requestedAt,
        respondedAt,
        receivedWallTime,
        stop: signal.abort,
        brokeOff,
      }
    },
    (thrown: unknown) => {
      const error = asHerdgateError(thrown)
      report(error.code, clock.now() - requestedAt, whyOriginFailed(error))
      throw thrown
    },
  )
}

function originRequest({ request, route, target, forAll, mayBeStored, conditions, background }: Asking): OriginRequest {
  const { scheme, authority } = splitUrl(request.url)
  const { rules } = route
  const { body } = request
  const fields = upstreamFields(request, {
    conditions,
    stripConditionals: forAll || background, // a background refresh has no client whose conditions matter
    mayBeStored,
    authority,
    scheme,
    rules,
    hasBody: body !== undefined,
  })
  const onInterim = (status: number, interim: Fields) =>
    request.onInterim?.(status, interimHead(interim, rules.cookies))
  const { method, bodyAgain } = request
  return { method, target, fields, body, bodyAgain, onInterim, background }
}

function datedOnce(response: OriginResponse, receivedWallTime: number): OriginResponse {
  const fields = withOneDate(response.fields, receivedWallTime)
  return fields === response.fields ? response : { ...response, fields, trailers: () => response.trailers() }
}
