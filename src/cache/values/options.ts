/** How long a value lives and what else a call says of it, as callers write it and as it is reckoned with. */
import { isObject, shown, tagList } from '../../given.ts'
import { duration, share } from '../../units.ts'

/** A duration: milliseconds, or text such as `5m`. */
export type Duration = number | string

export interface ValueOptions {
  /** How long the value is fresh. Absent: until it is evicted, deleted or purged. */
  readonly ttl?: Duration | undefined
  /**
   * How long past that it may still be used when loading fails, or takes longer than `softTimeout`. Absent: not at all.
   * Where `getOrSet` states it, no value that is past its end by more is taken either, though its own grace be longer.
   */
  readonly grace?: Duration | undefined
  /** Within grace, how long to wait for a load before the stale value is returned; `0` returns it at once. */
  readonly softTimeout?: Duration | undefined
  /** Share of `ttl`, above 0 and below 1, after which a hit loads anew in the background. */
  readonly refreshAhead?: number | undefined
  readonly tags?: readonly string[] | undefined
}

/** One of those that `setMany` puts. */
export interface ValueToSet extends ValueOptions {
  readonly key: string
  readonly value: unknown
}

/** How long a value lives, in milliseconds. Nothing in it is the caller's to change. */
export interface ValueRules {
  readonly ttl: number
  readonly grace: number
  readonly softTimeout: number | undefined
  readonly refreshAhead: number | undefined
  readonly tags: readonly string[]
}

/** Of a call that says nothing. */
export const UNLIMITED: ValueRules = {
  ttl: Number.POSITIVE_INFINITY,
  grace: 0,
  softTimeout: undefined,
  refreshAhead: undefined,
  tags: [],
}

/** @throws TypeError for what is no options, and for an option of another name; else as `reckoned` */
export function rulesOf(options: ValueOptions | undefined, otherwise: ValueRules): ValueRules {
  if (options === undefined) return otherwise
  if (typeof options !== 'object' || options === null) throw noOptions(options)
  for (const name in options) if (!isOption(name)) refuseOwn(options, name)
  return reckoned(options, otherwise)
}

/** The same for one of those that `setMany` puts: its options are beside key and value. */
export function rulesOfEntry(entry: ValueToSet, otherwise: ValueRules): ValueRules {
  if (!isObject(entry)) throw new TypeError(`expected an object as entry, got ${shown(entry)}`)
  for (const name in entry) if (!isOption(name) && name !== 'key' && name !== 'value') refuseOwn(entry, name)
  return reckoned(entry, otherwise)
}

/** Other caches take a number there, of milliseconds or seconds. Taken without a word, it would mean for ever. */
const noOptions = (given: unknown): TypeError =>
  new TypeError(`expected an object as options, such as { ttl: '5m' }, got ${shown(given)}`)

/** Compared one by one: to be put, a value would take a twentieth longer if a set were asked. */
const isOption = (name: string): boolean =>
  name === 'ttl' ||
  name === 'tags' ||
  name === 'grace' ||
  name === 'softTimeout' ||
  name === 'refreshAhead' ||
  name === 'forceFresh'

/** What a library has added to all objects is not of the caller. */
function refuseOwn(options: object, name: string): void {
  if (!Object.hasOwn(options, name)) return
  throw new TypeError(
    `expected ttl, grace, softTimeout, refreshAhead, tags or forceFresh as option, got ${shown(name)}`,
  )
}

/**
 * @throws RangeError naming what is no duration or no share, or for an empty tag; TypeError for tags that are no
 * strings
 */
function reckoned({ ttl, grace, softTimeout, refreshAhead, tags }: ValueOptions, otherwise: ValueRules): ValueRules {
  return {
    ttl: ttl === undefined ? otherwise.ttl : duration(ttl),
    grace: grace === undefined ? otherwise.grace : duration(grace),
    softTimeout: softTimeout === undefined ? otherwise.softTimeout : duration(softTimeout),
    refreshAhead: refreshAhead === undefined ? otherwise.refreshAhead : share(refreshAhead),
    tags: tags === undefined ? otherwise.tags : [...tagList(tags)],
  }
}
