/** Loads a response for the HTTP door: a new one, a copy to be revalidated, or a part to be completed. */
import type { Body } from '../../body.ts'
import { HerdgateError } from '../../errors.ts'
import { type Fields, field, has } from '../../fields.ts'
import type { ByteRange, CacheRequest, Detail, OriginResponse, Route, Stamp, StoredResponse } from '../../model.ts'
import { type ExchangeTimes, isTransientError } from '../../policy/freshness.ts'
import { missingRange, parseContentRange, rangeFor, rangeLines, strongValidator } from '../../policy/range.ts'
import { representationFields } from '../../policy/range-head.ts'
import { REASONS_OF_THE_REQUEST, type Storable, storable } from '../../policy/storable.ts'
import { tagsOf, updatedTags } from '../../policy/fields/tags.ts'
import { conditionsFor, confirms, describesSame, fieldsToJudge, hasValidator } from '../../policy/validation.ts'
import { withChanges } from '../../response-record.ts'
import { type AskParts, askOrigin, type Fetched } from './ask-origin.ts'
import { completedContent } from './part-content.ts'
import { continues } from './parts.ts'
import type { LoadContext, Loaded } from '../engine/question.ts'
import { stampOf } from '../engine/stamp.ts'
import {
  arrivingBody,
  declaredLength,
  type EntryContext,
  newEntry,
  outdatedEntry,
  selection,
  updatedEntry,
} from './response-entry.ts'

/** A response for one request only, as the origin sent it. */
export interface DirectResponse {
  readonly status: number
  readonly fields: Fields
  readonly body: Body
  /** The request fields it was selected by, if other waiters may get it too. */
  readonly selected?: Pick<StoredResponse, 'varyOn' | 'vary'> | undefined
  /** The response as an entry to store, if it is what other requests would get too. */
  readonly entry?: StoredResponse | undefined
  /** When `entry` was requested and received. */
  readonly times?: ExchangeTimes | undefined
}

/** How a request is looked up and forwarded. */
export interface Ask {
  readonly key: string
  /** Request target for the origin, in origin form. */
  readonly target: string
  readonly url: string
  readonly credentialed: boolean
  /** The answer is looked up and may be shared: the client's conditions are evaluated here. */
  readonly lookedUp: boolean
  /** For an anonymous refresh, the copy's status: any other may be meant for clients that are not logged in. */
  readonly expects?: number | undefined
}

type Landing = Loaded<StoredResponse, DirectResponse>

/** A longer error page is not shared among waiters. */
const SHARED_FAILURE_BYTES = 64 * 1024

/** One load: as many requests to the origin as it takes, and what to do with the response. */
export class ResponseLoad {
  readonly #request: CacheRequest
  readonly #route: Route
  readonly #ask: Ask
  readonly #context: LoadContext<StoredResponse>
  readonly #parts: AskParts

  constructor(request: CacheRequest, route: Route, ask: Ask, context: LoadContext<StoredResponse>, parts: AskParts) {
    this.#request = request
    this.#route = route
    this.#ask = ask
    this.#context = context
    this.#parts = parts
  }

  /** Rejects if there is no answer. */
  land(): Promise<Landing> {
    const { previous, part } = this.#context
    if (!this.#isForAll()) {
      return this.#fetch(NO_LINES).then((fetched) => {
        if (!this.#acceptsNotModified()) refuseNotModified(fetched)
        return previous === undefined ? this.#judge(fetched) : this.#updated(previous, fetched)
      })
    }
    const missing = part?.partial && missingRange(part.partial)
    if (part !== undefined && missing !== undefined) return this.#fetchMissing(part, missing)
    if (previous === undefined || previous.partial !== undefined)
      return this.#fetchUnconditionally(rangeLines(this.#request))
    const conditions = conditionsFor(previous)
    return conditions.length === 0 ? this.#fetchUnconditionally(NO_LINES) : this.#revalidate(previous, conditions)
  }

  async #revalidate(previous: StoredResponse, conditions: readonly string[]): Promise<Landing> {
    const fetched = await this.#fetch(conditions)
    if (fetched.response.status !== 304) return this.#judge(fetched)
    if (confirms(previous, fetched.response)) return this.#validated(previous, fetched)
    fetched.stop()
    return this.#fetchUnconditionally(rangeLines(this.#request)) // it confirmed some other response
  }

  /** A new response, requested without conditions: the requested range, or the whole. */
  #fetchUnconditionally(range: readonly string[]): Promise<Landing> {
    return this.#fetch(range).then((fetched) => {
      refuseNotModified(fetched)
      return this.#judge(fetched)
    })
  }

  /** Whether a 304 may answer the client: if it sent a condition, or the request is not looked up. */
  #acceptsNotModified(): boolean {
    const { fields } = this.#request
    return !this.#ask.lookedUp || has(fields, 'if-none-match') || has(fields, 'if-modified-since')
  }

  /** Whether the origin is asked on behalf of all callers. */
  #isForAll(): boolean {
    return this.#context.shared && this.#ask.lookedUp
  }

  #fetch(conditions: readonly string[]): Promise<Fetched> {
    const { why, background, signal } = this.#context
    const forAll = this.#isForAll()
    const { target, lookedUp: mayBeStored } = this.#ask
    return askOrigin(
      { request: this.#request, route: this.#route, target, forAll, mayBeStored, conditions, why, background, signal },
      this.#parts,
    )
  }

  /** RFC 9111 section 4.3.4: the stored response, freshened with the fields of the 304. */
  #validated(previous: StoredResponse, fetched: Fetched): Landing {
    fetched.stop() // a 304 has no content
    const { response } = fetched
    const entry = updatedEntry(this.#entryContext, previous, response.fields, fetched)
    const verdict = this.#storableWith(previous, response.fields)
    if (verdict.store) return { kind: 'entry', entry, status: 304, validated: true }
    const reply = { status: entry.status, fields: entry.fields, body: entry.body }
    return { kind: 'direct', reply, status: 304, why: verdict.why }
  }

  /** RFC 9111 section 4.3.5: the stored response, updated or marked outdated by a response to HEAD. */
  #updated(previous: StoredResponse, fetched: Fetched): Landing {
    const { response } = fetched
    if (response.status !== 200) return this.#judge(fetched)
    const verdict = this.#storableWith(previous, response.fields)
    const isOutdated = !describesSame(previous, response) || !(verdict.store || REASONS_OF_THE_REQUEST.has(verdict.why))
    if (isOutdated) return { ...this.#direct(fetched, 'method'), outdated: outdatedEntry(previous, fetched) }
    if (!verdict.store) return this.#direct(fetched, 'method')
    if (!hasValidator(response)) return this.#direct(fetched, 'method') // it says nothing about the content
    fetched.stop()
    const entry = updatedEntry(this.#entryContext, previous, response.fields, fetched)
    return { kind: 'entry', entry, status: response.status, validated: true }
  }

  /**
   * Fetches the bytes missing from a part (RFC 9111 section 3.4), or the whole if the origin sends anything else. They
   * are asked for even if the part has no strong validator, and nothing may be combined with it: http-cache-tests
   * (`partial-store-partial-complete`) calls that optimal.
   */
  async #fetchMissing(part: StoredResponse, missing: ByteRange): Promise<Landing> {
    const complete = part.partial?.complete
    const validator = strongValidator(part.fields)
    const wanted = ['Range', rangeFor(missing, complete)]
    const fetched = await this.#fetch(validator === undefined ? wanted : [...wanted, 'If-Range', validator])
    const { status, fields } = fetched.response
    if (status !== 206 && status !== 304 && status !== 416) return this.#judge(fetched)
    const range = status === 206 ? parseContentRange(field(fields, 'content-range')) : undefined
    const fits = range?.first === missing.first && range.last === missing.last && range.complete === complete
    if (fits && continues(part.fields, fields)) return this.#completed(part, missing, fetched)
    fetched.stop()
    return this.#fetchUnconditionally(NO_LINES)
  }

  #completed(part: StoredResponse, missing: ByteRange, fetched: Fetched): Landing {
    const { response } = fetched
    const { rules } = this.#route
    const verdict = this.#storableWith({ status: 200, fields: part.fields, tags: part.tags }, response.fields)
    const source = completedContent(part, missing, response.body)
    const arriving = { ...fetched, response: { ...response, body: source, trailers: () => NO_LINES } }
    const length = part.partial?.complete
    const body = arrivingBody(arriving, length, verdict.store ? rules.maxObjectBytes : 0, this.#parts)
    const complete = withChanges(part, {
      status: 200,
      fields: representationFields(part.fields),
      partial: undefined,
      body,
    })
    const entry = updatedEntry(this.#entryContext, complete, response.fields, fetched)
    if (verdict.store) return { kind: 'entry', entry, status: response.status, validated: false }
    const reply = { status: 200, fields: entry.fields, body }
    return { kind: 'direct', reply, status: response.status, why: verdict.why }
  }

  /** Decides whether the response is stored, shared among waiters, or for this request only. */
  #judge(fetched: Fetched): Landing {
    const { status } = fetched.response
    const failed = status >= 500
    const verdict = this.#storable(fetched.response)
    const keepsPrevious = this.#context.keepPrevious && (failed || this.#isTransient(status))
    if (verdict.store && !keepsPrevious) {
      return { kind: 'entry', entry: this.#newEntry(fetched), status, validated: false }
    }
    const why = verdict.store ? 'kept-stale' : verdict.why
    if (!failed) return this.#direct(fetched, why, this.#forGet(fetched))
    const isForOthers = verdict.store || why === 'status' || why === 'no-lifetime'
    const shared = isForOthers && !this.#ask.credentialed ? this.#stampOf(fetched.response) : undefined
    const reply = this.#reply(fetched, shared === undefined ? 0 : SHARED_FAILURE_BYTES)
    const selected = shared && selection(fetched.response.fields, this.#entryContext)
    return { kind: 'failed', reply: { ...reply, selected }, status, why, shared }
  }

  /** Undefined if the response could not be purged by all its tags. */
  #stampOf({ fields }: OriginResponse): Stamp | undefined {
    const tags = tagsOf(this.#request.url, fields, this.#route.rules)
    return tags.ok ? stampOf(this.#ask.url, tags.tags, this.#context.beginning) : undefined
  }

  #storable(response: OriginResponse): Storable {
    if (!this.#ask.lookedUp) return { store: false, why: 'method' }
    const verdict = storable(this.#request, response, this.#route.rules)
    const tooLarge = (declaredLength(response.fields) ?? 0) > this.#route.rules.maxObjectBytes
    return verdict.store && tooLarge ? { store: false, why: 'too-large' } : verdict
  }

  /** Whether the stored response with these newer fields would be storable as the response to a GET. */
  #storableWith(
    { status, fields, tags }: Pick<StoredResponse, 'status' | 'fields' | 'tags'>,
    update: Fields,
  ): Storable {
    const { method, url, fields: asked } = this.#request
    const request = method === 'HEAD' ? { method: 'GET', url, fields: asked } : this.#request
    const verdict = storable(request, { status, fields: fieldsToJudge(fields, update) }, this.#route.rules)
    const arePurgeable = updatedTags(url, tags, update, this.#route.rules).ok
    return verdict.store && !arePurgeable ? { store: false, why: 'tags' } : verdict
  }

  /** An entry from a response to POST, if a GET may get it too (RFC 9110 section 9.3.3). */
  #forGet(fetched: Fetched): StoredResponse | undefined {
    const isFor = this.#request.method === 'POST' && fetched.response.status === 200
    return isFor && storable(this.#request, fetched.response, this.#route.rules).store
      ? this.#newEntry(fetched)
      : undefined
  }

  #newEntry(fetched: Fetched): StoredResponse {
    return newEntry(this.#entryContext, fetched, this.#parts)
  }

  #direct(fetched: Fetched, why: Detail, entry?: StoredResponse): Extract<Landing, { kind: 'direct' }> {
    const { status, fields } = fetched.response
    const reply =
      entry === undefined ? this.#reply(fetched, 0) : { status, fields, body: entry.body, entry, times: fetched }
    return { kind: 'direct', reply, status, why, transient: this.#isTransient(status) }
  }

  /** Whether a stored copy is preferable to this answer. */
  #isTransient(status: number): boolean {
    const { expects = status } = this.#ask
    return isTransientError(status) || status !== expects
  }

  #reply(fetched: Fetched, keepBytes: number): DirectResponse {
    const { status, fields } = fetched.response
    return { status, fields, body: arrivingBody(fetched, declaredLength(fields), keepBytes, this.#parts) }
  }

  get #entryContext(): EntryContext {
    const { beginning } = this.#context
    return { request: this.#request, rules: this.#route.rules, url: this.#ask.url, beginning }
  }
}

const NO_LINES: readonly string[] = []

/** @throws HerdgateError origin_invalid if the origin answers an unconditional request with 304 */
function refuseNotModified({ response, stop }: Fetched): void {
  if (response.status !== 304) return
  stop()
  throw new HerdgateError('origin_invalid', '304 in answer to an unconditional request')
}
