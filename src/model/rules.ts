/** Routes and their rules. */
import type { Origin } from './origin.ts'

/** How a route's resources are cached. Times and lifetimes are milliseconds; `undefined` means "not set". */
export interface Rules {
  /** Lifetime for responses that state none. */
  readonly ttl: number | undefined
  /** `ttl` and `grace` win over the response's own directives. */
  readonly override: boolean
  /** How long past expiry a copy may still be used when the origin fails or is slow. */
  readonly grace: number
  /** A refresh slower than this is answered from the stale copy and continues; 0 is stale-while-revalidate. */
  readonly softTimeout: number | undefined
  /** Share of the lifetime, above 0 and below 1, after which a hit refreshes in the background. */
  readonly refreshAhead: number | undefined
  /** `safe` stores nothing personal, `rfc` follows RFC 9111, `ignore` drops cookies. */
  readonly cookies: 'safe' | 'rfc' | 'ignore'
  /** Longest lifetime of a transient error response; `statusTtl` may exceed it. */
  readonly errorTtlMax: number
  /** Added to the response's own tags. */
  readonly tags: readonly string[]
  readonly key: KeyRules
  /** Lifetime by status code, for responses that state none. */
  readonly statusTtl: ReadonlyMap<number, number>
  /** Pass everything to the origin; neither look up nor store. */
  readonly bypass: boolean
  /** Tunnel WebSocket handshakes; if false, they are handled as plain requests, without Upgrade. */
  readonly webSockets: boolean
  /** Larger bodies are passed on but not stored. */
  readonly maxObjectBytes: number
  /** This cache's pseudonym in Via; a request that bears it has looped. */
  readonly via: string
}

export interface KeyRules {
  /** Sort query parameters by name. */
  readonly sortQuery: boolean
  /** Query parameters left out of the key and the upstream request; a trailing `*` matches any ending. */
  readonly ignoreQuery: readonly string[]
  /** Lower-cased request field names that are part of the key. */
  readonly headers: readonly string[]
  /** Cookie names that are part of the key. */
  readonly cookies: readonly string[]
}

/** Which requests a route handles. An absent member matches everything. */
export interface RouteMatch {
  /** Exact, or `*.example.com` for any subdomain. The port is compared only if given here. */
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
