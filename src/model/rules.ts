/** How a configuration wants it. */
import type { Origin } from './origin.ts'

/** How a route wants its resources treated. Numbers are milliseconds; `undefined` means "not set". */
export interface Rules {
  /** Lifetime for responses that state none. */
  readonly ttl: number | undefined
  /** `ttl` and `grace` win over the response's own directives. */
  readonly override: boolean
  readonly grace: number
  readonly softTimeout: number | undefined
  /** Share of the lifetime (0 to 1) after which a hit refreshes in the background. */
  readonly refreshAhead: number | undefined
  readonly cookies: 'safe' | 'rfc' | 'ignore'
  /** Longest lifetime of an error response with explicit freshness. */
  readonly errorTtlMax: number
  /** Added to the response's own tags. */
  readonly tags: readonly string[]
  readonly key: KeyRules
  readonly statusTtl: ReadonlyMap<number, number>
  readonly bypass: boolean
  /** A handshake for a WebSocket is one, not the plain request that it also is. */
  readonly webSockets: boolean
  /** Bodies above this are passed on and not stored. */
  readonly maxObjectBytes: number
}

export interface KeyRules {
  readonly sortQuery: boolean
  /** Names of query parameters left out of key and upstream request; a trailing `*` matches any ending. */
  readonly ignoreQuery: readonly string[]
  /** Lower-cased request field names that are part of the key. */
  readonly headers: readonly string[]
  /** Cookie names that are part of the key. */
  readonly cookies: readonly string[]
}

/** Which requests a route is for. An absent member matches everything. */
export interface RouteMatch {
  /** Exact, or `*.example.com` for any subdomain. Compared with the authority; its port counts only if given here. */
  readonly host?: string | undefined
  /** Exact, or a prefix when it ends in `*`. */
  readonly path?: string | undefined
  readonly methods?: readonly string[] | undefined
}

export interface Route {
  /** Part of every key: letters, digits, `-`, `_`, `.`. */
  readonly name: string
  readonly match: RouteMatch
  readonly origin: Origin
  readonly rules: Rules
}
