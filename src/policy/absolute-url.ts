/** Reads absolute URLs as users write them, in the way the data port would. */
import { nameOf, parseTarget } from './target.ts'

export type AbsoluteUrl =
  | { readonly ok: true; readonly url: string; readonly authority: string }
  | { readonly ok: false; readonly detail: string }

const ABSOLUTE = /^(https?):\/\/([^/?#]*)(.*)$/is
/** Characters that clients encode before sending. */
const NEEDS_ENCODING = /[^\x21-\x7e]/
const ENCODING_EXPECTED = 'expected path and query percent-encoded, and the host as xn--..., as clients send them'
/** Longer targets do not reach the data port. */
const LONGEST_URL = 16 * 1024

/** The URL a client's request would have: host lower-cased, default port removed, path and query unchanged. */
export function readUrl(text: string, method: string = 'GET', scheme?: 'http' | 'https'): AbsoluteUrl {
  const [, given = '', authority = '', rest = ''] = ABSOLUTE.exec(text) ?? []
  if (given === '') return { ok: false, detail: 'expected an absolute URL with http or https' }
  if (NEEDS_ENCODING.test(authority + rest)) return { ok: false, detail: ENCODING_EXPECTED }
  if (text.length > LONGEST_URL) return { ok: false, detail: `longer than ${LONGEST_URL} characters` }
  if (rest.includes('#')) return { ok: false, detail: 'a fragment is never sent, so nothing is stored under it' }
  const target = rest.startsWith('/') ? rest : `/${rest}`
  const stated = given.toLowerCase() === 'https' ? 'https' : 'http'
  const parsed = parseTarget({ method, target, hosts: [authority], scheme: scheme ?? stated })
  return parsed.ok ? { ...parsed, authority } : { ok: false, detail: parsed.detail }
}

/**
 * The URLs that a URL stands for whichever scheme clients use. Port 80 equals no port for http but not for
 * https, and port 443 the other way round: then there are two.
 */
export function urlsOfBothSchemes(text: string): string[] {
  const read = (['http', 'https'] as const).map((scheme) => readUrl(text, 'GET', scheme))
  const urls = read.flatMap((url) => (url.ok ? [url.url] : []))
  return urls.filter((url, at) => urls.findIndex((other) => nameOf(other) === nameOf(url)) === at)
}

/** The highest path that a prefix selects, after its host. */
export const topOf = (prefix: string): string => nameOf(prefix).replace(/\/$/, '')

/** The path of a URL, after its host. */
export const pathOf = (url: string): string => nameOf(url).split('?', 1)[0] ?? ''

/** Whether a prefix with this top selects the path: it ends at one of the path's segments. */
export const isBelow = (path: string, top: string): boolean =>
  path.startsWith(top) && (path.length === top.length || path[top.length] === '/')
