/** What may be stored under a key. */
import type { Body } from '../body.ts'
import type { Fields } from '../fields.ts'
import type { Order } from './order.ts'

/** When a fetch began. */
export interface Beginning {
  /** The invalidation log's identity and position at that time (docs/guarantees.md, "The idea"). */
  readonly generation: string
  readonly position: number
  /** By this process's clock; -Infinity if another process fetched it. */
  readonly startedAt: number
}

/** What the invalidation log needs to judge an entry: when its fetch began, and the names it can be purged by. */
export interface Stamp extends Beginning {
  /** Its name in the log: authority, path and query without the scheme; for library values, their key. */
  readonly url: string
  readonly tags: readonly string[]
  /** The newest log position it has been checked against and found valid; written only by the log. */
  checked: number
}

/** How long a copy may be used, and how. Computed once, on storing, so that a hit only compares numbers. */
export interface Lifetime {
  /** When the origin generated it: current age = now - bornAt (RFC 9111 section 4.2.3). */
  readonly bornAt: number
  readonly freshUntil: number
  /** A hit from here on starts a refresh in the background; Infinity when off. */
  readonly refreshAt: number
  readonly staleWhileRevalidateUntil: number
  readonly staleIfErrorUntil: number
  /** Until when it is worth keeping: the latest of the above, later if it can be revalidated. */
  readonly keepUntil: number
  /** Forbids any use while stale (must-revalidate, proxy-revalidate, s-maxage, no-cache), or is an error. */
  readonly mustRevalidate: boolean
}

/** What a hit on a copy saves. */
export interface Cost {
  /** Time to the origin's response head, or until the loader returned, in milliseconds; absent when not known. */
  readonly costMs?: number | undefined
}

export interface StoredResponse extends Stamp, Order, Lifetime, Cost {
  readonly kind: 'response'
  readonly status: number
  /** End-to-end fields of the response, without Age and without tag fields. */
  readonly fields: Fields
  readonly body: Body
  /** Lower-cased names of the request fields in Vary; empty without Vary. */
  readonly varyOn: readonly string[]
  /** Those fields of the request, normalised as in policy/vary.ts. */
  readonly vary: Fields
  /** Present when the body is not the whole representation. */
  readonly partial?: PartialContent | undefined
}

/** Positions of the first and last byte, inclusive, counted from 0. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** Which bytes of a representation an incomplete copy holds (RFC 9111 section 3.3). */
export interface PartialContent {
  /** In ascending order and not adjacent; the body is their concatenation. */
  readonly parts: readonly ByteRange[]
  /** Length of the complete representation in bytes; undefined when not known. */
  readonly complete: number | undefined
  /** `complete` is not known, but the last part ends where the representation does. */
  readonly reachesEnd: boolean
  /** The Range that exactly this content answered, and its Content-Range; undefined for combined parts. */
  readonly asked: string | undefined
  readonly contentRange: string | undefined
}

/** A value stored through the library (`getOrSet`, `set`), kept by reference. */
export interface StoredValue extends Stamp, Order, Lifetime, Cost {
  readonly kind: 'value'
  readonly value: unknown
  /** Estimated memory it takes. */
  readonly bytes: number
  /** A promise of the value, made on first use and shared by later callers. */
  promise?: Promise<unknown> | undefined
}

export type Entry = StoredResponse | StoredValue

export const isEntry = (stored: Stored | undefined): stored is Entry =>
  stored?.kind === 'response' || stored?.kind === 'value'

/** Stored under a resource's key when its responses vary by request fields (RFC 9111 section 4.1). */
export interface Varies extends Stamp, Order {
  readonly kind: 'varies'
  /** Lower-cased field names. */
  readonly on: readonly string[]
  /** Keys of the stored variants, oldest first; bounded. */
  readonly variants: readonly string[]
  /** For variants in a known language: their name for that language, and their key. */
  readonly languages: readonly (readonly [name: string, key: string])[]
  /** Until when any of its variants is worth keeping. */
  readonly keepUntil: number
}

/** The last answer for this key was for one caller only: requests do not wait for each other (hit-for-miss). */
export interface Unshareable extends Stamp {
  readonly kind: 'unshareable'
  readonly keepUntil: number
}

export type Stored = Entry | Varies | Unshareable
