/** Which of a response's fields governs this cache (RFC 9213). */
import { parseDictionary, type Item, type InnerList } from 'structured-headers'
import { type Fields, field, has } from '../../fields.ts'
import { memoized } from '../memoized.ts'
import { apply, type Collected, type Directives, MALFORMED, NONE, parseCacheControl } from './cache-control.ts'

export interface ResponseDirectives extends Directives {
  /** They come from a targeted field, so Cache-Control and Expires are ignored (RFC 9213 section 2.2). */
  readonly targeted: boolean
  /** `noCache` is assumed because of Pragma: no field states it. */
  readonly assumed?: true
}

/** In order of preference. */
const TARGETED_FIELDS = ['herdgate-cache-control', 'cdn-cache-control']

/** All fields that may hold directives. */
export const CONTROL_FIELDS: readonly string[] = ['cache-control', ...TARGETED_FIELDS, 'surrogate-control']

/**
 * The directives that govern a response: those of the first targeted field with a valid, non-empty value (RFC 9213
 * section 2.2), else of Surrogate-Control, their predecessor, else of Cache-Control. Surrogate-Control does not define
 * `private` and may be meant for other caches, so `private` in Cache-Control counts in addition.
 */
export function responseDirectives(fields: Fields): ResponseDirectives {
  for (const name of TARGETED_FIELDS) {
    const value = field(fields, name)
    const directives = value === undefined ? undefined : parseTargeted(value)
    if (directives !== undefined) return { ...directives, targeted: true }
  }
  const value = field(fields, 'cache-control')
  const general = value === undefined ? unstated(fields) : stated(value)
  const surrogate = parseSurrogateControl(field(fields, 'surrogate-control'))
  if (surrogate === undefined) return general
  return { ...surrogate, private: surrogate.private || general.private, targeted: true }
}

/**
 * Pragma means nothing in a response (RFC 9111 section 5.4), and so does not shorten a stated lifetime. But origins send
 * `no-cache` in it to prevent reuse, so no lifetime is assumed for such a response either.
 */
function unstated(fields: Fields): ResponseDirectives {
  const pragma = field(fields, 'pragma')
  return pragma === undefined || !/\bno-cache\b/i.test(pragma) || has(fields, 'expires') ? UNSTATED : NOT_TO_BE_REUSED
}

const UNSTATED: ResponseDirectives = { ...NONE, targeted: false }
const NOT_TO_BE_REUSED: ResponseDirectives = { ...UNSTATED, noCache: true, assumed: true }

/** Memoized: origins use the same few values. */
const stated = memoized((value): ResponseDirectives => ({ ...parseCacheControl(value), targeted: false }))

/** A targeted field is a Dictionary; undefined if it does not parse or is empty, which counts as absent. */
function parseTargeted(value: string): Directives | undefined {
  const dictionary = dictionaryOf(value)
  if (dictionary === undefined || dictionary.size === 0) return undefined
  const directives: Collected = { ...NONE }
  for (const [name, member] of dictionary) apply(directives, name, argumentOf(member))
  return directives
}

function dictionaryOf(value: string): Map<string, Item | InnerList> | undefined {
  try {
    return parseDictionary(value)
  } catch {
    return undefined
  }
}

/** A member's value as a Cache-Control argument; a type that no directive uses becomes malformed. */
function argumentOf([value]: Item | InnerList): string | undefined {
  if (value === true) return undefined
  return typeof value === 'number' ? String(value) : MALFORMED
}

/**
 * Surrogate-Control (W3C Edge Architecture Specification): `no-store` and `max-age=30`, or `max-age=30+60` with a time
 * for stale use; a directive with `;target` is for that surrogate only. `no-cache` and `private` restrict here too, as
 * in Cache-Control. Undefined if nothing in it is for this cache.
 */
export function parseSurrogateControl(value: string | undefined): Directives | undefined {
  if (value === undefined) return undefined
  const directives: Collected = { ...NONE }
  for (const { name, argument, target } of surrogateMembers(value)) {
    if (target !== undefined && target !== SURROGATE) continue
    if (RESTRICTING.has(name)) apply(directives, name, undefined)
    if (name !== 'max-age') continue
    const [lifetime, extension] = argument?.split('+', 2) ?? []
    apply(directives, 'max-age', lifetime ?? MALFORMED)
    if (extension !== undefined) apply(directives, 'stale-while-revalidate', extension)
  }
  const { noStore, noCache, private: isPrivate, maxAge } = directives
  return noStore || noCache || isPrivate || maxAge !== undefined ? directives : undefined
}

const RESTRICTING = new Set(['no-store', 'no-cache', 'private'])

/** Our name as a surrogate, announced in Surrogate-Capability. */
export const SURROGATE = 'herdgate'

interface SurrogateMember {
  readonly name: string
  readonly argument: string | undefined
  readonly target: string | undefined
}

const SURROGATE_MEMBER = /([^\s,;="]+)(?:=("[^"]*"|[^\s,;]*))?(?:;([^\s,;]+))?/g

function* surrogateMembers(value: string): Generator<SurrogateMember> {
  for (const [, name = '', argument, target] of value.matchAll(SURROGATE_MEMBER)) {
    yield { name: name.toLowerCase(), argument, target }
  }
}
