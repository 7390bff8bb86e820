/** The request target and Host (RFC 9112 section 3.2, RFC 9110 section 7.2) as one absolute URL, and back. */
import type { ErrorCode } from '../errors.ts'
import { memoized } from './memoized.ts'

export interface TargetHead {
  readonly method: string
  /** As in the request line. */
  readonly target: string
  /** Every Host line's value, without surrounding white space. */
  readonly hosts: readonly string[]
  /** The scheme the client used, as far as it is trusted. */
  readonly scheme: 'http' | 'https'
  /** Host to use if HTTP/1.0 sends none: the address the request was sent to. */
  readonly fallback?: string | undefined
}

export type Target =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string }

/** Visible ASCII except "#": fragments are never sent. */
const TARGET = /^[\x21\x22\x24-\x7e]+$/

/**
 * A registered name, IPv4 address or IPv6 literal, and optionally a port. A final dot is removed: the name means the
 * same host with and without it, and the origin gets it without.
 */
const AUTHORITY = /^(?:([a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?|(\[[0-9a-f:.]+\]))(?::(\d{0,5}))?$/i
const ABSOLUTE_FORM = /^(https?):\/\/([^/?]*)(.*)$/i
const LONGEST_HOST = 255

/**
 * The absolute URL of a request. The bytes of path and query stay as they are; only host (lower-cased) and port
 * (removed if it is the scheme's default) are normalised.
 *
 * The URL of `OPTIONS *` is the authority followed directly by "*", which no other target can produce: paths begin with
 * "/", and an authority contains no "*".
 */
export function parseTarget(head: TargetHead): Target {
  if (head.method === 'CONNECT') return refusal('CONNECT is not supported', 'method_not_allowed')
  if (!TARGET.test(head.target)) return refusal('target contains bytes that are not allowed')
  const host = head.hosts[0] ?? (head.fallback && (ABSOLUTE_FORM.exec(head.target)?.[2] ?? head.fallback))
  if (host === undefined || head.hosts.length > 1) return refusal('exactly one Host line is required')
  const authority = normalAuthority(host, head.scheme)
  if (authority === undefined) return refusal('Host is malformed')
  if (head.target.startsWith('/')) return { ok: true, url: `${head.scheme}://${authority}${head.target}` }
  if (head.target === '*') return asterisk(head, authority)
  return absolute(head, authority)
}

/** The parts of a URL made by parseTarget: scheme, authority, and target in origin form (or "*"). */
export function splitUrl(url: string): { scheme: string; authority: string; target: string } {
  const colon = url.indexOf(':')
  const from = colon + 3
  const slash = url.indexOf('/', from)
  const end = slash === -1 ? url.length - 1 : slash
  return { scheme: url.slice(0, colon), authority: url.slice(from, end), target: url.slice(end) }
}

/** Whether the URL has this authority, in exactly this spelling. */
export function isFor(url: string, authority: string): boolean {
  const from = url.indexOf(':') + 3
  return url[from + authority.length] === '/' && url.startsWith(authority, from)
}

/** The name of a URL in the invalidation log: authority, path and query, without the scheme. */
export function nameOf(url: string): string {
  return url.slice(url.indexOf(':') + 3)
}

/** A host and optional port, lower-cased and without the scheme's default port; undefined if malformed. */
export function normalAuthority(authority: string, scheme: 'http' | 'https'): string | undefined {
  return scheme === 'http' ? NORMAL.http(authority) : NORMAL.https(authority)
}

/** Memoized: a server has few names. */
const NORMAL = {
  http: memoized((authority) => normalised(authority, 80)),
  https: memoized((authority) => normalised(authority, 443)),
}

function normalised(authority: string, defaultPort: number): string | undefined {
  const match = AUTHORITY.exec(authority)
  if (match === null) return undefined
  const host = (match[1] ?? match[2] ?? '').toLowerCase()
  if (host.length > LONGEST_HOST || (host.startsWith('[') && !URL.canParse(`http://${host}/`))) return undefined
  // An empty port is the default one (RFC 9110 section 4.2.3).
  if (match[3] === undefined || match[3] === '') return host
  const port = Number(match[3])
  if (port < 1 || port > 65_535) return undefined
  return port === defaultPort ? host : `${host}:${port}`
}

function asterisk(head: TargetHead, authority: string): Target {
  if (head.method !== 'OPTIONS') return refusal('the target "*" is for OPTIONS')
  return { ok: true, url: `${head.scheme}://${authority}*` }
}

/**
 * The absolute form replaces Host (RFC 9112 section 3.2.2). A different Host or scheme is refused: a recipient that
 * reads the other one would see a different resource under this URL.
 */
function absolute(head: TargetHead, authority: string): Target {
  const [, scheme, stated, rest = ''] = ABSOLUTE_FORM.exec(head.target) ?? []
  if (scheme === undefined || stated === undefined) return refusal('target has no valid form')
  if (scheme.toLowerCase() !== head.scheme) return refusal('scheme of the target differs from that of the connection')
  if (normalAuthority(stated, head.scheme) !== authority) return refusal('target and Host do not agree')
  // Without a path OPTIONS is for the server as a whole (RFC 9112 section 3.2.4).
  if (rest === '' && head.method === 'OPTIONS') return asterisk(head, authority)
  return { ok: true, url: `${head.scheme}://${authority}${rest.startsWith('/') ? rest : `/${rest}`}` }
}

function refusal(detail: string, code: ErrorCode = 'malformed_request'): Target {
  return { ok: false, code, detail }
}
