/** Checks the routes of `createCache`: for callers in JavaScript, and for what types cannot say. */
import { DEFAULT_RULES } from '../config/defaults.ts'
import { checkNames, hasFunctions, isList, isObject, shown } from '../given.ts'
import type { KeyRules, Route, RouteMatch, Rules } from '../model.ts'
import { LOWER_CASE_TOKEN } from '../token.ts'

export type Given<T> = { readonly [Name in keyof T]?: unknown }

/**
 * Otherwise a mistake would only show when requests fail or are not stored, or not at all: a key rule that matches no
 * request lets clients share what is not for all of them.
 * @throws TypeError naming what was expected, and what was given
 */
export function checkRoutes(routes: readonly unknown[]): void {
  for (const route of routes) {
    const { name, match, origin, rules }: Given<Route> = isObject(route) ? route : {}
    const isRoute = typeof name === 'string' && isObject(match) && hasFunctions(origin, ['fetch'])
    if (!isRoute) throw new TypeError(`expected name, match and origin in each of routes, got ${shown(route)}`)
    checkNames(route, ROUTE, 'routes')
    checkMembers('match', match, MATCH)
    checkRules(rules)
  }
}

function checkRules(rules: unknown): void {
  const given: Given<Rules> = isObject(rules) ? rules : {}
  const isComplete = Object.entries(DEFAULT_RULES).every(
    ([rule, value]) => value === undefined || given[rule as keyof Rules] !== undefined,
  )
  if (!isComplete) throw new TypeError(`expected { ...defaultRules } with your changes as rules, got ${shown(rules)}`)
  checkMembers('rules', given, RULES)
  checkMembers('rules.key', given.key, KEY)
}

/** What a member has to be. */
export interface Expected {
  readonly what: string
  readonly is: (given: unknown) => boolean
}

function checkMembers<T>(whose: string, given: unknown, members: Readonly<Record<keyof T & string, Expected>>): void {
  checkNames(given, members, whose)
  for (const [name, { what, is }] of Object.entries<Expected>(members)) {
    const member = (given as Given<Record<string, unknown>>)[name]
    if (!is(member)) throw new TypeError(`expected ${what} as ${whose}.${name}, got ${shown(member)}`)
  }
}

const isNumber = (given: unknown): boolean => typeof given === 'number' && given >= 0
const isStrings = (given: unknown): boolean => isList(given) && given.every((one) => typeof one === 'string')
const optional = ({ what, is }: Expected): Expected => ({ what, is: (given) => given === undefined || is(given) })

const BOOLEAN: Expected = { what: 'true or false', is: (given) => typeof given === 'boolean' }
const STRING: Expected = { what: 'a string', is: (given) => typeof given === 'string' }
const STRINGS: Expected = { what: 'a list of strings', is: isStrings }
const MILLISECONDS: Expected = { what: 'milliseconds', is: isNumber }
const BYTES: Expected = { what: 'a number of bytes', is: isNumber }
const SHARE: Expected = {
  what: 'a number above 0 and below 1',
  is: (given) => isNumber(given) && 0 < Number(given) && Number(given) < 1,
}
const COOKIES: Expected = { what: "'safe', 'rfc' or 'ignore'", is: (given) => COOKIE_MODES.includes(given) }
const LIFETIMES: Expected = {
  what: 'a Map of status codes to milliseconds',
  is: (given) => given instanceof Map && [...given].every(([status, ms]) => Number.isInteger(status) && isNumber(ms)),
}
const FIELD_NAMES: Expected = {
  what: 'a list of field names in lower case',
  is: (given) => isStrings(given) && (given as readonly string[]).every((name) => LOWER_CASE_TOKEN.test(name)),
}

const COOKIE_MODES: readonly unknown[] = ['safe', 'rfc', 'ignore'] satisfies Rules['cookies'][]

const ROUTE: Readonly<Record<keyof Route, true>> = { name: true, match: true, origin: true, rules: true }

const MATCH: Readonly<Record<keyof RouteMatch, Expected>> = {
  host: optional(STRING),
  path: optional(STRING),
  methods: optional(STRINGS),
}

const RULES: Readonly<Record<keyof Rules, Expected>> = {
  ttl: optional(MILLISECONDS),
  override: BOOLEAN,
  grace: MILLISECONDS,
  softTimeout: optional(MILLISECONDS),
  refreshAhead: optional(SHARE),
  cookies: COOKIES,
  errorTtlMax: MILLISECONDS,
  tags: STRINGS,
  key: { what: 'an object', is: isObject },
  statusTtl: LIFETIMES,
  bypass: BOOLEAN,
  webSockets: BOOLEAN,
  maxObjectBytes: BYTES,
  via: STRING,
}

const KEY: Readonly<Record<keyof KeyRules, Expected>> = {
  sortQuery: BOOLEAN,
  ignoreQuery: STRINGS,
  headers: FIELD_NAMES,
  cookies: STRINGS,
}
