/** Durations, sizes, counts and shares. */
import * as z from 'zod'
import { parseDuration, parseSize } from '../../units.ts'
import { expected } from '../fault.ts'
import { numeric, readOrFault, text } from './text.ts'

/** Just below what a timer can wait; with a longer delay it would fire at once. */
const MAX_TIMER_MS = 24 * 86_400_000
/** More would hold up requests for longer than anybody waits. */
const MAX_DELAY_MS = 60_000
/** The longest delta-seconds a cache must understand (RFC 9111 section 1.2.2). */
const MAX_DURATION_MS = 2 ** 31 * 1_000

/** With less, no request of a browser would be answered. */
const MIN_HEAD_BYTES = 1_024

const MAX_WORKERS = 256
const MAX_SEED = 2 ** 32 - 1
const WORKERS_PHRASE = `a whole number from 1 to ${MAX_WORKERS}, or auto`

const DURATION_PATTERN = '^\\d+(\\.\\d+)?(ms|s|m|h|d)$'
const DELAY_PATTERN = '^\\d+(\\.\\d+)?(ms|s|m)(\\.\\.\\d+(\\.\\d+)?(ms|s|m))?$'
const DECIMAL_PATTERN = '^(\\d+(\\.\\d+)?|\\.\\d+)(e-\\d+)?$'
const DECIMAL = new RegExp(DECIMAL_PATTERN)
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

/** Milliseconds. Nodes report three times within it. */
export const lease = durationWithin('a duration such as 5s, from 10ms to 24d', 10, MAX_TIMER_MS)

function meantDuration(input: unknown): string | undefined {
  const amount = /^(\d+)\s*(?:s(?:ec(?:onds?)?)?)?$/i.exec(String(input))?.[1]
  return amount === undefined ? undefined : `${amount}s`
}

/** Milliseconds, minimum and maximum. */
export const delay = text('a delay such as 20ms, or a range such as 20ms..200ms, at most 1m', (given) => {
  const [least = '', most = least, ...rest] = given.split('..')
  const min = within(parseDuration(least), 0, MAX_DELAY_MS)
  const max = within(parseDuration(most), 0, MAX_DELAY_MS)
  return min === undefined || max === undefined || min > max || rest.length > 0 ? undefined : { min, max }
}).meta({ pattern: DELAY_PATTERN })

/** Bytes; never 0. */
export const size = sizeFrom('a size such as 512KiB or 256MiB, or a number of bytes', 1).meta({
  pattern: SIZE_PATTERN,
  exclusiveMinimum: 0,
})

/** Bytes. */
export const headSize = sizeFrom('a size such as 16KiB, at least 1KiB', MIN_HEAD_BYTES).meta({
  pattern: SIZE_PATTERN,
  minimum: MIN_HEAD_BYTES,
})

function sizeFrom(phrase: string, min: number) {
  const read = (given: string) => within(parseSize(given), min, Number.MAX_SAFE_INTEGER)
  return numeric(phrase, read, meantSize)
}

function meantSize(input: unknown): string | undefined {
  const [, amount, unit = ''] = /^(\d+)\s*([kmgt])i?b?$/i.exec(String(input)) ?? []
  return amount === undefined ? undefined : `${amount}${unit.toUpperCase()}iB`
}

export const port = numeric('a port from 0 (any free one) to 65535', (given) =>
  within(wholeNumber(given), 0, 65_535),
).meta({ pattern: '^\\d{1,5}$', minimum: 0, maximum: 65_535 })

export const concurrency = numeric('a whole number from 1 to 1000000', (given) =>
  within(wholeNumber(given), 1, 1_000_000),
).meta({ pattern: '^\\d{1,7}$', minimum: 1, maximum: 1_000_000 })

/** A number of processes, or `auto`. */
export const workers = z
  .union([z.number(), z.string()], expected(WORKERS_PHRASE))
  .transform(readOrFault(WORKERS_PHRASE, readWorkers, () => undefined))
  .meta({ pattern: '^(auto|\\d{1,3})$', minimum: 1, maximum: MAX_WORKERS })

function readWorkers(given: string): number | 'auto' | undefined {
  return given === 'auto' ? given : within(wholeNumber(given), 1, MAX_WORKERS)
}

/** A share of a whole, its ends excluded. */
export const share = numeric('a number above 0 and below 1, such as 0.8', (given) => {
  const value = decimal(given)
  return value !== undefined && value > 0 && value < 1 ? value : undefined
}).meta({ pattern: DECIMAL_PATTERN, exclusiveMinimum: 0, exclusiveMaximum: 1 })

/** A share of a whole, its ends included. */
export const rate = numeric('a number from 0 to 1, such as 0.05', (given) => within(decimal(given), 0, 1)).meta({
  pattern: DECIMAL_PATTERN,
  minimum: 0,
  maximum: 1,
})

export const seed = numeric(`a whole number from 0 to ${MAX_SEED}`, (given) =>
  within(/^\d{1,10}$/.test(given) ? Number(given) : undefined, 0, MAX_SEED),
).meta({ pattern: '^\\d{1,10}$', minimum: 0, maximum: MAX_SEED })

const decimal = (given: string): number | undefined => (DECIMAL.test(given) ? Number(given) : undefined)

const wholeNumber = (given: string): number | undefined => (/^\d{1,7}$/.test(given) ? Number(given) : undefined)

const within = (value: number | undefined, min: number, max: number): number | undefined =>
  value !== undefined && value >= min && value <= max ? value : undefined
