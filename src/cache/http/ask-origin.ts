import type { BodyBudget } from '../../body.ts'
import { asHerdgateError, faultIn, type HerdgateError } from '../../errors.ts'
import type { Events } from '../../events.ts'
import type { Fields } from '../../fields.ts'
import type { CacheRequest, Clock, ForwardReason, OriginRequest, OriginResponse, Route, Signal } from '../../model.ts'
import { upstreamFields } from '../../policy/forward.ts'
import { interimHead, withOneDate } from '../../policy/response.ts'
import { locate } from '../../policy/target.ts'

/** What the origin is to be asked. */
export interface Asking {
  readonly request: CacheRequest
  readonly route: Route
  /** Origin form. */
  readonly target: string
  /** The answer is for all: the client's own conditions and range are left out. */
  readonly forAll: boolean
  readonly mayBeStored: boolean
  /** Condition and range lines of our own. */
  readonly conditions: readonly string[]
  readonly why: ForwardReason
  /** Nobody waits for the answer. */
  readonly background: boolean
  readonly signal: AbortSignal | undefined
}

/** An answer of the origin, and when: epoch milliseconds. */
export interface Fetched {
  readonly response: OriginResponse
  readonly requestedAt: number
  readonly respondedAt: number
  /** `respondedAt` by the machine's clock, to be compared with dates. */
  readonly receivedOn: number
  /** Nobody wants the rest of the response. */
  readonly stop: () => void
  /** Its content breaks off: who asked has been told of an answer by then. */
  readonly brokeOff: (failure: HerdgateError) => void
}

export interface AskParts extends ArrivalParts {
  readonly events: Events
}

/** What content takes while it arrives: time, and memory that it shares with all other content. */
export interface ArrivalParts {
  readonly clock: Clock
  readonly budget: BodyBudget
}

/**
 * One request to the origin, reported as an `origin` event, and its content, if it breaks off, as `broken`. Rejects with a
 * HerdgateError.
 */
export function askOrigin(asking: Asking, { clock, events }: AskParts): Promise<Fetched> {
  const { route, why: reason } = asking
  const { signal, stop } = stoppable(asking.signal)
  const requestedAt = clock.now()
  const report = (code: string, ms: number, why?: string) => {
    events.emit('origin', { origin: route.origin.name, route: route.name, reason, code, why, ms })
  }
  const brokeOff = (failure: HerdgateError) => {
    const why = faultIn(failure)
    if (why !== undefined) events.emit('broken', { origin: route.origin.name, code: failure.code, why })
  }
  return route.origin.fetch(originRequest(asking), signal).then(
    (answered) => {
      const respondedAt = clock.now()
      const receivedOn = clock.wall?.() ?? respondedAt
      report(String(answered.status), respondedAt - requestedAt)
      return { response: datedOnce(answered, receivedOn), requestedAt, respondedAt, receivedOn, stop, brokeOff }
    },
    (thrown: unknown) => {
      const error = asHerdgateError(thrown)
      report(error.code, clock.now() - requestedAt, faultIn(error))
      throw thrown
    },
  )
}

/** Ends a fetch that no client's leaving ends: nobody is told but those at work on it. */
class Stoppable implements Signal {
  aborted = false
  readonly #listeners: (() => void)[] = []

  readonly stop = (): void => {
    if (this.aborted) return
    this.aborted = true
    for (const listener of this.#listeners.splice(0)) listener()
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.push(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener)
    if (at !== -1) this.#listeners.splice(at, 1)
  }
}

/** @param outer stops it as well */
function stoppable(outer: AbortSignal | undefined): { readonly signal: Signal; readonly stop: () => void } {
  if (outer === undefined) {
    const own = new Stoppable()
    return { signal: own, stop: own.stop }
  }
  const abort = new AbortController()
  return { signal: AbortSignal.any([abort.signal, outer]), stop: () => abort.abort() }
}

function originRequest({ request, route, target, forAll, mayBeStored, conditions, background }: Asking): OriginRequest {
  const { scheme, authority } = locate(request.url)
  const { cookies } = route.rules
  const { body } = request
  const fields = upstreamFields(request, {
    conditions,
    stripConditionals: forAll || background, // nobody waits for what is asked for in the background
    mayBeStored,
    authority,
    scheme,
    cookies,
    hasBody: body !== undefined,
  })
  const onInterim = (status: number, interim: Fields) => request.onInterim?.(status, interimHead(interim, cookies))
  const { method, bodyAgain } = request
  return { method, target, fields, body, bodyAgain, onInterim, background }
}

function datedOnce(response: OriginResponse, receivedOn: number): OriginResponse {
  const fields = withOneDate(response.fields, receivedOn)
  return fields === response.fields ? response : { ...response, fields, trailers: () => response.trailers() }
}
