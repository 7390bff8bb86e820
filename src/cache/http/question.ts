import type { Fate } from '../../body.ts'
import type { Fields } from '../../fields.ts'
import type {
  Awaitable,
  CacheRequest,
  Decision,
  Found,
  Route,
  Signal,
  Stored,
  StoredResponse,
  Varies,
} from '../../model.ts'
import { isWorseThanAnyCopy } from '../../policy/freshness.ts'
import { keyOf } from '../../policy/key.ts'
import { rangeLines, select } from '../../policy/range.ts'
import { withoutDirectives, withoutSender } from '../../policy/refresh.ts'
import { decide } from '../../policy/reuse.ts'
import { nameOf } from '../../policy/target.ts'
import { languageKey, languageKeyOf, selectingFields, selects, variantKey } from '../../policy/vary.ts'
import type { AskParts } from './ask-origin.ts'
import { partToStore } from './parts.ts'
import type { LoadContext, Loaded, Question } from '../engine/question.ts'
import { type Ask, type DirectResponse, ResponseLoad } from './response-load.ts'

/**
 * How a request is looked up.
 * @param keySuffix what is part of the key beyond that of a GET
 */
export function askFor(
  request: CacheRequest,
  route: Route,
  { credentialed }: Pick<Ask, 'credentialed'>,
  keySuffix: string = '',
): Ask {
  const { key, target, url } = keyOf(route, request)
  return { key: keySuffix === '' ? key : key + keySuffix, target, url: nameOf(url), credentialed, lookedUp: true }
}

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
    const range = ask.lookedUp ? rangeLines(request) : []
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

  get signal(): Signal | undefined {
    return this.#request.signal
  }

  get leaving(): Signal | undefined {
    return this.#request.leaving ?? this.#request.signal
  }

  isEntry(stored: Stored): stored is StoredResponse {
    return stored.kind === 'response'
  }

  decide(found: Found<StoredResponse>, now: number): Decision<StoredResponse> {
    return decide(this.#request, found, this.#route.rules, now)
  }

  variantKey(on: readonly string[]): string {
    return variantKey(this.key, on, this.#selecting(on))
  }

  otherVariant({ on, languages }: Varies): string | undefined {
    if (languages.length === 0) return undefined
    const name = languageKey(this.key, on, this.#selecting(on))
    return languages.find(([candidate]) => candidate === name)?.[1]
  }

  variantName({ varyOn: on, fields }: StoredResponse): string | undefined {
    return languageKeyOf(this.key, on, this.#selecting(on), fields)
  }

  variesOn(entry: StoredResponse): readonly string[] {
    return entry.varyOn
  }

  mayShare(entry: StoredResponse): boolean {
    if (!entry.body.joinable) return false
    if (!this.#isSelected(entry)) return false
    if (entry.partial === undefined) return true
    const { kind } = select(this.#request, entry, undefined)
    return kind === 'as-received' || (kind !== 'missing' && entry.body.bytes !== undefined)
  }

  lengthOf(entry: StoredResponse): number | undefined {
    return entry.body.length
  }

  isError({ status }: StoredResponse): boolean {
    return isWorseThanAnyCopy(status)
  }

  fate(entry: StoredResponse): Awaitable<Fate> {
    return entry.body.fate
  }

  isPart(entry: StoredResponse): boolean {
    return entry.partial !== undefined
  }

  entryToStore(part: StoredResponse, stored: Stored | undefined): StoredResponse | undefined {
    return partToStore(part, stored, this.#route.rules.maxObjectBytes)
  }

  discardEntry(entry: StoredResponse): void {
    entry.body.discard()
  }

  mayShareReply({ body, selected }: DirectResponse): boolean {
    return body.joinable && (selected === undefined || this.#isSelected(selected))
  }

  discard(reply: DirectResponse): void {
    reply.body.discard()
  }

  forRefresh(entry: StoredResponse): HttpQuestion {
    const request = withoutDirectives(this.#request, entry, this.#route)
    return request === this.#request ? this : new HttpQuestion(request, this.#route, this.#ask, this.#parts)
  }

  forAnyone(entry: StoredResponse): HttpQuestion | undefined {
    const request = this.#ask.credentialed ? withoutSender(this.#request, entry, this.#route) : undefined
    const ask = { ...this.#ask, credentialed: false, expects: entry.status }
    return request && new HttpQuestion(request, this.#route, ask, this.#parts)
  }

  load(context: LoadContext<StoredResponse>): Promise<Loaded<StoredResponse, DirectResponse>> {
    return new ResponseLoad(this.#request, this.#route, this.#ask, context, this.#parts).land()
  }

  #isSelected({ varyOn: on, vary }: Pick<StoredResponse, 'varyOn' | 'vary'>): boolean {
    return on.length === 0 || selects(vary, this.#selecting(on))
  }

  #selecting(on: readonly string[]): Fields {
    return selectingFields(on, this.#request, this.#route.rules.cookies)
  }
}
