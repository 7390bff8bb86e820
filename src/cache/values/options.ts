/** Options of values: as callers write them, and as checked rules in milliseconds. */
import { isObject, shown, tagList } from '../../given.ts'
import { duration, share } from '../../units.ts'

/** A duration: milliseconds, or text such as `5m`. */
export type Duration = number | string

/** How long a value may be used, and what it can be purged by. */
export interface ValueOptions {
  /** How long the value is fresh. Absent: until it is evicted, deleted or purged. */
  readonly ttl?: Duration | undefined
  /**
   * How long past its ttl it may still be used if loading fails or takes longer than `softTimeout`. Absent: not at all.
   * If passed to `getOrSet`, it also limits how stale an existing value may be, even if that has a longer grace.
   */
  readonly grace?: Duration | undefined
  /**
   * Within grace, how long to wait for a load before the stale value is returned; `0` returns it at once. Kept with the
   * value, for calls that pass none, only if it is 0.
   */
  readonly softTimeout?: Duration | undefined
  /** Share of `ttl`, above 0 and below 1, after which a hit loads anew in the background. */
  readonly refreshAhead?: number | undefined
  /** What it can be purged or invalidated by, besides its key. */
  readonly tags?: readonly string[] | undefined
}

/** One value for `setMany`. */
export interface ValueToSet extends ValueOptions {
  readonly key: string
  readonly value: unknown
}

/** Checked options in milliseconds, sharing nothing that the caller could modify. */
export interface ValueRules {
  readonly ttl: number
  readonly grace: number
  readonly softTimeout: number | undefined
  readonly refreshAhead: number | undefined
  readonly tags: readonly string[]
}

/** The rules of a call without options. */
export const UNLIMITED: ValueRules = {
  ttl: Number.POSITIVE_INFINITY,
  grace: 0,
  softTimeout: undefined,
  refreshAhead: undefined,
  tags: [],
}

/** @throws TypeError if `options` is not an object or has an unknown option; otherwise as `checkedRules` */
export function rulesOf(options: ValueOptions | undefined, otherwise: ValueRules): ValueRules {
  if (options === undefined) return otherwise
  if (typeof options !== 'object' || options === null) throw invalidOptions(options)
  for (const name in options) if (!isOption(name)) refuseUnknown(options, name)
  return checkedRules(options, otherwise)
}

/** The same for an entry of `setMany`, which has its options beside key and value. */
export function rulesOfEntry(entry: ValueToSet, otherwise: ValueRules): ValueRules {
  if (!isObject(entry)) throw new TypeError(`expected an object as entry, got ${shown(entry)}`)
  for (const name in entry) if (!isOption(name) && name !== 'key' && name !== 'value') refuseUnknown(entry, name)
  return checkedRules(entry, otherwise)
}

/** Other caches take a number there, in milliseconds or seconds. Ignored silently, it would mean no expiry. */
const invalidOptions = (given: unknown): TypeError =>
  new TypeError(`expected an object as options, such as { ttl: '5m' }, got ${shown(given)}`)

/** Compared one by one: with a Set, storing a value would take 5% longer. */
const isOption = (name: string): boolean =>
  name === 'ttl' ||
  name === 'tags' ||
  name === 'grace' ||
  name === 'softTimeout' ||
  name === 'refreshAhead' ||
  name === 'forceFresh'

/** Inherited properties, such as those a library adds to all objects, are ignored. */
function refuseUnknown(options: object, name: string): void {
  if (!Object.hasOwn(options, name)) return
  throw new TypeError(
    `expected ttl, grace, softTimeout, refreshAhead, tags or forceFresh as option, got ${shown(name)}`,
  )
}

/**
 * @throws RangeError naming an invalid duration or share, or for an empty tag; TypeError if tags are not strings
 */
function checkedRules(
  { ttl, grace, softTimeout, refreshAhead, tags }: ValueOptions,
  otherwise: ValueRules,
): ValueRules {
  return {
    ttl: ttl === undefined ? otherwise.ttl : duration(ttl),
    grace: grace === undefined ? otherwise.grace : duration(grace),
    softTimeout: softTimeout === undefined ? otherwise.softTimeout : duration(softTimeout),
    refreshAhead: refreshAhead === undefined ? otherwise.refreshAhead : share(refreshAhead),
    tags: tags === undefined ? otherwise.tags : [...tagList(tags)],
  }
}
