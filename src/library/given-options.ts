/** Checks options of `createCache`, for callers in JavaScript. */
import type { CacheOptions } from '../cache/create-cache.ts'
import { checkNames, hasFunctions, isList, isObject, type Names, shown } from '../given.ts'
import { checkRoutes, type Expected, type Given } from './given-routes.ts'

/**
 * Otherwise a misspelt option would be ignored, and one of the wrong kind would only fail at a later request.
 * @throws TypeError or RangeError naming the option, what was expected, and what was given
 */
export function checkOptions(options: object): void {
  checkNames(options, EXPECTED, 'createCache')
  for (const [name, given] of Object.entries(options)) {
    if (given !== undefined) checkOption(name as keyof CacheOptions, given)
  }
}

function checkOption(name: keyof CacheOptions, given: unknown): void {
  const { what, is } = EXPECTED[name]
  if (!is(given)) throw new TypeError(`expected ${what}, got ${shown(given)}`)
  if (name === 'limits') checkLimits(given as object)
  if (name === 'routes') checkRoutes(given as readonly unknown[])
}

const LIMITS: Names<CacheOptions['limits']> = { maxWaiting: true, maxBodiesInProgress: true }

/** A limit of NaN would never be exceeded. */
function checkLimits(limits: object): void {
  checkNames(limits, LIMITS, 'limits')
  for (const [name, given] of Object.entries(limits)) {
    if (given === undefined || (typeof given === 'number' && given > 0)) continue
    throw new RangeError(`expected a number above 0 as limits.${name}, got ${shown(given)}`)
  }
}

const isSharing = (given: unknown): boolean => {
  if (!isObject(given)) return false
  const { leases, maxObjectBytes }: Given<NonNullable<CacheOptions['sharing']>> = given
  return hasFunctions(leases, ['take', 'close']) && typeof maxObjectBytes === 'number' && maxObjectBytes >= 0
}

const EXPECTED: Readonly<Record<keyof CacheOptions, Expected>> = {
  store: {
    what: 'a store, such as memoryStore({ maxBytes }), as store',
    is: (given) => hasFunctions(given, ['get', 'set', 'usage']),
  },
  log: {
    what: 'a log, such as localLog(), as log',
    is: (given) => hasFunctions(given, ['append', 'verdict']),
  },
  routes: { what: 'a list as routes', is: isList },
  defaults: { what: "an object as defaults, such as { ttl: '5m' }", is: isObject },
  events: { what: 'new Events() as events', is: (given) => hasFunctions(given, ['on', 'emit']) },
  clock: { what: 'a clock with now and after as clock', is: (given) => hasFunctions(given, ['now', 'after']) },
  limits: { what: 'an object as limits', is: isObject },
  sharing: { what: 'leases and maxObjectBytes as sharing', is: isSharing },
  pressure: { what: 'an object as pressure', is: isObject },
  sizeOf: { what: 'a function as sizeOf', is: (given) => typeof given === 'function' },
}
