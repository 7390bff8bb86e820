import { type Directives, parseCacheControl } from '../../../src/policy/fields/cache-control.ts'
import { parseSurrogateControl, responseDirectives } from '../../../src/policy/fields/targeted-control.ts'
import { must, mustEqual, RESPONSE_HEAD, type Target } from '../target.ts'

export const directives: Target = {
  name: 'directives',
  covers: ['src/policy/fields/cache-control.ts', 'src/policy/fields/targeted-control.ts', 'src/policy/memoized.ts'],
  dictionary: [
    ['no-store', 'no-cache', 'private', 'public', 'must-revalidate', 'proxy-revalidate', 'must-understand'],
    ['immutable', 'no-transform', 'only-if-cached', 'max-age', 's-maxage', 'stale-while-revalidate'],
    ['stale-if-error', 'min-fresh', 'max-stale', 'max-age=60', 's-maxage=0', 'max-age="60"', 'private="x"'],
    [
      '="',
      '"',
      '\\"',
      '=',
      ' = ',
      ',',
      ';',
      '?0',
      '?1',
      '60.5',
      ':YQ==:',
      '(a b)',
      '60+30',
      ';herdgate',
      'content="ESI/1.0"',
      '@1',
      '%"a"',
      ';a=b',
    ],
  ].flat(),
  seeds: [
    'max-age=60, public',
    'private="set-cookie, x", no-cache="a\\"b"',
    's-maxage=1;a=b, stale-if-error=5',
    'max-stale, min-fresh=5, only-if-cached, no-transform',
    'max-age="60" , no-store , must-understand',
  ],
  maxLength: RESPONSE_HEAD,
  run,
}

const FLAGS = ['noStore', 'noCache', 'private', 'mustRevalidate', 'proxyRevalidate'] as const
const LIFETIMES = ['maxAge', 'sMaxage', 'staleWhileRevalidate', 'staleIfError', 'maxStale'] as const

/** Longer values are parsed, but not compared with stricter ones, which would parse them ten more times. */
const LONGEST_COMPARED = 4 * 1024

function run(value: string): string {
  const read = parseCacheControl(value)
  inRange(read)
  mustEqual('rendered and read again it is the same', parseCacheControl(rendered(read)), read)
  mustEqual('letter case does not matter', parseCacheControl(value.replaceAll(/[a-z]/g, upper)), read)
  if (value.length <= LONGEST_COMPARED) restrictive(value, read)
  const surrogate = parseSurrogateControl(`${value}, no-store`)
  must('a restriction counts after anything', surrogate?.noStore === true, value, surrogate)
  const { targeted, ...aimed } = responseDirectives(['CDN-Cache-Control', value, 'Cache-Control', 'max-age=7'])
  inRange(aimed)
  must('a targeted field that does not count gives way', targeted || aimed.maxAge === 7, aimed)
  const { targeted: forSurrogates, ...said } = responseDirectives(['Surrogate-Control', value])
  inRange(said)
  return `${FLAGS.map((name) => Number(read[name])).join('')}${LIFETIMES.map((name) => sizeOf(read[name])).join('')}${targeted}${forSurrogates}`
}

function inRange(read: Directives): void {
  for (const name of [...LIFETIMES, 'minFresh'] as const) {
    const seconds = read[name]
    const unlimited = name === 'maxStale' && seconds === Number.POSITIVE_INFINITY
    const sound = seconds === undefined || unlimited || (Number.isInteger(seconds) && seconds >= 0)
    must(
      'a duration is a whole number of seconds, at most 2^31',
      sound && (unlimited || (seconds ?? 0) <= 2 ** 31),
      read,
    )
  }
}

/** An added directive, wherever it is, can only restrict; and a restricting one is never overlooked. */
function restrictive(value: string, read: Directives): void {
  for (const [more, flag] of [
    ['no-store', 'noStore'],
    ['private', 'private'],
    ['no-cache', 'noCache'],
    ['must-revalidate', 'mustRevalidate'],
  ] as const) {
    must('a restriction counts after anything', parseCacheControl(`${value}, ${more}`)[flag], value, more)
    must('a restriction counts before anything', parseCacheControl(`${more}, ${value}`)[flag], value, more)
  }
  const more = parseCacheControl(`${value}, max-age=600, s-maxage=600, stale-if-error=600`)
  for (const flag of FLAGS) must('a flag stays set', more[flag] || !read[flag], value, flag)
  for (const name of ['maxAge', 'sMaxage', 'staleIfError'] as const) {
    must('a second lifetime is never longer', (more[name] ?? 0) <= (read[name] ?? Infinity), value, name)
  }
}

const NAMES = {
  noStore: 'no-store',
  noCache: 'no-cache',
  private: 'private',
  public: 'public',
  mustRevalidate: 'must-revalidate',
  proxyRevalidate: 'proxy-revalidate',
  mustUnderstand: 'must-understand',
  onlyIfCached: 'only-if-cached',
  maxAge: 'max-age',
  sMaxage: 's-maxage',
  staleWhileRevalidate: 'stale-while-revalidate',
  staleIfError: 'stale-if-error',
  minFresh: 'min-fresh',
  maxStale: 'max-stale',
} as const

function rendered(read: Directives): string {
  const members = Object.entries(NAMES).flatMap(([key, name]) => {
    const value = read[key as keyof typeof NAMES]
    if (value === undefined || value === false) return []
    return typeof value === 'number' && value !== Number.POSITIVE_INFINITY ? [`${name}=${value}`] : [name]
  })
  return members.join(', ')
}

const upper = (letter: string): string => letter.toUpperCase()

const sizeOf = (seconds: number | undefined): string =>
  seconds === undefined ? '-' : seconds === 0 ? '0' : seconds >= 2 ** 31 ? 'm' : 'n'
