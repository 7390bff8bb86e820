/** Targets of purges and invalidations: as callers name them, and as the log does. */
import type { Route, Selectors } from '../model.ts'
import { checkNames, type Names, shown, strings, tagList } from '../given.ts'
import { urlsOfBothSchemes } from '../policy/absolute-url.ts'
import { namesOf } from '../policy/key.ts'
import { withSpellings } from '../policy/fields/tags.ts'
import { nameOf } from '../policy/target.ts'

/** At least one selector. */
export interface Targets {
  readonly tags?: readonly string[] | undefined
  /** Absolute URLs as clients request them; the scheme is ignored. All methods and variants are included. */
  readonly urls?: readonly string[] | undefined
  /** Absolute URLs without query; each includes everything below it, by whole path segments. */
  readonly prefixes?: readonly string[] | undefined
  /** Keys of values. */
  readonly keys?: readonly string[] | undefined
  readonly all?: boolean | undefined
  /** Who requested it; for the `purge` event. */
  readonly by?: string | undefined
}

/** Unknown names are refused: a caller must not believe something purged that was ignored. */
const KNOWN: Names<Targets> = { tags: true, urls: true, prefixes: true, keys: true, all: true, by: true }

/**
 * @throws RangeError if nothing is selected or a selector is malformed; TypeError if one is not a list of strings or
 * has an unknown name
 */
export function selectorsOf(targets: Targets, routes: readonly Route[]): Selectors {
  checkNames(targets, KNOWN, 'purge and invalidate')
  const listed = (what: 'urls' | 'prefixes' | 'keys') => strings(what, targets[what] ?? [])
  const all = targets.all ?? false
  if (typeof all !== 'boolean') throw new TypeError(`expected true or false as all, got ${shown(all)}`)
  const tags = tagList(targets.tags ?? [])
  const [keys, urls, prefixes] = [listed('keys'), listed('urls'), listed('prefixes')]
  // Most calls give only tags: skip work for selectors that are absent.
  const names = urls.length === 0 ? keys.slice() : namesOfUrls(urls, routes).concat(keys)
  const count = tags.length + names.length + prefixes.length
  if (count === 0 && !all) throw new RangeError('expected at least one of tags, urls, prefixes, keys, all: true')
  return {
    tags: withSpellings(tags),
    urls: names,
    prefixes: prefixes.length === 0 ? prefixes : absolute(prefixes).map(prefixOf),
    all,
  }
}

const namesOfUrls = (urls: readonly string[], routes: readonly Route[]): string[] =>
  absolute(urls).flatMap((url) => namesOf(routes, url))

/** @throws RangeError for a URL with a query or wildcard, below which nothing can lie */
function prefixOf(url: string): string {
  if (url.includes('?')) throw new RangeError(`expected a prefix that ends before the query, got ${shown(url)}`)
  if (url.endsWith('*')) throw new RangeError(`expected a prefix without a wildcard, got ${shown(url)}`)
  return nameOf(url)
}

/** Normalised as on the data port. @throws RangeError naming a URL that is not absolute */
function absolute(urls: readonly string[]): string[] {
  return urls.flatMap((url) => {
    const named = urlsOfBothSchemes(url)
    if (named.length === 0) throw new RangeError(`expected an absolute http or https URL, got ${shown(url)}`)
    return named
  })
}
