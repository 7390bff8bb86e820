/** Checks a stored thing that was read back, as strictly as what an origin sends. */
import { type Fields, HOP_BY_HOP } from '../../fields.ts'
import type { Lifetime, Order, PartialContent, Stamp, Stored, StoredResponse } from '../../model.ts'
import { LOWER_CASE_TOKEN, TOKEN } from '../../token.ts'

/** Could this process have stored it? It may come from a store that others write to. */
export function isSound(stored: Stored): boolean {
  if (!isSoundStamp(stored)) return false
  switch (stored.kind) {
    case 'response':
      return areSoundTimes(stored) && isSoundResponse(stored)
    case 'value':
      return areSoundTimes(stored)
    case 'varies':
      return areSoundNames(stored.on) && Number.isFinite(stored.askedAt) && !Number.isNaN(stored.keepUntil)
    case 'unshareable':
      return Number.isFinite(stored.keepUntil)
  }
}

/** RFC 9110 section 5.5: visible ASCII, obs-text, space and tab. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const GENERATION = /^[\x21-\x7e]{1,128}$/
/** In a normalised pair of request fields: the request has no such field (policy/vary.ts). */
const ABSENT = '\0'
/** Likewise: the field came under several names (policy/key.ts). */
const ALL_AS_READ = /^\n[\w-]{43}$/
/** Never stored, in addition to hop-by-hop fields: what is generated for each use (policy/response.ts). */
const NEVER_STORED = new Set(['age', 'content-length', 'trailer'])

const isName = (name: string): boolean => LOWER_CASE_TOKEN.test(name)
const areSoundNames = (on: readonly string[]): boolean => on.length > 0 && on.every(isName)

/** A position beyond the log's end is left to the log to judge. */
function isSoundStamp({ generation, position }: Stamp): boolean {
  return GENERATION.test(generation) && Number.isSafeInteger(position) && position >= 0
}

function areSoundTimes(times: Order & Lifetime): boolean {
  if (!Number.isFinite(times.askedAt) || !Number.isFinite(times.bornAt)) return false
  return [
    times.freshUntil,
    times.refreshAt,
    times.staleWhileRevalidateUntil,
    times.staleIfErrorUntil,
    times.keepUntil,
  ].every((at) => at > Number.NEGATIVE_INFINITY)
}

function isSoundResponse({ status, fields, body, varyOn, vary, partial }: StoredResponse): boolean {
  return (
    Number.isInteger(status) &&
    status >= 200 &&
    status <= 599 &&
    areStorable(fields) &&
    areSelecting(varyOn, vary) &&
    (partial === undefined || isSoundPart(partial, body.length ?? 0))
  )
}

function areStorable(fields: Fields): boolean {
  if (fields.length % 2 !== 0) return false
  return fields.every((text, at) => (at % 2 === 0 ? isStorableName(text) : VALUE.test(text)))
}

function isStorableName(name: string): boolean {
  if (!TOKEN.test(name)) return false
  const lowerCase = name.toLowerCase()
  return !HOP_BY_HOP.has(lowerCase) && !NEVER_STORED.has(lowerCase)
}

/** One pair for each name, in that order. */
function areSelecting(on: readonly string[], vary: Fields): boolean {
  return (
    vary.length === on.length * 2 &&
    on.every((name, at) => isName(name) && vary[at * 2] === name && isSelectingValue(vary[at * 2 + 1] ?? ''))
  )
}

const isSelectingValue = (value: string): boolean => value === ABSENT || VALUE.test(value) || ALL_AS_READ.test(value)

function isSoundPart({ parts, complete, asked, contentRange }: PartialContent, bodyBytes: number): boolean {
  let end = -1
  let bytes = 0
  for (const { first, last } of parts) {
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || first <= end || last < first) return false
    bytes += last - first + 1
    end = last + 1 // the next one must not touch it
  }
  const isWithin = complete === undefined || (Number.isSafeInteger(complete) && end <= complete)
  return parts.length > 0 && bytes === bodyBytes && isWithin && isValue(asked) && isValue(contentRange)
}

const isValue = (text: string | undefined): boolean => text === undefined || VALUE.test(text)
