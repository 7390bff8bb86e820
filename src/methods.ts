/** Request methods (RFC 9110 section 9, the IANA HTTP Method Registry). */

/** Methods that are looked up in the cache; each may have a route of its own. */
export const CACHED_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'QUERY'])

/**
 * All methods registered as safe (RFC 9110 section 9.2.1). They are all idempotent too: a request that may not have
 * arrived can be retried (section 9.2.2).
 */
const SAFE_METHODS = new Set([...CACHED_METHODS, 'OPTIONS', 'TRACE', 'PROPFIND', 'REPORT', 'SEARCH', 'PRI'])

/** Unknown methods count as unsafe. */
export const isSafe = (method: string): boolean => SAFE_METHODS.has(method)

/** Methods named in metrics and traces: RFC 9110 section 9, PATCH (RFC 5789) and QUERY (RFC 10008). */
export const NAMED_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'TRACE']
