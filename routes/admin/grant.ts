/** What a token of the admin port grants. */
import { isBelow, type LimitedToken, pathOf, topOf, urlsOfBothSchemes } from '../../src/for-routes.ts'
import type { Selected } from './selectors.ts'

/** What a route under /v1 takes. One that names none takes the grant of everything. */
export type Right = 'read' | 'purge'

export interface Grant {
  /** Who it is, in the log. */
  readonly by: string
  readonly everything: boolean
  readonly read: boolean
  readonly tags: readonly string[]
  /** The highest paths below which URLs are granted, after their hosts. */
  readonly tops: readonly string[]
}

export const EVERYTHING: Grant = { by: 'admin', everything: true, read: true, tags: [], tops: [] }

/** Its name cannot be mistaken for that of anyone else who purges. */
export const grantOf = ({ name, read, tags, prefixes }: Omit<LimitedToken, 'token'>): Grant => ({
  by: `token:${name}`,
  everything: false,
  read,
  tags,
  tops: prefixes.flatMap(urlsOfBothSchemes).map(topOf),
})

export function allows({ everything, read, tags, tops }: Grant, right: Right | undefined): boolean {
  if (everything) return true
  if (right === 'read') return read
  return right === 'purge' && tags.length + tops.length > 0
}

const RIGHTS: readonly Right[] = ['read', 'purge']
/** `all`: it may purge everything. */
export const rightsOf = (grant: Grant): (Right | 'all')[] => [
  ...RIGHTS.filter((right) => allows(grant, right)),
  ...(grant.everything ? (['all'] as const) : []),
]

/** A selector that goes beyond a grant. */
export interface Beyond {
  /** Its place in the request. */
  readonly at: string
  readonly selector: string
}

export function beyond(grant: Grant, { tags = [], urls = [], prefixes = [], all }: Selected): Beyond[] {
  if (grant.everything) return []
  const isGranted = (path: string): boolean => grant.tops.some((top) => isBelow(path, top))
  return [
    ...among('tags', tags, (tag) => grant.tags.some((pattern) => matches(tag, pattern))),
    ...among('urls', urls, (url) => urlsOfBothSchemes(url).map(pathOf).every(isGranted)),
    ...among('prefixes', prefixes, (prefix) => urlsOfBothSchemes(prefix).map(topOf).every(isGranted)),
    ...(all ? [{ at: 'all', selector: 'all' }] : []),
  ]
}

const among = (name: string, selectors: readonly string[], isAllowed: (selector: string) => boolean): Beyond[] =>
  selectors.flatMap((selector, at) => (isAllowed(selector) ? [] : [{ at: `${name}[${at}]`, selector }]))

const matches = (tag: string, pattern: string): boolean =>
  pattern.endsWith('*') ? tag.startsWith(pattern.slice(0, -1)) : tag === pattern
