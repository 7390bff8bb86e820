import type { Body, Fate } from '../body.ts'
import { HerdgateError } from '../errors.ts'
import { type Fields, field } from '../fields.ts'
import type {
  Awaitable,
  ByteRange,
  CacheRequest,
  Decision,
  Found,
  OriginResponse,
  Route,
  Stored,
  StoredResponse,
  Varies,
} from '../model.ts'
import { isPassingError } from '../policy/freshness.ts'
import { parseContentRange, rangeFor, rangeMissing, rangesAsked, select, strongValidator } from '../policy/range.ts'
import { decide } from '../policy/reuse.ts'
import { type Storable, storable } from '../policy/storable.ts'
import { conditionsFor, confirms, describesSame, fieldsToJudge } from '../policy/validation.ts'
import { languageKey, languageKeyOf, selects, variantKey, varyOn } from '../policy/vary.ts'
import { type AskParts, askOrigin, type Fetched } from './ask-origin.ts'
import { completed, continues, settledPart } from './parts.ts'
import type { LoadContext, Loaded, Question } from './question.ts'
import { arrivingBody, declaredLength, freshEntry, type Making, updatedEntry } from './response-entry.ts'

/** A response for one request alone, as the origin sent it. */
export interface DirectResponse {
  readonly status: number
  readonly fields: Fields
  readonly body: Body
  /** The same as something to store, where the answer to one request turns out to be what others would get. */
  readonly entry?: StoredResponse | undefined
}

/** What distinguishes the ways in which a request asks. */
export interface Ask {
  readonly key: string
  /** Origin form, as the origin is to be asked. */
  readonly target: string
  readonly url: string
  readonly credentialed: boolean
  /** The answer is looked up and may be given to others: conditions of the client are answered here. */
  readonly lookedUp: boolean
}

type Landing = Loaded<StoredResponse, DirectResponse>
type Context = LoadContext<StoredResponse>

/** An error page is shared among those who wait if it is no longer than this. */
const SHARED_FAILURE_BYTES = 64 * 1024

/** The HTTP door's question: RFC 9111 judges, an origin loads. */
export class HttpQuestion implements Question<StoredResponse, DirectResponse> {
  readonly key: string
  readonly url: string
  readonly route: string
  readonly apart: string
  readonly apartWhole: string | undefined
  readonly #request: CacheRequest
  readonly #route: Route
  readonly #ask: Ask
  readonly #parts: AskParts

  constructor(request: CacheRequest, route: Route, ask: Ask, parts: AskParts) {
    const whole = ask.credentialed ? '\ncredentials' : ''
    const range = ask.lookedUp ? rangeLines(request) : NO_LINES
    this.key = ask.key
    this.url = ask.url
    this.route = route.name
    this.apart = range.length === 0 ? whole : `${whole}\nrange ${range.join(' ')}`
    this.apartWhole = range.length === 0 ? undefined : whole
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

  otherVariant({ on, languages }: Varies): string | undefined {
    if (languages.length === 0) return undefined
    const name = languageKey(this.key, on, this.#request.fields)
    return languages.find(([candidate]) => candidate === name)?.[1]
  }

  variantName({ varyOn: on, fields }: StoredResponse): string | undefined {
    return languageKeyOf(this.key, on, this.#request.fields, fields)
  }

  variesOn(entry: StoredResponse): readonly string[] {
    return entry.varyOn
  }

  mayShare(entry: StoredResponse): boolean {
    if (!entry.body.joinable) return false
    if (entry.varyOn.length > 0 && !selects(entry.vary, this.#request.fields)) return false
    if (entry.partial === undefined) return true
    const { kind } = select(this.#request, entry, undefined)
    return kind === 'as-received' || (kind !== 'missing' && entry.body.bytes !== undefined)
  }

  fate(entry: StoredResponse): Awaitable<Fate> {
    return entry.body.fate
  }

  isPart(entry: StoredResponse): boolean {
    return entry.partial !== undefined
  }

  settled(part: StoredResponse, stored: Stored | undefined): StoredResponse | undefined {
    return settledPart(part, stored, this.#route.rules.maxObjectBytes)
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

  async load(context: Context): Promise<Landing> {
    const { previous, part } = context
    if (!this.#isForAll(context)) {
      const fetched = await this.#fetch(context, NO_LINES)
      return previous === undefined ? this.#judge(context, fetched) : this.#updated(context, previous, fetched)
    }
    const missing = part?.partial && rangeMissing(part.partial)
    if (part !== undefined && missing !== undefined) return this.#completed(context, part, missing)
    if (previous === undefined || previous.partial !== undefined) return this.#anew(context, rangeLines(this.#request))
    const conditions = conditionsFor(previous)
    return conditions.length === 0 ? this.#anew(context, NO_LINES) : this.#checked(context, previous, conditions)
  }

  async #checked(context: Context, previous: StoredResponse, conditions: readonly string[]): Promise<Landing> {
    const fetched = await this.#fetch(context, conditions)
    if (fetched.response.status !== 304) return this.#judge(context, fetched)
    if (confirms(previous, fetched.response)) return this.#validated(context, previous, fetched)
    fetched.stop()
    return this.#anew(context, rangeLines(this.#request)) // it confirmed some other response
  }

  /**
   * A new response, asked for without conditions: the range that the request is for, or all there is.
   * @throws HerdgateError origin_invalid, when the origin answers as if to a condition
   */
  async #anew(context: Context, range: readonly string[]): Promise<Landing> {
    const fetched = await this.#fetch(context, range)
    if (fetched.response.status !== 304) return this.#judge(context, fetched)
    fetched.stop()
    throw new HerdgateError('origin_invalid', '304 in answer to an unconditional request')
  }

  /** Is the origin asked in the name of everyone who may come? */
  #isForAll(context: Context): boolean {
    return context.shared && this.#ask.lookedUp
  }

  #fetch(context: Context, conditions: readonly string[]): Promise<Fetched> {
    const { why, signal } = context
    const forAll = this.#isForAll(context)
    const { target, lookedUp: mayBeStored } = this.#ask
    return askOrigin(
      { request: this.#request, route: this.#route, target, forAll, mayBeStored, conditions, why, signal },
      this.#parts,
    )
  }

  /** RFC 9111 section 4.3.4: the stored content with the fields of the 304, as good as new. */
  #validated(context: Context, previous: StoredResponse, fetched: Fetched): Landing {
    fetched.stop() // a 304 has no content
    const { response } = fetched
    const entry = updatedEntry(this.#making(context), previous, response.fields, fetched)
    const judged = { status: previous.status, fields: fieldsToJudge(previous.fields, response.fields) }
    const verdict = storable(this.#request, judged, this.#route.rules)
    if (verdict.store) return { kind: 'entry', entry, status: 304, validated: true }
    const reply = { status: entry.status, fields: entry.fields, body: entry.body }
    return { kind: 'direct', reply, status: 304, why: verdict.why }
  }

  /** RFC 9111 section 4.3.5: what a response to HEAD says of the content that is stored. */
  #updated(context: Context, previous: StoredResponse, fetched: Fetched): Landing {
    const { response } = fetched
    if (response.status !== 200) return this.#judge(context, fetched)
    const judged = { status: previous.status, fields: fieldsToJudge(previous.fields, response.fields) }
    const asGet = { ...this.#request, method: 'GET', url: this.#request.url, fields: this.#request.fields }
    const same = describesSame(previous, response) && storable(asGet, judged, this.#route.rules).store
    if (!same) return { ...this.#direct(fetched, 'method'), outdated: previous }
    fetched.stop()
    const entry = updatedEntry(this.#making(context), previous, response.fields, fetched)
    return { kind: 'entry', entry, status: response.status, validated: true }
  }

  /** The bytes a part lacks, put in their place (RFC 9111 section 3.4); the whole, should the origin not play along. */
  async #completed(context: Context, part: StoredResponse, missing: ByteRange): Promise<Landing> {
    const complete = part.partial?.complete
    const validator = strongValidator(part.fields)
    const wanted = ['Range', rangeFor(missing, complete)]
    const fetched = await this.#fetch(context, validator === undefined ? wanted : [...wanted, 'If-Range', validator])
    const { status, fields } = fetched.response
    if (status !== 206 && status !== 304 && status !== 416) return this.#judge(context, fetched)
    const range = status === 206 ? parseContentRange(field(fields, 'content-range')) : undefined
    const fits = range?.first === missing.first && range.last === missing.last && range.complete === complete
    if (fits && continues(part.fields, fields)) return this.#whole(context, part, missing, fetched)
    fetched.stop()
    return this.#anew(context, NO_LINES)
  }

  #whole(context: Context, part: StoredResponse, missing: ByteRange, fetched: Fetched): Landing {
    const { response } = fetched
    const { rules } = this.#route
    const judged = { status: 200, fields: fieldsToJudge(part.fields, response.fields) }
    const verdict = storable(this.#request, judged, rules)
    const source = completed(part, missing, response.body)
    const arriving = { ...fetched, response: { ...response, body: source, trailers: () => NO_LINES } }
    const length = part.partial?.complete
    const body = arrivingBody(arriving, length, verdict.store ? rules.maxObjectBytes : 0, this.#parts)
    const complete = { ...part, status: 200, partial: undefined, body }
    const entry = updatedEntry(this.#making(context), complete, response.fields, fetched)
    if (verdict.store) return { kind: 'entry', entry, status: response.status, validated: false }
    const reply = { status: 200, fields: entry.fields, body }
    return { kind: 'direct', reply, status: response.status, why: verdict.why }
  }

  /** To be stored, to be shared among those who wait, or for this request alone. */
  #judge(context: Context, fetched: Fetched): Landing {
    const { status, fields } = fetched.response
    const failed = status >= 500
    const verdict = this.#storable(fetched.response)
    const keepsPrevious = context.keepPrevious && (failed || isPassingError(status))
    if (verdict.store && !keepsPrevious) {
      return { kind: 'entry', entry: this.#fresh(context, fetched), status, validated: false }
    }
    const why = verdict.store ? 'kept-stale' : verdict.why
    if (!failed) return this.#direct(fetched, why, this.#forGet(context, fetched))
    const forAll = !this.#ask.credentialed && varyOn(fields).length === 0
    const shared = forAll && (verdict.store || why === 'status' || why === 'no-lifetime')
    const reply = this.#reply(fetched, shared ? SHARED_FAILURE_BYTES : 0)
    return { kind: 'failed', reply, status, shared }
  }

  #storable(response: OriginResponse): Storable {
    if (!this.#ask.lookedUp) return { store: false, why: this.#request.method === 'GET' ? 'bypass' : 'method' }
    const verdict = storable(this.#request, response, this.#route.rules)
    const tooLarge = (declaredLength(response.fields) ?? 0) > this.#route.rules.maxObjectBytes
    return verdict.store && tooLarge ? { store: false, why: 'too-large' } : verdict
  }

  /** The answer to a POST that is what a GET would get (RFC 9110 section 9.3.3). */
  #forGet(context: Context, fetched: Fetched): StoredResponse | undefined {
    const isFor = this.#request.method === 'POST' && fetched.response.status === 200
    return isFor && storable(this.#request, fetched.response, this.#route.rules).store
      ? this.#fresh(context, fetched)
      : undefined
  }

  #fresh(context: Context, fetched: Fetched): StoredResponse {
    return freshEntry(this.#making(context), fetched, this.#parts)
  }

  #direct(fetched: Fetched, why: string, entry?: StoredResponse): Extract<Landing, { kind: 'direct' }> {
    const { status, fields } = fetched.response
    const reply = entry === undefined ? this.#reply(fetched, 0) : { status, fields, body: entry.body, entry }
    return { kind: 'direct', reply, status, why, passing: isPassingError(status) }
  }

  #reply(fetched: Fetched, keepBytes: number): DirectResponse {
    const { status, fields } = fetched.response
    return { status, fields, body: arrivingBody(fetched, declaredLength(fields), keepBytes, this.#parts) }
  }

  #making({ generation, position }: Context): Making {
    return { request: this.#request, rules: this.#route.rules, url: this.url, generation, position }
  }
}

/** The range that is wanted, and of which representation, as the origin is to be told. */
function rangeLines(request: CacheRequest): readonly string[] {
  if (rangesAsked(request)?.kind !== 'bytes') return NO_LINES
  const range = field(request.fields, 'range') ?? ''
  const ofWhich = field(request.fields, 'if-range')
  return ofWhich === undefined ? ['Range', range] : ['Range', range, 'If-Range', ofWhich]
}

const NO_LINES: readonly string[] = []
