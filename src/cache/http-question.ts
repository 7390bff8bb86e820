import { Body, type Fate } from '../body.ts'
import { HerdgateError } from '../errors.ts'
import type { Events } from '../events.ts'
import { type Fields, field } from '../fields.ts'
import type {
  Awaitable,
  CacheRequest,
  Clock,
  Decision,
  Found,
  OriginRequest,
  OriginResponse,
  Route,
  Stored,
  StoredResponse,
} from '../model.ts'
import { upstreamFields } from '../policy/forward.ts'
import { lifetimeOf } from '../policy/freshness.ts'
import { dated, storedFields } from '../policy/response.ts'
import { decide } from '../policy/reuse.ts'
import { type Storable, storable } from '../policy/storable.ts'
import { tagsOf } from '../policy/tags.ts'
import { locate } from '../policy/target.ts'
import { conditionsFor, confirms, mergeFields } from '../policy/validation.ts'
import { selecting, selects, variantKey, varyOn } from '../policy/vary.ts'
import type { LoadContext, Loaded, Question } from './question.ts'

/** A response for one request alone, as the origin sent it. */
export interface DirectResponse {
  readonly status: number
  readonly fields: Fields
  readonly body: Body
}

export interface HttpParts {
  readonly clock: Clock
  readonly events: Events
}

/** What distinguishes the ways in which a request asks. */
export interface Ask {
  readonly key: string
  /** Origin form, as the origin is to be asked. */
  readonly target: string
  readonly url: string
  readonly credentialed: boolean
  /** The answer may be shared: the origin is asked for the whole, whatever condition the client made. */
  readonly shared: boolean
}

/** At most this much of a response that is not stored waits in memory for its reader. */
const WINDOW_BYTES = 256 * 1024
/** A reader that makes the others wait for longer is dropped. */
const STALL_MS = 10_000
/** An error page is shared among those who wait if it is no longer than this. */
const SHARED_FAILURE_BYTES = 64 * 1024

/** The HTTP door's question: RFC 9111 judges, an origin loads. */
export class HttpQuestion implements Question<StoredResponse, DirectResponse> {
  readonly key: string
  readonly url: string
  readonly route: string
  readonly credentialed: boolean
  readonly #request: CacheRequest
  readonly #route: Route
  readonly #ask: Ask
  readonly #parts: HttpParts

  constructor(request: CacheRequest, route: Route, ask: Ask, parts: HttpParts) {
    this.key = ask.key
    this.url = ask.url
    this.route = route.name
    this.credentialed = ask.credentialed
    this.#request = request
    this.#route = route
    this.#ask = ask
    this.#parts = parts
  }

  get signal(): AbortSignal | undefined {
    return this.#request.signal
  }

  isEntry(stored: Stored): stored is StoredResponse {
    return stored.kind === 'response'
  }

  decide(found: Found<StoredResponse>, now: number): Decision<StoredResponse> {
    return decide(this.#request, found, this.#route.rules, now)
  }

  variantKey(on: readonly string[]): string {
    return variantKey(this.key, on, this.#request.fields)
  }

  variesOn(entry: StoredResponse): readonly string[] {
    return entry.varyOn
  }

  mayShare(entry: StoredResponse): boolean {
    return entry.body.joinable && (entry.varyOn.length === 0 || selects(entry.vary, this.#request.fields))
  }

  fate(entry: StoredResponse): Awaitable<Fate> {
    return entry.body.fate
  }

  discardEntry(entry: StoredResponse): void {
    entry.body.discard()
  }

  mayShareReply(reply: DirectResponse): boolean {
    return reply.body.joinable
  }

  discard(reply: DirectResponse): void {
    reply.body.discard()
  }

  async load(context: LoadContext<StoredResponse>): Promise<Loaded<StoredResponse, DirectResponse>> {
    const fetched = await this.#fetch(context, context.previous)
    const { previous } = context
    if (fetched.response.status !== 304 || !this.#ask.shared || !context.shared) return this.#judge(context, fetched)
    if (previous !== undefined && confirms(previous, fetched.response))
      return this.#validated(context, previous, fetched)
    fetched.stop()
    if (previous === undefined) throw new HerdgateError('origin_invalid', '304 in answer to an unconditional request')
    return this.#judge(context, await this.#fetch(context, undefined)) // it confirmed some other response
  }

  /** Asks the origin, with the conditions that a stored response allows. */
  async #fetch(context: LoadContext<StoredResponse>, previous: StoredResponse | undefined): Promise<Fetched> {
    const { clock, events } = this.#parts
    const abort = new AbortController()
    const stop = () => abort.abort()
    const signal = context.signal === undefined ? abort.signal : AbortSignal.any([abort.signal, context.signal])
    const requestedAt = clock.now()
    const report = (code: string) => {
      const ms = clock.now() - requestedAt
      events.emit('origin', { origin: this.#route.origin.name, route: this.route, reason: context.why, code, ms })
    }
    try {
      const response = await this.#route.origin.fetch(this.#upstream(context, previous), signal)
      report(String(response.status))
      return { response, requestedAt, respondedAt: clock.now(), stop }
    } catch (error) {
      report(error instanceof HerdgateError ? error.code : 'internal')
      throw error
    }
  }

  #upstream(context: LoadContext<StoredResponse>, previous: StoredResponse | undefined): OriginRequest {
    const request = this.#request
    const { scheme, authority } = locate(request.url)
    const whole = context.shared && this.#ask.shared
    const fields = upstreamFields(request, {
      conditions: previous && conditionsFor(previous),
      stripConditionals: whole,
      authority,
      scheme,
      cookies: this.#route.rules.cookies,
      hasBody: request.body !== undefined,
    })
    const method = whole ? 'GET' : request.method
    const onInterim = (status: number, interim: Fields) => request.onInterim?.(status, interim)
    return { method, target: this.#ask.target, fields, body: request.body, onInterim }
  }

  /** RFC 9111 section 4.3.4: the stored content with the fields of the 304, as good as new. */
  #validated(
    context: LoadContext<StoredResponse>,
    previous: StoredResponse,
    { response, requestedAt, respondedAt, stop }: Fetched,
  ): Loaded<StoredResponse, DirectResponse> {
    stop() // a 304 has no content
    const update = storedFields(response.fields, this.#route.rules.cookies)
    const fields = dated(mergeFields(previous.fields, update), respondedAt)
    const judged = { status: previous.status, fields: mergeFields(previous.fields, response.fields) }
    const verdict = storable(this.#request, judged, this.#route.rules)
    if (!verdict.store) {
      return {
        kind: 'direct',
        reply: { status: previous.status, fields, body: previous.body },
        status: 304,
        why: verdict.why,
      }
    }
    const tags = tagsOf(response.fields, this.#route.rules)
    const entry: StoredResponse = {
      ...previous,
      ...this.#selection(fields),
      ...lifetimeOf(judged, this.#route.rules, { requestedAt, respondedAt }),
      fields,
      tags: tags.ok && tags.tags.length > this.#route.rules.tags.length ? tags.tags : previous.tags,
      ...stampOf(context),
    }
    return { kind: 'entry', entry, status: 304, validated: true }
  }

  #judge(context: LoadContext<StoredResponse>, fetched: Fetched): Loaded<StoredResponse, DirectResponse> {
    const { response } = fetched
    const failed = response.status >= 500
    const verdict = this.#storable(response)
    if (verdict.store && !(failed && context.keepPrevious)) return this.#fresh(context, fetched)
    const why = verdict.store ? 'kept-stale' : verdict.why
    if (!failed) return { kind: 'direct', reply: this.#reply(fetched, 0), status: response.status, why }
    const forAll = !this.credentialed && varyOn(response.fields).length === 0
    const shared = forAll && (verdict.store || why === 'status' || why === 'no-lifetime')
    const reply = this.#reply(fetched, shared ? SHARED_FAILURE_BYTES : 0)
    return { kind: 'failed', reply, status: response.status, shared }
  }

  #storable(response: OriginResponse): Storable {
    if (!this.#ask.shared) return { store: false, why: this.#request.method === 'GET' ? 'bypass' : 'method' }
    const verdict = storable(this.#request, response, this.#route.rules)
    const tooLarge = (lengthOf(response.fields) ?? 0) > this.#route.rules.maxObjectBytes
    return verdict.store && tooLarge ? { store: false, why: 'too-large' } : verdict
  }

  #fresh(context: LoadContext<StoredResponse>, fetched: Fetched): Loaded<StoredResponse, DirectResponse> {
    const { response, requestedAt, respondedAt } = fetched
    const { rules } = this.#route
    const tags = tagsOf(response.fields, rules)
    const entry: StoredResponse = {
      kind: 'response',
      status: response.status,
      fields: dated(storedFields(response.fields, rules.cookies), respondedAt),
      body: this.#body(fetched, rules.maxObjectBytes),
      ...this.#selection(response.fields),
      url: this.url,
      tags: tags.ok ? tags.tags : NO_TAGS,
      ...lifetimeOf(response, rules, { requestedAt, respondedAt }),
      ...stampOf(context),
    }
    return { kind: 'entry', entry, status: response.status, validated: false }
  }

  /** By which of the request's fields the response was selected. */
  #selection(fields: Fields): Pick<StoredResponse, 'varyOn' | 'vary'> {
    const on = varyOn(fields)
    if (on === '*' || on.length === 0) return UNSELECTED // "*" is not storable
    return { varyOn: on, vary: selecting(on, this.#request.fields) }
  }

  #reply(fetched: Fetched, keepBytes: number): DirectResponse {
    const { status, fields } = fetched.response
    return { status, fields: fields, body: this.#body(fetched, keepBytes) }
  }

  #body({ response, stop }: Fetched, keepBytes: number): Body {
    const { clock } = this.#parts
    const trailers = () => response.trailers()
    const length = lengthOf(response.fields)
    const limits = { keepBytes, windowBytes: WINDOW_BYTES, stallMs: STALL_MS }
    return Body.from(response.body, { length, ...limits, clock, stop, trailers })
  }
}

interface Fetched {
  readonly response: OriginResponse
  readonly requestedAt: number
  readonly respondedAt: number
  /** Nobody wants the rest of the response. */
  readonly stop: () => void
}

function lengthOf(fields: Fields): number | undefined {
  const declared = field(fields, 'content-length')
  return declared === undefined ? undefined : Number(declared)
}

const UNSELECTED = { varyOn: [], vary: [] }
const NO_TAGS: readonly string[] = []

const stampOf = ({ generation, position }: LoadContext<StoredResponse>) => ({ generation, position, checked: position })
