/** What the holder of a token may do on the admin port. */
import { isBelow, type LimitedToken, urlsOfBothSchemes } from '../../src/for-routes.ts'
import { ProblemError } from './problem.ts'
import type { Selected } from './selectors.ts'

/** What a route under /v1 takes. One that names none takes the right to everything. */
export type Right = 'read' | 'purge'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a request needs the right to; absent: to everything. */
    readonly right?: Right
  }
  interface FastifyRequest {
    /** What its token grants; undefined outside /v1. */
    grant: Grant | undefined
  }
}

export interface Grant {
  /** Who it is, in the log. */
  readonly by: string
  /** Whether everything is allowed. */
  readonly all: boolean
  readonly read: boolean
  readonly tags: readonly string[]
  /** Absolute URLs, each for any scheme. */
  readonly prefixes: readonly string[]
}

export const EVERYTHING: Grant = { by: 'admin', all: true, read: true, tags: [], prefixes: [] }

/** Its name cannot be mistaken for that of anyone else who purges. */
export const grantOf = ({ name, read, tags, prefixes }: Omit<LimitedToken, 'token'>): Grant => ({
  by: `token:${name}`,
  all: false,
  read,
  tags,
  prefixes: prefixes.flatMap(urlsOfBothSchemes),
})

export function allows({ all, read, tags, prefixes }: Grant, right: Right | undefined): boolean {
  if (all) return true
  if (right === 'read') return read
  return right === 'purge' && tags.length + prefixes.length > 0
}

/** Every selector that goes beyond the grant, by its place in the request. */
export function beyond(grant: Grant, { tags = [], urls = [], prefixes = [], all }: Selected): string[] {
  if (grant.all) return []
  const isGranted = (url: string): boolean => grant.prefixes.some((prefix) => isBelow(url, prefix))
  return [
    ...places('tags', tags, (tag) => grant.tags.some((pattern) => matches(tag, pattern))),
    ...places('urls', urls, (url) => urlsOfBothSchemes(url).every(isGranted)),
    ...places('prefixes', prefixes, (prefix) => urlsOfBothSchemes(prefix).map(withoutSlash).every(isGranted)),
    ...(all ? ['all'] : []),
  ]
}

/** The highest URL that a prefix selects. */
const withoutSlash = (prefix: string): string => prefix.replace(/\/$/, '')

const places = (name: string, items: readonly string[], isAllowed: (item: string) => boolean): string[] =>
  items.flatMap((item, at) => (isAllowed(item) ? [] : [`${name}[${at}]`]))

const matches = (tag: string, pattern: string): boolean =>
  pattern.endsWith('*') ? tag.startsWith(pattern.slice(0, -1)) : tag === pattern

/** Most selectors listed for one request. */
const MAX_LISTED = 10

/** @param at what of the request is not allowed; nothing: all of it */
export function forbidden(at: readonly string[] = []): ProblemError {
  const problem = { status: 403, title: 'Forbidden', detail: 'The token does not allow this; nothing was done.' }
  const errors = at.slice(0, MAX_LISTED).map((place) => ({ at: place, detail: 'not allowed' }))
  return new ProblemError(at.length === 0 ? problem : { ...problem, errors })
}
