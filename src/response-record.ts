import type { Body } from './body.ts'
import type { Fields } from './fields.ts'
import type { PartialContent, StoredResponse } from './model.ts'

/** The properties of a stored response. */
export type ResponseParts = Omit<StoredResponse, 'kind'>

/**
 * A stored response in memory. Its times are kept in one array: V8 gives each number property that is not a small
 * integer an object of its own, and there are as many stored responses as fit into memory
 * (docs/decisions/heap/marking-is-rare.md). So copy it with `withChanges`, not by spreading, and compare its times by
 * name.
 */
export class ResponseRecord implements StoredResponse {
  readonly kind = 'response'
  readonly status: number
  readonly fields: Fields
  readonly body: Body
  readonly varyOn: readonly string[]
  readonly vary: Fields
  readonly partial: PartialContent | undefined
  readonly mustRevalidate: boolean
  readonly url: string
  readonly tags: readonly string[]
  readonly generation: string
  readonly position: number
  checked: number
  readonly #times: Times

  constructor(parts: ResponseParts) {
    this.status = parts.status
    this.fields = parts.fields
    this.body = parts.body
    this.varyOn = parts.varyOn
    this.vary = parts.vary
    this.partial = parts.partial
    this.mustRevalidate = parts.mustRevalidate
    this.url = parts.url
    this.tags = parts.tags
    this.generation = parts.generation
    this.position = parts.position
    this.checked = parts.checked
    this.#times = [
      parts.bornAt,
      parts.freshUntil,
      parts.refreshAt,
      parts.staleWhileRevalidateUntil,
      parts.staleIfErrorUntil,
      parts.keepUntil,
      parts.startedAt,
      parts.askedAt,
      parts.costMs ?? UNKNOWN,
    ]
  }

  get bornAt(): number {
    return this.#times[0]
  }

  get freshUntil(): number {
    return this.#times[1]
  }

  get refreshAt(): number {
    return this.#times[2]
  }

  get staleWhileRevalidateUntil(): number {
    return this.#times[3]
  }

  get staleIfErrorUntil(): number {
    return this.#times[4]
  }

  get keepUntil(): number {
    return this.#times[5]
  }

  get startedAt(): number {
    return this.#times[6]
  }

  get askedAt(): number {
    return this.#times[7]
  }

  get costMs(): number | undefined {
    const costMs = this.#times[8]
    return Number.isNaN(costMs) ? undefined : costMs
  }
}

/** A copy of the response with some properties changed. */
export const withChanges = (response: StoredResponse, changes: Partial<ResponseParts>): StoredResponse =>
  new ResponseRecord({ ...response, ...timesOf(response), ...changes })

/** The getters, which spreading omits. */
const timesOf = (response: StoredResponse) => ({
  bornAt: response.bornAt,
  freshUntil: response.freshUntil,
  refreshAt: response.refreshAt,
  staleWhileRevalidateUntil: response.staleWhileRevalidateUntil,
  staleIfErrorUntil: response.staleIfErrorUntil,
  keepUntil: response.keepUntil,
  startedAt: response.startedAt,
  askedAt: response.askedAt,
  costMs: response.costMs,
})

/** In the order of the getters. */
type Times = readonly [number, number, number, number, number, number, number, number, number]

/** A number, so that V8 keeps the array as one of plain numbers. */
const UNKNOWN = Number.NaN
