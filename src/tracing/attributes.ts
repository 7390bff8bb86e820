/** Names and values by OpenTelemetry's semantic conventions for HTTP; those of the cache are Herdgate's own. */
import type { Attributes } from '@opentelemetry/api'
import { redactedPath } from '../logging/redacted-path.ts'
import type { RequestEvent } from '../events.ts'
import { NAMED_METHODS } from '../methods.ts'
import type { Outcome } from '../model.ts'
import { splitUrl } from '../policy/target.ts'

/** Anything else a client makes up is `_OTHER`. */
const METHODS = new Set(NAMED_METHODS)

/** A span's name, one of a few. */
export const spanName = (method: string): string => (METHODS.has(method) ? method : 'HTTP')

export const methodOf = (method: string): Attributes =>
  METHODS.has(method)
    ? { 'http.request.method': method }
    : { 'http.request.method': '_OTHER', 'http.request.method_original': method }

/** Attributes of a request that was answered. Values of query parameters are left out, as in log lines. */
export function requestAttributes({ route, url, status, outcome, bytes, peer, aborted }: RequestEvent): Attributes {
  const [path = '', query] = redactedPath(url).split('?')
  return {
    'url.scheme': url === '' ? undefined : splitUrl(url).scheme,
    'url.path': path,
    'url.query': query,
    'client.address': peer,
    'http.response.status_code': status,
    'http.response.body.size': bytes,
    'herdgate.route': route || undefined,
    'herdgate.aborted': aborted || undefined,
    'error.type': status >= 500 ? failureOf(status, outcome) : undefined,
    ...cacheAttributes(outcome),
  }
}

const failureOf = (status: number, { result, detail }: Outcome): string =>
  (result === 'error' || result === 'shed' ? detail : undefined) ?? String(status)

/** What Cache-Status says (RFC 9211); `cache.ttl` in seconds. */
function cacheAttributes({ result, fwd, fwdStatus, stored, collapsed, ttlMs, detail }: Outcome): Attributes {
  return {
    'cache.result': result,
    'cache.fwd': fwd,
    'cache.fwd_status': fwdStatus,
    'cache.stored': stored,
    'cache.collapsed': collapsed,
    'cache.ttl': ttlMs === undefined ? undefined : Math.floor(ttlMs / 1000),
    'cache.detail': detail,
  }
}

/** The address of an origin, if it has only one. */
export function serverOf(urls: readonly string[]): Attributes {
  const [url, ...others] = urls
  if (url === undefined || others.length > 0) return {}
  const { hostname, port, protocol } = new URL(url)
  return { 'server.address': hostname, 'server.port': Number(port) || (protocol === 'https:' ? 443 : 80) }
}
