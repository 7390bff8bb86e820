/** Origins and rules for `handle`, with the defaults of `herdgate serve`. */
import { systemClock } from '../clock.ts'
import { DEFAULT_RULES, DEFAULT_TRANSPORT } from '../config/defaults.ts'
import { checkNames, type Names, shown, strings } from '../given.ts'
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

/** An origin reached through pools of HTTP/1.1 connections. `close` ends them once no request is in progress. */
export type HttpOrigin = Pick<PoolOrigin, 'name' | 'fetch' | 'usage' | 'close'>

/**
 * An origin with connections to its URLs.
 * @throws TypeError if there is no URL, one is not http or https, or an option is unknown; RangeError if a time or
 * `maxConcurrency` is not a number above 0
 */
export function createOrigin(options: OriginOptions, clock: Clock = systemClock): HttpOrigin {
  checkNames(options, OPTIONS, 'createOrigin')
  const { name, urls, ca } = options
  if (typeof name !== 'string') throw new TypeError(`expected a string as name, got ${shown(name)}`)
  const given = (limit: Limit): number => aboveZero(limit, options[limit] ?? DEFAULT_TRANSPORT[limit])
  const pool = {
    name,
    urls: strings('urls', urls),
    ca,
    connectTimeout: given('connectTimeout'),
    headersTimeout: given('headersTimeout'),
    bodyTimeout: given('bodyTimeout'),
    totalTimeout: given('totalTimeout'),
    maxConcurrency: given('maxConcurrency'),
  }
  return createPool(pool, clock)
}

type Limit = 'connectTimeout' | 'headersTimeout' | 'bodyTimeout' | 'totalTimeout' | 'maxConcurrency'

const OPTIONS: Names<OriginOptions> = {
  name: true,
  urls: true,
  connectTimeout: true,
  headersTimeout: true,
  bodyTimeout: true,
  totalTimeout: true,
  maxConcurrency: true,
  ca: true,
}

function aboveZero(limit: Limit, given: unknown): number {
  if (typeof given === 'number' && given > 0) return given
  throw new RangeError(`expected a number above 0 as ${limit}, got ${shown(given)}`)
}

/** To be spread into the rules of a route. */
export const defaultRules: Rules = DEFAULT_RULES
