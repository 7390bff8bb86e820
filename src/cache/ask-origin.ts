import type { BodyBudget } from '../body.ts'
import { HerdgateError } from '../errors.ts'
import type { Events } from '../events.ts'
import type { Fields } from '../fields.ts'
import type { CacheRequest, Clock, ForwardReason, OriginRequest, OriginResponse, Route } from '../model.ts'
import { upstreamFields } from '../policy/forward.ts'
import { interimHead } from '../policy/response.ts'
import { locate } from '../policy/target.ts'

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
  /** Nobody wants the rest of the response. */
  readonly stop: () => void
}

export interface AskParts extends ArrivalParts {
  readonly events: Events
}

/** What content takes while it arrives: time, and memory that it shares with all other content. */
export interface ArrivalParts {
  readonly clock: Clock
  readonly budget: BodyBudget
}

/** One request to the origin, reported as an `origin` event. Rejects with an OriginError. */
export async function askOrigin(asking: Asking, { clock, events }: AskParts): Promise<Fetched> {
  const { origin, name: route } = asking.route
  const abort = new AbortController()
  const stop = () => abort.abort()
  const signal = asking.signal === undefined ? abort.signal : AbortSignal.any([abort.signal, asking.signal])
  const requestedAt = clock.now()
  const report = (code: string) => {
    events.emit('origin', { origin: origin.name, route, reason: asking.why, code, ms: clock.now() - requestedAt })
  }
  try {
    const response = await origin.fetch(originRequest(asking), signal)
    report(String(response.status))
    return { response, requestedAt, respondedAt: clock.now(), stop }
  } catch (error) {
    report(error instanceof HerdgateError ? error.code : 'internal')
    throw error
  }
}

function originRequest({ request, route, target, forAll, mayBeStored, conditions, background }: Asking): OriginRequest {
  const { scheme, authority } = locate(request.url)
  const { cookies } = route.rules
  const { body } = request
  const fields = upstreamFields(request, {
    conditions,
    stripConditionals: forAll,
    mayBeStored,
    authority,
    scheme,
    cookies,
    hasBody: body !== undefined,
  })
  const onInterim = (status: number, interim: Fields) => request.onInterim?.(status, interimHead(interim, cookies))
  return { method: request.method, target, fields, body, onInterim, background }
}
