/** What is known of request methods by their names (RFC 9110 section 9, the IANA HTTP Method Registry). */

/** Those that are looked up and answered from what is kept; each may have a route of its own. */
export const CACHED_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'QUERY'])

/**
 * Every method that the registry calls safe (RFC 9110 section 9.2.1). It calls each of them idempotent too: a request
 * that may not have arrived can be sent again (section 9.2.2).
 */
const SAFE_METHODS = new Set([...CACHED_METHODS, 'OPTIONS', 'TRACE', 'PROPFIND', 'REPORT', 'SEARCH', 'PRI'])

/** What is not known to be safe is not. */
export const isSafe = (method: string): boolean => SAFE_METHODS.has(method)

/** Told apart in metrics and traces: RFC 9110 section 9, PATCH (RFC 5789) and QUERY (RFC 10008). */
export const NAMED_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'TRACE']
