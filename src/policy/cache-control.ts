/**
 * Cache directives: Cache-Control (RFC 9111 section 5.2, RFC 5861) and its targeted forms (RFC 9213).
 *
 * Malformed input is read in the most restrictive way: the shortest of several lifetimes, zero for a lifetime
 * that is no number, and a restricting directive counts wherever it can be recognised, whatever is around it.
 */
import { parseDictionary, type Item, type InnerList, Token } from 'structured-headers'
import { type Fields, field } from '../fields.ts'

/** Directives of a request or a response. Durations are seconds, at most 2^31; `undefined` means "not given". */
export interface Directives {
  readonly noStore: boolean
  /** Also for the qualified form (`no-cache="field"`): the whole response is validated before each use. */
  readonly noCache: boolean
  /** Also for the qualified form (`private="field"`). */
  readonly private: boolean
  readonly public: boolean
  readonly mustRevalidate: boolean
  readonly proxyRevalidate: boolean
  readonly mustUnderstand: boolean
  readonly immutable: boolean
  readonly noTransform: boolean
  readonly onlyIfCached: boolean
  readonly maxAge: number | undefined
  readonly sMaxage: number | undefined
  readonly staleWhileRevalidate: number | undefined
  readonly staleIfError: number | undefined
  readonly minFresh: number | undefined
  /** Infinity when given without an argument: any staleness is accepted. */
  readonly maxStale: number | undefined
}

export interface ResponseDirectives extends Directives {
  /** They come from a targeted field, so Cache-Control and Expires do not count (RFC 9213 section 2.2). */
  readonly targeted: boolean
}

type Mutable = { -readonly [Name in keyof Directives]: Directives[Name] }

/** In the order of preference. */
const TARGETED_FIELDS = ['herdgate-cache-control', 'cdn-cache-control']

/** Every field in which directives are looked for. */
export const CONTROL_FIELDS: readonly string[] = ['cache-control', ...TARGETED_FIELDS, 'surrogate-control']

/** Never Infinity and never an unsafe integer: what RFC 9111 section 1.2.2 has an overflowing number become. */
const MOST_SECONDS = 2 ** 31

const NONE: Directives = {
  noStore: false,
  noCache: false,
  private: false,
  public: false,
  mustRevalidate: false,
  proxyRevalidate: false,
  mustUnderstand: false,
  immutable: false,
  noTransform: false,
  onlyIfCached: false,
  maxAge: undefined,
  sMaxage: undefined,
  staleWhileRevalidate: undefined,
  staleIfError: undefined,
  minFresh: undefined,
  maxStale: undefined,
}

/** The directives of a combined Cache-Control value. Never throws; unknown directives are ignored. */
export function parseCacheControl(value: string | undefined): Directives {
  if (value === undefined) return NONE
  const directives: Mutable = { ...NONE }
  for (const [name, argument] of members(value)) apply(directives, name, argument)
  return directives
}

/**
 * The directives that govern a response: the first targeted field with a valid, non-empty value (RFC 9213 section
 * 2.2), then Surrogate-Control, their forerunner, otherwise Cache-Control.
 */
export function responseDirectives(fields: Fields): ResponseDirectives {
  for (const name of TARGETED_FIELDS) {
    const value = field(fields, name)
    const directives = value === undefined ? undefined : parseTargeted(value)
    if (directives !== undefined) return { ...directives, targeted: true }
  }
  const surrogate = parseSurrogateControl(field(fields, 'surrogate-control'))
  if (surrogate !== undefined) return { ...surrogate, targeted: true }
  return { ...parseCacheControl(field(fields, 'cache-control')), targeted: false }
}

/** A targeted field is a Dictionary; undefined when it does not parse or is empty, which counts as absent. */
function parseTargeted(value: string): Directives | undefined {
  const dictionary = dictionaryOf(value)
  if (dictionary === undefined || dictionary.size === 0) return undefined
  const directives: Mutable = { ...NONE }
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
  if (typeof value === 'number') return String(value)
  return value instanceof Token ? value.toString() : MALFORMED
}

/**
 * Surrogate-Control (W3C Edge Architecture Specification): `no-store` and `max-age=30`, or `max-age=30+60` with a time
 * for stale use; a directive with `;target` is for that surrogate alone. Undefined when nothing in it is for us.
 */
export function parseSurrogateControl(value: string | undefined): Directives | undefined {
  const directives: Mutable = { ...NONE }
  for (const member of value === undefined ? [] : surrogateMembers(value)) {
    const { name, argument, target } = member
    if (target !== undefined && target !== SURROGATE) continue
    if (name === 'no-store') directives.noStore = true
    if (name !== 'max-age') continue
    const [lifetime, extension] = argument?.split('+', 2) ?? []
    apply(directives, 'max-age', lifetime ?? MALFORMED)
    if (extension !== undefined) apply(directives, 'stale-while-revalidate', extension)
  }
  return directives.noStore || directives.maxAge !== undefined ? directives : undefined
}

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

/** Stands for an argument that no directive accepts. */
const MALFORMED = '?'

/**
 * One directive: name, and an argument that is a quoted string (when it ends where a directive may end) or
 * anything up to the next separator. White space and ";" separate too, so that nothing hides behind them.
 */
const MEMBER = /([^\s,;="]+)(?:(\s*=\s*)("(?:[^"\\]|\\.)*"(?=[\s,;]|$)|[^\s,;]*))?/g
const PROPER_END = /\s*(?:,|$)/y
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i
/** What a name that is none was meant to be nobody knows, so it is taken for what restricts most. */
const MOST_RESTRICTIVE = 'no-store'

function* members(value: string): Generator<[name: string, argument: string | undefined]> {
  for (const match of value.matchAll(MEMBER)) {
    const [whole, name = '', equals, argument] = match
    const proper = equals === undefined || (equals === '=' && endsProperly(value, match.index + whole.length))
    yield [TOKEN.test(name) ? name.toLowerCase() : MOST_RESTRICTIVE, proper ? argument : MALFORMED]
    // A quote that is not closed may not hide what restricts; whatever else is behind it counts as malformed.
    if (argument?.startsWith('"')) yield [argument.slice(1).toLowerCase(), MALFORMED]
  }
}

function endsProperly(value: string, at: number): boolean {
  PROPER_END.lastIndex = at
  return PROPER_END.test(value)
}

function apply(directives: Mutable, name: string, argument: string | undefined): void {
  const flag = FLAGS.get(name)
  if (flag !== undefined) {
    // "public" is the one flag that only loosens: with an argument it is malformed and not believed.
    if (flag !== 'public' || argument === undefined) directives[flag] = true
    return
  }
  const duration = DURATIONS.get(name)
  if (duration === undefined) return
  const given = directives[duration.member]
  const seconds = duration.read(argument)
  directives[duration.member] = given === undefined ? seconds : duration.stricter(given, seconds)
}

type Flag = { [Name in keyof Directives]: Directives[Name] extends boolean ? Name : never }[keyof Directives]

const FLAGS: ReadonlyMap<string, Flag> = new Map<string, Flag>([
  ['no-store', 'noStore'],
  ['no-cache', 'noCache'],
  ['private', 'private'],
  ['public', 'public'],
  ['must-revalidate', 'mustRevalidate'],
  ['proxy-revalidate', 'proxyRevalidate'],
  ['must-understand', 'mustUnderstand'],
  ['immutable', 'immutable'],
  ['no-transform', 'noTransform'],
  ['only-if-cached', 'onlyIfCached'],
])

interface Duration {
  readonly member: Exclude<keyof Directives, Flag>
  readonly read: (argument: string | undefined) => number
  readonly stricter: (one: number, other: number) => number
}

/** Only the directives of RFC 9111 section 5.2 accept their number in quotes; those of RFC 5861 do not. */
const DURATIONS: ReadonlyMap<string, Duration> = new Map<string, Duration>([
  ['max-age', { member: 'maxAge', read: (argument) => seconds(unquoted(argument), 0), stricter: Math.min }],
  ['s-maxage', { member: 'sMaxage', read: (argument) => seconds(unquoted(argument), 0), stricter: Math.min }],
  ['max-stale', { member: 'maxStale', read: staleness, stricter: Math.min }],
  ['min-fresh', { member: 'minFresh', read: (text) => seconds(unquoted(text), MOST_SECONDS), stricter: Math.max }],
  ['stale-if-error', { member: 'staleIfError', read: (argument) => seconds(argument, 0), stricter: Math.min }],
  [
    'stale-while-revalidate',
    { member: 'staleWhileRevalidate', read: (argument) => seconds(argument, 0), stricter: Math.min },
  ],
])

function staleness(argument: string | undefined): number {
  return argument === undefined ? Number.POSITIVE_INFINITY : seconds(unquoted(argument), 0)
}

/** delta-seconds (RFC 9111 section 1.2.2). */
function seconds(argument: string | undefined, invalid: number): number {
  if (argument === undefined || !/^\d+$/.test(argument)) return invalid
  return Math.min(Number(argument), MOST_SECONDS)
}

function unquoted(argument: string | undefined): string | undefined {
  if (argument === undefined || argument.length < 2 || !argument.startsWith('"') || !argument.endsWith('"')) {
    return argument
  }
  return argument.slice(1, -1).replaceAll(/\\(.)/g, '$1')
}
