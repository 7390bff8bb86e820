/** The values a setting can have, wherever it is set: in the file, by a flag or in the environment. */
import * as z from 'zod'
import { parseDuration, parseSize } from '../units.ts'
import { parseRedisUrl } from '../stores/redis/url.ts'
import { ADMIN_TOKEN } from './admin-token.ts'
import { parseHost, parseNetworks, parseOriginUrl } from './addresses.ts'
import { complaint, expected, expectedSecret } from './fault.ts'
import { nearest } from './nearest.ts'

const COOKIE_MODES = ['safe', 'rfc', 'ignore'] as const
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** What a timer can wait for; a longer one fires at once. */
const MAX_TIMER_MS = 24 * 86_400_000
/** More would hold up requests for longer than anybody waits. */
const MAX_DELAY_MS = 60_000
/** The longest delta-seconds a cache must understand (RFC 9111 section 1.2.2). */
const MAX_DURATION_MS = 2 ** 31 * 1_000
const MAX_TAGS = 128
const MAX_TAG_BYTES = 256
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const MAX_WORKERS = 256
const WORKERS_PHRASE = `a whole number from 1 to ${MAX_WORKERS}, or auto`

type Hint = (input: unknown) => string | undefined
type Read<T> = (given: string) => T | undefined

/** Text that `read` understands; anything else is "expected <phrase>, got ...". */
function text<T>(phrase: string, read: Read<T>, guess?: Hint) {
  const hint = onlyValid(guess, read)
  return z.string(expected(phrase, hint)).transform(orComplain(phrase, read, hint))
}

/** A number, or text standing for one. */
function numeric(phrase: string, read: Read<number>, guess?: Hint) {
  const hint = onlyValid(guess, read)
  return z.union([z.number(), z.string()], expected(phrase, hint)).transform(orComplain(phrase, read, hint))
}

function orComplain<T>(phrase: string, read: Read<T>, hint: Hint) {
  return (given: string | number, context: z.core.$RefinementCtx) => {
    const value = read(String(given))
    if (value !== undefined) return value
    context.issues.push({ code: 'custom', message: complaint(phrase, given, hint(given)), input: given })
    return z.NEVER
  }
}

/** What is suggested must be accepted. */
function onlyValid(guess: Hint | undefined, read: Read<unknown>): Hint {
  return (input) => {
    const meant = guess?.(input)
    return meant !== undefined && read(meant) !== undefined ? meant : undefined
  }
}

const matching = (pattern: RegExp) => (given: string) => (pattern.test(given) ? given : undefined)

// ------------------------------------------------------------------------------------------------- numbers

const DURATION_PATTERN = '^\\d+(\\.\\d+)?(ms|s|m|h|d)$'
const DELAY_PATTERN = '^\\d+(\\.\\d+)?(ms|s|m)(\\.\\.\\d+(\\.\\d+)?(ms|s|m))?$'
const SIZE_PATTERN = '^\\d+(\\.\\d+)?(B|KiB|MiB|GiB|TiB)?$'

function durationWithin(phrase: string, min: number, max: number) {
  const read = (given: string) => within(parseDuration(given), min, max)
  return text(phrase, read, meantDuration).meta({ pattern: DURATION_PATTERN })
}

/** Milliseconds. */
export const duration = durationWithin('a duration such as 250ms, 30s, 5m, 1h or 7d', 0, MAX_DURATION_MS)

/** Milliseconds; 0 is allowed. */
export const softTimeout = durationWithin('a duration such as 300ms or 0s, at most 24d', 0, MAX_TIMER_MS)

/** Milliseconds. */
export const drainDelay = durationWithin('a duration such as 2s or 0s, at most 1m', 0, MAX_DELAY_MS)

/** Milliseconds; never 0. */
export const timeout = durationWithin('a duration such as 2s or 500ms, from 1ms to 24d', 1, MAX_TIMER_MS)

function meantDuration(input: unknown): string | undefined {
  const amount = /^(\d+)\s*(?:s(?:ec(?:onds?)?)?)?$/i.exec(String(input))?.[1]
  return amount === undefined ? undefined : `${amount}s`
}

/** Milliseconds, from the least to the most. */
export const delay = text('a delay such as 20ms, or a range such as 20ms..200ms, at most 1m', (given) => {
  const [least = '', most = least, ...rest] = given.split('..')
  const min = within(parseDuration(least), 0, MAX_DELAY_MS)
  const max = within(parseDuration(most), 0, MAX_DELAY_MS)
  return min === undefined || max === undefined || min > max || rest.length > 0 ? undefined : { min, max }
}).meta({ pattern: DELAY_PATTERN })

/** Bytes; never 0. */
export const size = numeric(
  'a size such as 512KiB or 256MiB, or a number of bytes',
  (given) => within(parseSize(given), 1, Number.MAX_SAFE_INTEGER),
  (input) => {
    const [, amount, unit = ''] = /^(\d+)\s*([kmgt])i?b?$/i.exec(String(input)) ?? []
    return amount === undefined ? undefined : `${amount}${unit.toUpperCase()}iB`
  },
).meta({ pattern: SIZE_PATTERN, exclusiveMinimum: 0 })

export const port = numeric('a port from 0 (any free one) to 65535', (given) =>
  within(wholeNumber(given), 0, 65_535),
).meta({ pattern: '^\\d{1,5}$', minimum: 0, maximum: 65_535 })

export const concurrency = numeric('a whole number from 1 to 1000000', (given) =>
  within(wholeNumber(given), 1, 1_000_000),
).meta({ pattern: '^\\d{1,7}$', minimum: 1, maximum: 1_000_000 })

/** A number of processes, or as many as the machine runs at once. */
export const workers = z
  .union([z.number(), z.string()], expected(WORKERS_PHRASE))
  .transform(orComplain(WORKERS_PHRASE, readWorkers, () => undefined))
  .meta({ pattern: '^(auto|\\d{1,3})$', minimum: 1, maximum: MAX_WORKERS })

function readWorkers(given: string): number | 'auto' | undefined {
  return given === 'auto' ? given : within(wholeNumber(given), 1, MAX_WORKERS)
}

/** A share of a whole, its ends excluded. */
export const share = z
  .number(expected('a number between 0 and 1, such as 0.8'))
  .gt(0, expected('a number above 0 and below 1, such as 0.8'))
  .lt(1, expected('a number above 0 and below 1, such as 0.8'))

const rateExpected = expected('a number from 0 to 1, such as 0.05')
/** A share of a whole, its ends included. */
export const rate = z.number(rateExpected).min(0, rateExpected).max(1, rateExpected)

const seedExpected = expected('a whole number from 0 to 4294967295')
export const seed = z.int(seedExpected).min(0, seedExpected).max(4_294_967_295, seedExpected)

const wholeNumber = (given: string): number | undefined => (/^\d{1,7}$/.test(given) ? Number(given) : undefined)

const within = (value: number | undefined, min: number, max: number): number | undefined =>
  value !== undefined && value >= min && value <= max ? value : undefined

// ---------------------------------------------------------------------------------------------------- names

const NAME_PHRASE = 'a name of 1 to 64 letters, digits, ".", "_" or "-"'
const nameExpected = expected(NAME_PHRASE)
/** Of a route or an origin: part of keys and of metric labels. */
export const name = z.string(nameExpected).regex(/^[A-Za-z0-9_.-]{1,64}$/, nameExpected)

const statusExpected = expected('a status code from 200 to 599')
export const statusCode = z.string(statusExpected).regex(/^[2-5]\d\d$/, statusExpected)

export const fieldName = text('a request field name such as x-tenant', (given) => matching(TOKEN)(given)?.toLowerCase())
export const cookieName = text('a cookie name', matching(TOKEN))
export const method = text('a method in upper case, such as GET', matching(/^[A-Z][A-Z0-9_-]{0,31}$/), (input) =>
  typeof input === 'string' && /^[a-z]+$/i.test(input) ? input.toUpperCase() : undefined,
)

/** A trailing `*` matches any ending. */
export const parameterPattern = text(
  'the name of a query parameter, "*" only at its end, such as utm_*',
  matching(/^[^*&=#\s]*[^&=#\s]$/),
)

const tag = text(`a tag of 1 to ${MAX_TAG_BYTES} bytes without control characters`, (given) =>
  given !== '' && Buffer.byteLength(given) <= MAX_TAG_BYTES && !/\p{Cc}/u.test(given) ? given : undefined,
)
export const tags = z
  .array(tag)
  .max(MAX_TAGS, { error: `expected at most ${MAX_TAGS} tags` })
  .transform((given) => [...new Set(given)])

// ---------------------------------------------------------------------------------------------------- places

export const path = text('the path of a folder', (given) => (given === '' || given.includes('\0') ? undefined : given))

/** May carry a password: it is not repeated. */
export const redisUrl = z
  .string(expectedSecret('a URL such as redis://10.0.0.7:6379'))
  .superRefine((given, context) => {
    try {
      parseRedisUrl(given)
    } catch (error) {
      context.addIssue({
        code: 'custom',
        message: error instanceof Error ? error.message : String(error),
        input: given,
      })
    }
  })

/** Braces would make a cluster put the keys where it should not. */
export const redisPrefix = text('1 to 64 letters, digits, ".", "_", ":" or "-"', matching(/^[A-Za-z0-9._:-]{1,64}$/))

const sealExpected = expectedSecret('a secret of at least 16 characters')
/** Nobody without it can put anything into a shared tier. */
export const seal = z.string(sealExpected).min(16, sealExpected)

export const host = text('an IP address or a host name', parseHost)

export const networks = z
  .array(text('an IP address, a CIDR block such as 10.0.0.0/8, or "loopback"', parseNetworks))
  .transform((given) => [...new Set(given.flat())])

export const originUrls = z
  .array(text('an http:// or https:// URL without user, query or fragment', parseOriginUrl, meantUrl))
  .min(1, { error: 'expected at least one URL' })
  .transform((given) => [...new Set(given)])

function meantUrl(input: unknown): string | undefined {
  if (typeof input !== 'string' || /^[a-z]+:\/\//i.test(input)) return undefined
  return parseOriginUrl(`http://${input}`)
}

/** Exact, or `*.example.com`; a port counts only when given. */
export const hostPattern = text('a host such as shop.example or *.shop.example', (given) => {
  const [, authority = ''] = /^(?:\*\.)?(.*?)(?::\d{1,5})?$/.exec(given) ?? []
  const isBareIpv6 = authority.includes(':') && !authority.startsWith('[')
  return parseHost(authority) !== undefined && !isBareIpv6 ? given.toLowerCase() : undefined
})

/** Exact, or a prefix ending in `*`. */
export const pathPattern = text(
  'a path that begins with "/", "*" only at its end, such as /catalog/*',
  matching(/^\/[^*?#\s]*\*?$/),
)

// --------------------------------------------------------------------------------------------------- choices

export const cookieMode = choice(COOKIE_MODES)
export const onOff = choice(['on', 'off'])
/** Taken in any case: LOG_LEVEL is shared with other programs. */
export const logLevel = choice(LOG_LEVELS)

function choice<const Choice extends string>(choices: readonly Choice[]) {
  const find = (given: string): Choice | undefined => choices.find((choice) => choice === given.toLowerCase())
  const hint: Hint = (input) => (typeof input === 'string' ? nearest(input, choices) : undefined)
  return text(`one of ${choices.join(', ')}`, find, hint).meta({ enum: [...choices] })
}

const secret = expectedSecret('a token of visible ASCII characters without spaces, not empty')
export const token = z.string(secret).regex(ADMIN_TOKEN, secret)
