/** The nouns of the cache. Read this file first. All times are milliseconds; absolute ones count from the epoch. */
import type { Readable } from 'node:stream'
import type { Body } from './body.ts'
import type { Fields } from './fields.ts'

export type Awaitable<T> = T | Promise<T>

/** What time it is, and a way to be woken. Passed in everywhere, so that tests turn it by hand. */
export interface Clock {
  /** Epoch milliseconds that never jump while the process lives. */
  now(): number
  /** Calls `run` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, run: () => void): () => void
}

// ---------------------------------------------------------------------------------------------- messages

/** A request as the client asked it, already checked for form (see policy/target.ts). */
export interface CacheRequest {
  readonly method: string
  /** Absolute URL: scheme, lower-cased authority without a default port, and the target's raw bytes. */
  readonly url: string
  readonly fields: Fields
  /**
   * No Connection but keep-alive, and none of the fields that bear on reuse (policy/bearing.ts): who read the head may say so,
   * and nobody looks for them again. Absent: not known.
   */
  readonly plain?: boolean | undefined
  /** Absent when the request has no content. */
  readonly body?: Readable | undefined
  /** Gets 1xx responses as they arrive (RFC 9110 section 15.2). Only the request that started the fetch does. */
  onInterim?(status: number, fields: Fields): void
  /** Aborted when the client has gone. A shared fetch outlives it. */
  readonly signal?: AbortSignal | undefined
  /** Who sent it; absent when the request did not come over a socket. */
  readonly peer?: Peer | undefined
}

/** The other end of a client connection. */
export interface Peer {
  readonly address: string
  /** Its address is listed in `trustProxy`: its Forwarded and X-Forwarded-* fields are believed. */
  readonly trusted: boolean
}

/** What is sent to an origin: no policy left in it, framing excepted. */
export interface OriginRequest {
  readonly method: string
  /** Origin form: path and query, beginning with "/" (or "*" for OPTIONS). */
  readonly target: string
  readonly fields: Fields
  readonly body?: Readable | undefined
  readonly onInterim?: ((status: number, fields: Fields) => void) | undefined
  /** Nobody waits for the answer: it refreshes a copy that is in use meanwhile. */
  readonly background?: boolean | undefined
}

/** Ends when the response is complete; throws an OriginError when it breaks off. Not reading it applies back-pressure. */
export interface Content extends AsyncIterable<Uint8Array> {
  /** All of it at once instead, where it has come to its end, is no longer than this, and nothing of it was read. */
  takeWhole?(mostBytes: number): readonly Uint8Array[] | undefined
}

export interface OriginResponse {
  readonly status: number
  /** As received: hop-by-hop fields are still in it. */
  readonly fields: Fields
  readonly body: Content
  /** Trailer fields, known once `body` has ended. */
  trailers(): Fields
}

/** As much of an AbortSignal as it takes to learn that nobody waits any more; making a whole one costs more than that. */
export interface Signal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** Transport to one configured origin. Failures are OriginErrors (errors.ts). */
export interface Origin {
  readonly name: string
  fetch(request: OriginRequest, signal?: Signal): Promise<OriginResponse>
  close(): Promise<void>
}

// ------------------------------------------------------------------------------------------ stored things

/** What the invalidation log needs to judge a stored thing. */
export interface Stamp {
  /** The name it has in the log: authority, path and query without the scheme; for library values, their key. */
  readonly url: string
  readonly tags: readonly string[]
  /** The log's identity and position when the fetch behind this began (COHERENCE in docs/guarantees.md). */
  readonly generation: string
  readonly position: number
  /** The newest position this has been compared with and found valid; only the log writes it. */
  checked: number
  /** When that fetch began by this process's clock; -Infinity for what another process fetched. */
  readonly startedAt: number
}

/** Until when a copy may be used for what. Computed once, when it is stored: a hit compares numbers. */
export interface Lifetime {
  /** When the origin made it: current age = now - bornAt (RFC 9111 section 4.2.3). */
  readonly bornAt: number
  readonly freshUntil: number
  /** A hit from here on starts a refresh in the background; Infinity when off. */
  readonly refreshAt: number
  readonly staleWhileRevalidateUntil: number
  readonly staleIfErrorUntil: number
  /** How long it is worth keeping at all: the longest of the above, longer when it can be revalidated. */
  readonly keepUntil: number
  /** Forbids every use while stale (must-revalidate, proxy-revalidate, s-maxage, no-cache). */
  readonly mustRevalidate: boolean
}

/** What a copy saves. */
export interface Cost {
  /** What the origin took to begin its answer, or the loader to give the value; absent when it is not known. */
  readonly costMs?: number | undefined
}

export interface StoredResponse extends Stamp, Lifetime, Cost {
  readonly kind: 'response'
  readonly status: number
  /** End-to-end fields of the response, without Age and without tag fields. */
  readonly fields: Fields
  readonly body: Body
  /** Lower-cased names of the request fields this response was selected by; empty without Vary. */
  readonly varyOn: readonly string[]
  /** Those fields, normalised as in policy/vary.ts. */
  readonly vary: Fields
  /** Present when the body is not the whole representation. */
  readonly partial?: PartialContent | undefined
}

/** First and last byte, both included; counted from 0. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** Which bytes of a representation an incomplete copy holds (RFC 9111 section 3.3). */
export interface PartialContent {
  /** Ascending, none touching the next; the body holds them one after the other. */
  readonly parts: readonly ByteRange[]
  /** Octets of the whole representation; undefined when not known. */
  readonly complete: number | undefined
  /** `complete` is not known, but the last part ends where the representation does. */
  readonly reachesEnd: boolean
  /** The Range that was answered with exactly this, and its Content-Range; undefined for what was put together. */
  readonly asked: string | undefined
  readonly contentRange: string | undefined
}

/** A value of the library door, kept by reference. */
export interface StoredValue extends Stamp, Lifetime, Cost {
  readonly kind: 'value'
  readonly value: unknown
  /** An estimate of the memory it holds. */
  readonly bytes: number
}

export type Entry = StoredResponse | StoredValue

/** Stands at a resource's key when its responses differ by request fields (RFC 9111 section 4.1). */
export interface Varies extends Stamp {
  readonly kind: 'varies'
  /** Lower-cased field names. */
  readonly on: readonly string[]
  /** Keys of the stored variants, oldest first; bounded. */
  readonly variants: readonly string[]
  /** For variants in a known language: the name they have by that language, and their key. */
  readonly languages: readonly (readonly [name: string, key: string])[]
  /** As long as any of its variants is worth keeping. */
  readonly keepUntil: number
}

/** "The last answer here was for one caller alone": requests go side by side instead of waiting (hit-for-miss). */
export interface Unshareable extends Stamp {
  readonly kind: 'unshareable'
  readonly until: number
}

export type Stored = Entry | Varies | Unshareable

/** What a store says of a key. `unknown`: it could not find out, which is no proof that nothing is there. */
export type Kept = Stored | undefined | 'unknown'

/** Asks for what may have come since the last look: a store made of stores looks beyond its nearest. */
export interface Anew {
  /** What was at hand then and will not do. */
  readonly past: Stored | undefined
}

/** One thing to put into a store. */
export interface Write {
  readonly key: string
  readonly stored: Stored
  /** After which the store may forget it, in ms; it may forget it sooner. */
  readonly keepForMs: number
}

/**
 * Keeps stored things under keys. Faults are events: a read that fails is `unknown`, a write that fails is lost, and
 * nothing here rejects.
 */
export interface Store {
  get(key: string, anew?: Anew): Awaitable<Kept>
  /** In the order of the keys. */
  getMany(keys: readonly string[]): Awaitable<readonly Kept[]>
  /** @param keepForMs after which the store may forget it; it may forget it sooner. */
  set(key: string, stored: Stored, keepForMs: number): Awaitable<void>
  setMany(writes: readonly Write[]): Awaitable<void>
  delete(key: string): Awaitable<void>
  deleteMany(keys: readonly string[]): Awaitable<void>
  clear(): Awaitable<void>
  close(): Awaitable<void>
  /** Per tier, for metrics and statistics. */
  usage(): readonly TierUsage[]
}

export interface TierUsage {
  readonly tier: Tier
  readonly bytes: number
  readonly maxBytes: number
  readonly objects: number
  /** Out of order at present: look-ups answer `unknown`, writes are lost. */
  readonly degraded?: boolean | undefined
}

export type Tier = 'memory' | 'disk' | 'redis'

// ------------------------------------------------------------------------------------------ invalidation

export type Selectors = {
  readonly tags?: readonly string[]
  /** Names as in Stamp.url. */
  readonly urls?: readonly string[]
  /** Prefixes of names, cut at path segments. */
  readonly prefixes?: readonly string[]
  readonly all?: boolean
}

/** purge: never served again, not even stale. invalidate: revalidated before the next use. */
export type InvalidationMode = 'purge' | 'invalidate'

export interface Receipt {
  readonly id: string
  readonly position: number
  readonly nodes: { readonly expected: number; readonly acked: number }
}

export type Verdict = 'valid' | 'stale' | 'dead'

/** The one totally ordered record of purges and invalidations. */
export interface InvalidationLog {
  readonly generation: string
  /** Position of the newest record applied here. */
  readonly position: number
  /** Whether it has heard, within the last lease, of every record there is. While not, older copies count as stale. */
  readonly synced: boolean
  /** Settles when the records there were at the start have been read, as far as they could be. Never rejects. */
  readonly started: Promise<void>
  /**
   * Rejects when the record could not be logged: then nothing was invalidated for certain.
   * @param waitMs for the other nodes to say that they have heard; the log's own default when undefined
   */
  append(mode: InvalidationMode, selectors: Selectors, waitMs?: number): Promise<Receipt>
  /** Does a record later than the stamp name it? Memory only, no I/O. */
  verdict(stamp: Stamp): Verdict
  /** Who shares the log, and how far each has come, as last heard; this process included. */
  nodes(): readonly LogNode[]
  close(): Awaitable<void>
}

export interface LogNode {
  readonly id: string
  readonly position: number
}

// ------------------------------------------------------------------------------------------------- fetches

/** One fetch per key among all who share the leases. Nothing here rejects. */
export interface FetchLeases {
  /** The lease, or how the fetch of whoever had it ended. Settles within a bounded time. */
  take(key: string): Promise<LeaseAnswer>
  close(): Awaitable<void>
}

/** What those who share a store agree on for fetches. */
export interface Sharing {
  readonly leases: FetchLeases
  /** Content of up to this many bytes reaches the others through the store. */
  readonly maxObjectBytes: number
}

export type LeaseAnswer =
  | { readonly kind: 'held'; readonly lease: Lease }
  /** Another's fetch ended: its result is in the stores. */
  | { readonly kind: 'stored' }
  /** Another's fetch ended with an answer for one caller alone, or failed: everyone asks for themselves. */
  | { readonly kind: 'unshared' }
  /** Nobody can say who fetches, or it took too long. */
  | { readonly kind: 'unavailable' }

/** The right to fetch, kept alive until it is given back. */
export interface Lease {
  /** Rises with each lease of the key: tells a holder that was taken for dead from the one that took over. */
  readonly fence: number
  /** Gives it back and tells those who wait how the fetch ended. Only once counts. */
  release(ending: 'stored' | 'unshared'): Awaitable<void>
}

// ---------------------------------------------------------------------------------------------- decisions

/** Why a request went forward: the `fwd` tokens of RFC 9211 section 2.2. */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial'

/** What the stores hold for a question. Dead things are not found. */
export interface Found<E extends Entry = Entry> {
  /** Where it is kept, or would be: the resource's key or a variant's. */
  readonly key: string
  readonly entry: E | undefined
  /** `stale` when an invalidation names the entry. */
  readonly verdict: 'valid' | 'stale'
  /** A recent answer was for one caller alone. */
  readonly unshareable: boolean
  /** Why it counts as a miss when there is no entry. */
  readonly miss: 'uri-miss' | 'vary-miss'
}

/** What to do with a question, given what is stored. */
export type Decision<E extends Entry = Entry> =
  | { readonly kind: 'serve'; readonly entry: E; readonly refresh: boolean }
  | { readonly kind: 'serve-stale'; readonly entry: E }
  | { readonly kind: 'revalidate'; readonly entry: E; readonly why: ForwardReason; readonly fallback: Fallback }
  | {
      readonly kind: 'fetch'
      readonly why: ForwardReason
      /** A fresh copy of a part: what it lacks is enough. */
      readonly part?: E | undefined
    }
  | {
      readonly kind: 'pass'
      readonly why: ForwardReason
      readonly detail?: string | undefined
      /** A copy that may answer if the origin fails, or is slow. */
      readonly entry?: E | undefined
      /** How long the origin may take where there is such a copy, in milliseconds; undefined: as long as it does. */
      readonly afterMs?: number | undefined
      /** The copy that an answer without content speaks of (RFC 9111 section 4.3.5). */
      readonly updates?: E | undefined
    }
  | { readonly kind: 'refuse'; readonly detail: string }

/** May the stale copy answer when the revalidation fails, or takes too long? */
export interface Fallback {
  readonly onError: boolean
  /** Milliseconds to wait for the origin before answering from the copy; undefined: wait for it. */
  readonly afterMs: number | undefined
}

export type Result =
  | 'hit'
  | 'stale'
  | 'stale_if_error'
  | 'revalidated'
  | 'collapsed'
  | 'miss'
  | 'pass'
  | 'error'
  | 'shed'

/** How a request was answered. Metric, log line and Cache-Status all come from it. */
export interface Outcome {
  readonly result: Result
  readonly fwd?: ForwardReason | undefined
  /** Status code the origin answered with. */
  readonly fwdStatus?: number | undefined
  readonly stored?: boolean | undefined
  readonly collapsed?: boolean | undefined
  /** Remaining freshness; negative when stale. */
  readonly ttlMs?: number | undefined
  readonly detail?: string | undefined
  /** From asking the origin to its response head. */
  readonly originMs?: number | undefined
}

// --------------------------------------------------------------------------------------------------- rules

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
