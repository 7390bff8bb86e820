/**
 * Cache directives in the syntax of Cache-Control (RFC 9111 section 5.2, RFC 5861).
 *
 * Malformed input is read in the most restrictive way: the shortest of several lifetimes, zero for a lifetime that is
 * not a number, and a restrictive directive counts wherever it can be recognised, whatever surrounds it.
 */
import { TOKEN } from '../../token.ts'

/** Directives of a request or a response. Durations are seconds, at most 2^31; `undefined` means "not given". */
export interface Directives {
  readonly noStore: boolean
  /** Also set by the qualified form (`no-cache="field"`): the whole response is validated before each use. */
  readonly noCache: boolean
  /** Also set by the qualified form (`private="field"`). */
  readonly private: boolean
  readonly public: boolean
  readonly mustRevalidate: boolean
  readonly proxyRevalidate: boolean
  readonly mustUnderstand: boolean
  readonly onlyIfCached: boolean
  readonly maxAge: number | undefined
  readonly sMaxage: number | undefined
  readonly staleWhileRevalidate: number | undefined
  readonly staleIfError: number | undefined
  readonly minFresh: number | undefined
  /** Infinity if given without an argument: any staleness is accepted. */
  readonly maxStale: number | undefined
}

/** Directives while they are being collected. */
export type Collected = { -readonly [Name in keyof Directives]: Directives[Name] }

/** The value of delta-seconds that overflow (RFC 9111 section 1.2.2), and so the largest Age. */
export const MAX_DELTA_SECONDS = 2 ** 31

export const NONE: Directives = {
  noStore: false,
  noCache: false,
  private: false,
  public: false,
  mustRevalidate: false,
  proxyRevalidate: false,
  mustUnderstand: false,
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
  const directives: Collected = { ...NONE }
  for (const [name, argument] of members(value)) apply(directives, name, argument)
  return directives
}

/** An argument that no directive accepts. */
export const MALFORMED = '?'

/**
 * One directive: a name, and an argument that is a quoted string (if it ends where a directive may end) or anything up
 * to the next separator. White space and ";" separate too, so that no directive is hidden behind them.
 */
const MEMBER = /([^\s,;="]+)(?:(\s*=\s*)("(?:[^"\\]|\\.)*"(?=[\s,;]|$)|[^\s,;]*))?/g
const PROPER_END = /[ \t]*(?:,|$)/y
/** An invalid name could have meant anything, so it is read as the most restrictive directive. */
const MAX_RESTRICTIVE = 'no-store'

function* members(value: string): Generator<[name: string, argument: string | undefined]> {
  for (const match of value.matchAll(MEMBER)) {
    const [whole, name = '', equals, argument] = match
    const proper = equals === undefined || (equals === '=' && endsProperly(value, match.index + whole.length))
    yield [TOKEN.test(name) ? name.toLowerCase() : MAX_RESTRICTIVE, proper ? argument : MALFORMED]
    // An unclosed quote must not hide a restrictive directive; anything else inside counts as malformed.
    if (argument?.startsWith('"')) yield [argument.slice(1).toLowerCase(), MALFORMED]
  }
}

function endsProperly(value: string, at: number): boolean {
  PROPER_END.lastIndex = at
  return PROPER_END.test(value)
}

/** Adds one directive; of several with the same name, the most restrictive counts. */
export function apply(directives: Collected, name: string, argument: string | undefined): void {
  const flag = FLAGS.get(name)
  if (flag !== undefined) {
    // "public" is the only flag that loosens: with an argument it is malformed and ignored.
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
  ['only-if-cached', 'onlyIfCached'],
])

interface Duration {
  readonly member: Exclude<keyof Directives, Flag>
  readonly read: (argument: string | undefined) => number
  readonly stricter: (one: number, other: number) => number
}

/** Directives of RFC 9111 section 5.2 accept a quoted number; those of RFC 5861 do not. */
const DURATIONS: ReadonlyMap<string, Duration> = new Map<string, Duration>([
  ['max-age', { member: 'maxAge', read: (argument) => seconds(unquoted(argument), 0), stricter: Math.min }],
  ['s-maxage', { member: 'sMaxage', read: (argument) => seconds(unquoted(argument), 0), stricter: Math.min }],
  ['max-stale', { member: 'maxStale', read: staleness, stricter: Math.min }],
  ['min-fresh', { member: 'minFresh', read: (text) => seconds(unquoted(text), MAX_DELTA_SECONDS), stricter: Math.max }],
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
  return Math.min(Number(argument), MAX_DELTA_SECONDS)
}

function unquoted(argument: string | undefined): string | undefined {
  if (argument === undefined || argument.length < 2 || !argument.startsWith('"') || !argument.endsWith('"')) {
    return argument
  }
  return argument.slice(1, -1).replaceAll(/\\(.)/g, '$1')
}
