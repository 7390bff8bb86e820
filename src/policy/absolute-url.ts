/** Absolute URLs as people write them, read as the data port would read them. */
import { nameOf, parseTarget } from './target.ts'

export type AbsoluteUrl =
  | { readonly ok: true; readonly url: string; readonly authority: string }
  | { readonly ok: false; readonly detail: string }

const ABSOLUTE = /^(https?):\/\/([^/?#]*)(.*)$/is
/** What people write and clients encode. */
const UNSENT = /[^\x21-\x7e]/
const HOW_SENT = 'expected path and query percent-encoded, and the host as xn--..., as clients send them'
/** No longer target reaches the data port. */
const LONGEST_URL = 16 * 1024

/** The URL a client's request would have: host lower-cased, default port left out, path and query as they are. */
export function readUrl(text: string, method: string = 'GET', scheme?: 'http' | 'https'): AbsoluteUrl {
  const [, given = '', authority = '', rest = ''] = ABSOLUTE.exec(text) ?? []
  if (given === '') return { ok: false, detail: 'expected an absolute URL with http or https' }
  if (UNSENT.test(authority + rest)) return { ok: false, detail: HOW_SENT }
  if (text.length > LONGEST_URL) return { ok: false, detail: `longer than ${LONGEST_URL} characters` }
  if (rest.includes('#')) return { ok: false, detail: 'a fragment is never sent, so nothing is stored under it' }
  const target = rest.startsWith('/') ? rest : `/${rest}`
  const stated = given.toLowerCase() === 'https' ? 'https' : 'http'
  const parsed = parseTarget({ method, target, hosts: [authority], scheme: scheme ?? stated })
  return parsed.ok ? { ...parsed, authority } : { ok: false, detail: parsed.detail }
}

/**
 * What to invalidate for a URL, whatever the scheme its clients used. Port 80 is the same as none for http, but not
 * for https, and port 443 the other way round: then there are two.
 */
export function namedBy(text: string): string[] {
  const read = (['http', 'https'] as const).map((scheme) => readUrl(text, 'GET', scheme))
  const urls = read.flatMap((url) => (url.ok ? [url.url] : []))
  return urls.filter((url, at) => urls.findIndex((other) => nameOf(other) === nameOf(url)) === at)
}
