/** The key a resource is stored under, and the target requested from its origin (RFC 9111 section 2). */
import { hash } from 'node:crypto'
import { type Fields, fieldLines, trimmed } from '../fields.ts'
import { CACHED_METHODS } from '../methods.ts'
import type { CacheRequest, KeyRules, Route } from '../model.ts'
import { SECRETS } from './fields/credentials.ts'
import { sentValue } from './forward.ts'
import { otherHost } from './fields/forwarded.ts'
import { lenientName } from './fields/lenient-names.ts'
import { matchRoute } from './route.ts'
import { nameOf } from './target.ts'

export interface Key {
  readonly key: string
  /** Request target for the origin: without ignored parameters, and sorted if the key is. */
  readonly target: string
  /** The request's URL rewritten in the same way; invalidations are logged under its name. */
  readonly url: string
}

/**
 * The key for GET and HEAD. Different tuples of route, URL, keyed fields and keyed cookies never share a key: neither
 * a route's name nor a URL contains a space or a line feed, and the values are length-prefixed. Values that may
 * identify a client are hashed, as keys are written to disk and Redis, and displayed. A trusted proxy's
 * X-Forwarded-Host is part of the key if it differs from the URL's host.
 *
 * An ignored query parameter is removed from both the key and the target, so that the response cannot depend on a
 * parameter that is not in the key. "&" is the only separator.
 */
export function keyOf(route: Route, request: CacheRequest): Key {
  const rules = route.rules.key
  const url = rewritesQuery(rules) ? rewritten(request.url, rules) : request.url
  const host = otherHost(request)
  const key = `${route.name} ${url}${host === undefined ? '' : keyMember('h', 'x-forwarded-host', host)}`
  return { key: keysByFields(rules) ? key + extras(rules, request) : key, target: targetOf(url), url }
}

/**
 * The names in the invalidation log that responses to this URL may have: as it is, and as the key rules of its routes
 * rewrite it. Names have no scheme, but routes may depend on it, so both are tried.
 */
export function namesOf(routes: readonly Route[], url: string): string[] {
  const name = nameOf(url)
  if (!name.includes('?') || !routes.some(({ rules }) => rewritesQuery(rules.key))) return [name]
  const names = new Set([name])
  for (const scheme of ['http', 'https']) {
    for (const method of CACHED_METHODS) {
      const route = matchRoute(routes, method, `${scheme}://${name}`)
      if (typeof route !== 'string' && rewritesQuery(route.rules.key)) names.add(rewritten(name, route.rules.key))
    }
  }
  return [...names]
}

/**
 * A member of a key: a letter for its kind, its name (a token, so without a colon), and its length-prefixed value.
 * `undefined` differs from "".
 */
export function keyMember(kind: 'h' | 'c' | 'v' | 'l' | 'q', name: string, value: string | undefined): string {
  return `\n${kind}${name}:${value === undefined ? '-' : `${value.length}:${value}`}`
}

const rewritesQuery = (rules: KeyRules): boolean => rules.sortQuery || rules.ignoreQuery.length > 0

/** Whether the key depends on request fields. */
export const keysByFields = (rules: KeyRules): boolean => rules.headers.length > 0 || rules.cookies.length > 0

function targetOf(url: string): string {
  const slash = url.indexOf('/', url.indexOf(':') + 3)
  return slash === -1 ? '*' : url.slice(slash)
}

function rewritten(url: string, rules: KeyRules): string {
  const mark = url.indexOf('?')
  if (mark === -1) return url
  const kept = url
    .slice(mark + 1)
    .split('&')
    .filter((parameter) => !isIgnored(nameOfParameter(parameter), rules.ignoreQuery))
  if (rules.sortQuery) kept.sort(byName)
  return kept.length === 0 ? url.slice(0, mark) : `${url.slice(0, mark)}?${kept.join('&')}`
}

function nameOfParameter(parameter: string): string {
  const equals = parameter.indexOf('=')
  return equals === -1 ? parameter : parameter.slice(0, equals)
}

function isIgnored(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
}

/** By name only: the order of parameters with the same name may matter, and the sort is stable. */
function byName(one: string, other: string): number {
  const [left, right] = [nameOfParameter(one), nameOfParameter(other)]
  return left < right ? -1 : left > right ? 1 : 0
}

function extras(rules: KeyRules, request: CacheRequest): string {
  const headers = rules.headers.map((name) => keyMember('h', name, valueFor(name, request)))
  if (rules.cookies.length === 0) return headers.join('')
  const lines = cookieLines(request.fields)
  return headers.concat(rules.cookies.map((name) => cookieMembers(name, lines))).join('')
}

function valueFor(name: string, request: CacheRequest): string | undefined {
  const value = sentValue(name, request)
  return underAnySpelling(name, value !== undefined && SECRETS.includes(name) ? digestOf(value) : value, request.fields)
}

/**
 * The value of a field, combined with those of other fields whose names some origins read as this one (X_Tenant for
 * x-tenant, as in CGI) and so may use as well or instead. A field value cannot begin with a line feed.
 * @param value of the field itself
 */
export function underAnySpelling(name: string, value: string | undefined, fields: Fields): string | undefined {
  const others: string[] = []
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const candidate = fields[at] ?? ''
    if (candidate.length !== name.length || candidate === name) continue
    const spelled = candidate.toLowerCase()
    if (spelled !== name && lenientName(spelled) === lenientName(name)) others.push(spelled, fields[at + 1] ?? '')
  }
  return others.length === 0 ? value : `\n${digestOf(JSON.stringify([value ?? null, ...others]))}`
}

/** Distinguishes secrets without revealing them. */
export const digestOf = (secret: string): string => hash('sha256', secret, 'base64url')

/**
 * Every cookie that an origin may take for the one of that name, in order: a client may send several, and it is not
 * known which one the origin uses. Lines stay apart, as some origins read only one of them. What only some origins take
 * for that cookie is kept as it came, after a line feed, which no value begins with.
 */
const cookieMembers = (name: string, lines: readonly (readonly string[])[]): string =>
  lines.length === 0 ? keyMember('c', name, undefined) : lines.map((cookies) => lineMembers(name, cookies)).join('\n')

function lineMembers(name: string, cookies: readonly string[]): string {
  let members = ''
  for (const cookie of cookies) {
    if (cookie.startsWith(`${name}=`)) members += keyMember('c', name, cookie.slice(name.length + 1))
    else if (mayBeNamed(cookie, name)) members += keyMember('c', name, `\n${cookie}`)
  }
  return members === '' ? keyMember('c', name, undefined) : members
}

/**
 * Whether some origin reads the cookie under that name: some ignore case, some read "." and the like as "_", some take
 * `name[a]` for a part of it, some do not require "=", some decode the name as in a query.
 */
function mayBeNamed(cookie: string, name: string): boolean {
  const given = trimmed(cookie.split('=', 1)[0] ?? '')
  return isLike(given, name) || (/[%+]/.test(given) && isLike(trimmed(decoded(given)), name))
}

function isLike(given: string, name: string): boolean {
  const isWhole = given.length === name.length || given[name.length] === '['
  return isWhole && sharedName(given.slice(0, name.length)) === sharedName(name)
}

/** Also as by CGI.pm, which knows `%u005f`, and as by PHP, which took a NUL for the end. */
function decoded(name: string): string {
  const octetOf = (_: string, octet: string) => String.fromCharCode(Number.parseInt(octet, 16))
  const octets = name.replaceAll('+', ' ').replace(/%(?:u00)?([0-9a-f]{2})/gi, octetOf)
  return octets.split('\0', 1)[0] ?? ''
}

const sharedName = (name: string): string => lenientName(name.toLowerCase())

/** The cookies of each line, with the white space around values, which not all origins remove. */
function cookieLines(fields: Fields): string[][] {
  return fieldLines(fields, 'cookie').map((line) => trimmed(line).split(';').map(withoutIndent))
}

const withoutIndent = (cookie: string): string => cookie.replace(/^[ \t]+/, '')
