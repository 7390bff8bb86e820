/** What `handle` is given, where nothing else is said as in `herdgate serve`. */
import { systemClock } from '../clock.ts'
import { DEFAULT_RULES, DEFAULT_TRANSPORT } from '../config/defaults.ts'
import type { Clock, Rules } from '../model.ts'
import {
  createOrigin as createPool,
  type OriginOptions as PoolOptions,
  type PoolOrigin,
} from '../origin/pool-origin.ts'

/** Times are milliseconds. */
export type OriginOptions = Pick<PoolOptions, 'name' | 'urls'> & {
  readonly [Name in keyof PoolOptions]?: PoolOptions[Name] | undefined
}

/**
 * Connections to the URLs of one origin.
 * @throws TypeError when there is no URL, or one is not http or https
 */
export function createOrigin(options: OriginOptions, clock: Clock = systemClock): PoolOrigin {
  const {
    connectTimeout = DEFAULT_TRANSPORT.connectTimeout,
    headersTimeout = DEFAULT_TRANSPORT.headersTimeout,
    bodyTimeout = DEFAULT_TRANSPORT.bodyTimeout,
    totalTimeout = DEFAULT_TRANSPORT.totalTimeout,
    maxConcurrency = DEFAULT_TRANSPORT.maxConcurrency,
  } = options
  const times = { connectTimeout, headersTimeout, bodyTimeout, totalTimeout }
  return createPool({ ...options, ...times, maxConcurrency }, clock)
}

/** To be spread into the rules of a route. */
export const defaultRules: Rules = DEFAULT_RULES
