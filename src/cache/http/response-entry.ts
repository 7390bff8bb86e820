/** Makes stored responses from an origin's responses. */
import { Body } from '../../body.ts'
import { type Fields, field } from '../../fields.ts'
import { interned } from '../../interned.ts'
import type { Beginning, CacheRequest, PartialContent, Rules, StoredResponse } from '../../model.ts'
import { lifetimeOf } from '../../policy/freshness.ts'
import { parseContentRange } from '../../policy/range.ts'
import { withoutRange } from '../../policy/range-head.ts'
import { dated, storedFields } from '../../policy/response.ts'
import { tagsOf, updatedTags } from '../../policy/fields/tags.ts'
import { endToEndTrailers } from '../../policy/trailers.ts'
import { fieldsToJudge, mergeFields } from '../../policy/validation.ts'
import { selectingFields, selectingValues, varyOn } from '../../policy/vary.ts'
import { ResponseRecord, withChanges } from '../../response-record.ts'
import { NO_TAGS, stampOf } from '../engine/stamp.ts'
import type { ArrivalParts, Fetched } from './ask-origin.ts'

/** The request an entry is made for, and what the invalidation log needs to judge it. */
export interface EntryContext {
  readonly request: CacheRequest
  readonly rules: Rules
  /** Name in the invalidation log. */
  readonly url: string
  readonly beginning: Beginning
}

/** Of content that is not kept, how much may wait in memory for its readers, and how long one may hold up the others. */
export const PASSING_LIMITS = { windowBytes: 256 * 1024, stallMs: 10_000 }

/** A new response whose content is still arriving. */
export function newEntry(context: EntryContext, fetched: Fetched, parts: ArrivalParts): StoredResponse {
  const { response, respondedAt, receivedWallTime } = fetched
  const { rules, request, beginning } = context
  const { status, fields } = response
  const tags = tagsOf(request.url, fields, rules)
  const kept = storedFields(fields, rules.cookies)
  const { varyOn: on, vary } = selection(fields, context)
  const lifetime = lifetimeOf(response, rules, fetched)
  // Member by member: spreading takes several times as long.
  return new ResponseRecord({
    status,
    fields: interned(dated(status === 206 ? withoutRange(kept) : kept, receivedWallTime)),
    body: arrivingBody(fetched, declaredLength(fields), rules.maxObjectBytes, parts),
    varyOn: on,
    vary,
    partial: status === 206 ? partialContent(request, fields) : undefined,
    tags: tags.ok ? tags.tags : NO_TAGS,
    bornAt: lifetime.bornAt,
    freshUntil: lifetime.freshUntil,
    refreshAt: lifetime.refreshAt,
    staleWhileRevalidateUntil: lifetime.staleWhileRevalidateUntil,
    staleIfErrorUntil: lifetime.staleIfErrorUntil,
    keepUntil: lifetime.keepUntil,
    mustRevalidate: lifetime.mustRevalidate,
    costMs: respondedAt - fetched.requestedAt,
    url: context.url,
    generation: beginning.generation,
    position: beginning.position,
    checked: beginning.position,
    startedAt: beginning.startedAt,
    askedAt: beginning.startedAt,
  })
}

/**
 * A stored response updated with newer fields (RFC 9111 section 3.2), with a new lifetime and stamp.
 * @param update fields of the 304, of the response to HEAD, or of the 206 that completed it
 */
export function updatedEntry(
  context: EntryContext,
  previous: StoredResponse,
  update: Fields,
  fetched: Fetched,
): StoredResponse {
  const { rules, request } = context
  const merged = mergeFields(previous.fields, storedFields(update, rules.cookies))
  const fields = interned(dated(merged, fetched.receivedWallTime))
  const judged = { status: previous.status, fields: fieldsToJudge(previous.fields, update) }
  const tags = updatedTags(request.url, previous.tags, update, rules)
  return withChanges(previous, {
    ...selection(judged.fields, context),
    ...lifetimeOf(judged, rules, fetched),
    fields,
    ...stampOf(context.url, tags.ok ? tags.tags : previous.tags, context.beginning),
    askedAt: context.beginning.startedAt,
  })
}

/** A stored response that a HEAD has shown to be outdated: stale from now on, with no stale-while-revalidate window. */
export const outdatedEntry = (previous: StoredResponse, { respondedAt }: Fetched): StoredResponse =>
  withChanges(previous, {
    freshUntil: Math.min(previous.freshUntil, respondedAt),
    staleWhileRevalidateUntil: respondedAt,
  })

/**
 * @param length of the content in bytes, if known
 * @param keepBytes how much may be kept for others; 0 if it is for one reader only
 */
export function arrivingBody(
  { response, stop, brokeOff }: Pick<Fetched, 'response' | 'stop' | 'brokeOff'>,
  length: number | undefined,
  keepBytes: number,
  { clock, budget }: ArrivalParts,
): Body {
  const trailers = () => endToEndTrailers(response.trailers(), response.fields)
  return Body.from(response.body, { length, keepBytes, ...PASSING_LIMITS, clock, budget, stop, brokeOff, trailers })
}

export function declaredLength(fields: Fields): number | undefined {
  const declared = field(fields, 'content-length')
  return declared === undefined ? undefined : Number(declared)
}

/** The request fields by which the response was selected. */
export function selection(fields: Fields, { request, rules }: EntryContext): Pick<StoredResponse, 'varyOn' | 'vary'> {
  const on = varyOn(fields)
  if (on === '*' || on.length === 0) return UNSELECTED // "*" is not storable
  return { varyOn: on, vary: selectingValues(on, selectingFields(on, request, rules.cookies)) }
}

function partialContent(request: CacheRequest, fields: Fields): PartialContent | undefined {
  const contentRange = field(fields, 'content-range')
  const range = parseContentRange(contentRange)
  if (range === undefined) return undefined
  const { first, last, complete } = range
  const asked = field(request.fields, 'range')
  return { parts: [{ first, last }], complete, reachesEnd: false, asked, contentRange }
}

const UNSELECTED = { varyOn: [], vary: [] }
