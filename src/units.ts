/** Durations and sizes as users write them. */
import { shown } from './given.ts'

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
const SIZE = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB|TiB)?$/

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const BYTES = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

/** A duration such as `250ms`, `30s`, `5m`, `1h` or `7d` in milliseconds; undefined if it is not one. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = DURATION.exec(text) ?? []
  return amount === undefined ? undefined : Math.round(Number(amount) * MILLISECONDS[unit as keyof typeof MILLISECONDS])
}

/** A size such as `512KiB` or `256MiB`, or a plain number of bytes; undefined if it is not one. */
export function parseSize(text: string): number | undefined {
  const [, amount, unit = 'B'] = SIZE.exec(text) ?? []
  return amount === undefined ? undefined : Math.round(Number(amount) * BYTES[unit as keyof typeof BYTES])
}

/** Milliseconds as they are reported. */
export const rounded = (ms: number): number => Math.round(ms * 100) / 100

/** Text that parseDuration reads, in the largest unit of which it is a whole number. */
export const durationText = (ms: number): string => inUnits(ms, MILLISECONDS, 's')

/** The same for parseSize. */
export const sizeText = (bytes: number): string => inUnits(bytes, BYTES, 'B')

/** @param none the unit of 0 */
function inUnits<Unit extends string>(amount: number, units: Readonly<Record<Unit, number>>, none: Unit): string {
  const [unit, one] = Object.entries<number>(units).findLast(([, value]) => amount % value === 0) ?? [none, units[none]]
  return amount === 0 ? `0${none}` : `${amount / one}${unit}`
}

/** Durations are cached: programs use only a few, but pass them with every call. */
const MAX_KNOWN = 100
const known = new Map<string, number>()

/** A duration given as milliseconds or as text. @throws RangeError naming what was given */
export function duration(given: number | string): number {
  const before = typeof given === 'string' ? known.get(given) : undefined
  if (before !== undefined) return before
  const ms = typeof given === 'string' ? parseDuration(given) : given
  if (typeof ms !== 'number' || Number.isNaN(ms) || ms < 0) {
    throw new RangeError(`expected a duration such as 250ms, 30s, 5m, 1h or 7d, got ${shown(given)}`)
  }
  if (typeof given === 'string' && known.size < MAX_KNOWN) known.set(given, ms)
  return ms
}

/** A size given as bytes or as text, in whole bytes. @throws RangeError naming what was given */
export function size(given: number | string): number {
  const bytes = typeof given === 'string' ? parseSize(given) : given
  if (typeof bytes !== 'number' || !Number.isFinite(bytes) || Math.floor(bytes) <= 0) {
    throw new RangeError(`expected a size such as 512KiB or 256MiB, got ${shown(given)}`)
  }
  return Math.floor(bytes)
}

/**
 * A positive integer.
 * @param what name of the option
 * @throws RangeError naming what was given
 */
export function count(what: string, given: number): number {
  if (Number.isInteger(given) && given > 0) return given
  throw new RangeError(`expected a whole number above 0 as ${what}, got ${shown(given)}`)
}

/** A share of a lifetime, above 0 and below 1. @throws RangeError naming what was given */
export function share(given: number): number {
  if (typeof given === 'number' && given > 0 && given < 1) return given
  throw new RangeError(`expected a number above 0 and below 1, such as 0.8, got ${shown(given)}`)
}
