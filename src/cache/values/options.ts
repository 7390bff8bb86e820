/** How long a value lives and what else a call says of it, as callers write it and as it is reckoned with. */
import { tagList } from '../../given.ts'
import { duration, share } from '../../units.ts'

/** A duration: milliseconds, or text such as `5m`. */
export type Duration = number | string

export interface ValueOptions {
  /** How long the value is fresh. Absent: until it is evicted, deleted or purged. */
  readonly ttl?: Duration
  /** How long past that it may still be used when loading fails, or takes longer than `softTimeout`. Absent: not at all. */
  readonly grace?: Duration
  /** Within grace, how long to wait for a load before the stale value is returned; `0` returns it at once. */
  readonly softTimeout?: Duration
  /** Share of `ttl`, above 0 and below 1, after which a hit loads anew in the background. */
  readonly refreshAhead?: number
  readonly tags?: readonly string[]
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

/** @throws RangeError naming what is no duration or no share, or for an empty tag; TypeError for tags that are no strings */
export function rulesOf(options: ValueOptions | undefined, otherwise: ValueRules): ValueRules {
  if (options === undefined) return otherwise
  const { ttl, grace, softTimeout, refreshAhead, tags } = options
  return {
    ttl: ttl === undefined ? otherwise.ttl : duration(ttl),
    grace: grace === undefined ? otherwise.grace : duration(grace),
    softTimeout: softTimeout === undefined ? otherwise.softTimeout : duration(softTimeout),
    refreshAhead: refreshAhead === undefined ? otherwise.refreshAhead : share(refreshAhead),
    tags: tags === undefined ? otherwise.tags : [...tagList(tags)],
  }
}
