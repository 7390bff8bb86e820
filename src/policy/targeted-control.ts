/** Which of a response's fields says how this cache is to treat it (RFC 9213). */
import { parseDictionary, type Item, type InnerList } from 'structured-headers'
import { type Fields, field } from '../fields.ts'
import { memoized } from './memoized.ts'
import { apply, type Collected, type Directives, MALFORMED, NONE, parseCacheControl } from './cache-control.ts'

export interface ResponseDirectives extends Directives {
  /** They come from a targeted field, so Cache-Control and Expires do not count (RFC 9213 section 2.2). */
  readonly targeted: boolean
}

/** In the order of preference. */
const TARGETED_FIELDS = ['herdgate-cache-control', 'cdn-cache-control']

/** Every field in which directives are looked for. */
export const CONTROL_FIELDS: readonly string[] = ['cache-control', ...TARGETED_FIELDS, 'surrogate-control']

/**
 * The directives that govern a response: the first targeted field with a valid, non-empty value (RFC 9213 section
 * 2.2), then Surrogate-Control, their forerunner, otherwise Cache-Control. Surrogate-Control has no word for `private`, and
 * may be meant for other caches than this: a Cache-Control that says it counts beside it.
 */
export function responseDirectives(fields: Fields): ResponseDirectives {
  for (const name of TARGETED_FIELDS) {
    const value = field(fields, name)
    const directives = value === undefined ? undefined : parseTargeted(value)
    if (directives !== undefined) return { ...directives, targeted: true }
  }
  const value = field(fields, 'cache-control')
  const general = value === undefined ? UNSTATED : stated(value)
  const surrogate = parseSurrogateControl(field(fields, 'surrogate-control'))
  if (surrogate === undefined) return general
  return { ...surrogate, private: surrogate.private || general.private, targeted: true }
}

const UNSTATED: ResponseDirectives = { ...NONE, targeted: false }

/** Origins say the same few things of all they have. */
const stated = memoized((value): ResponseDirectives => ({ ...parseCacheControl(value), targeted: false }))

/** A targeted field is a Dictionary; undefined when it does not parse or is empty, which counts as absent. */
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

/** A member's value as the argument text Cache-Control would have; a type no directive has becomes malformed. */
function argumentOf([value]: Item | InnerList): string | undefined {
  if (value === true) return undefined
  return typeof value === 'number' ? String(value) : MALFORMED
}

/**
 * Surrogate-Control (W3C Edge Architecture Specification): `no-store` and `max-age=30`, or `max-age=30+60` with a time
 * for stale use; a directive with `;target` is for that surrogate alone. What would restrict in Cache-Control does so
 * here. Undefined when nothing in it is for us.
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

/** Our name as a surrogate, as Surrogate-Capability gives it. */
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
