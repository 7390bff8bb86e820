/** The things that may stand at a key. */
import type { Body } from '../body.ts'
import type { Fields } from '../fields.ts'
import type { Order } from './order.ts'

/** When a fetch began. */
export interface Beginning {
  /** The log's identity and position at that time (docs/guarantees.md, "The idea"). */
  readonly generation: string
  readonly position: number
  /** By this process's clock; -Infinity for what another process fetched. */
  readonly startedAt: number
}

/** What the invalidation log needs to judge a stored thing: how the fetch behind it began, and what names it. */
export interface Stamp extends Beginning {
  /** The name it has in the log: authority, path and query without the scheme; for library values, their key. */
  readonly url: string
  readonly tags: readonly string[]
  /** The newest position this has been compared with and found valid; only the log writes it. */
  checked: number
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

export interface StoredResponse extends Stamp, Order, Lifetime, Cost {
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
export interface StoredValue extends Stamp, Order, Lifetime, Cost {
  readonly kind: 'value'
  readonly value: unknown
  /** An estimate of the memory it holds. */
  readonly bytes: number
  /** The value as it is handed out, once it has been: who asks again gets the same promise. */
  promise?: Promise<unknown> | undefined
}

export type Entry = StoredResponse | StoredValue

/** Stands at a resource's key when its responses differ by request fields (RFC 9111 section 4.1). */
export interface Varies extends Stamp, Order {
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
  readonly keepUntil: number
}

export type Stored = Entry | Varies | Unshareable
