/** A client's request. */
import type { Readable } from 'node:stream'
import type { Fields } from '../fields.ts'
import type { Signal } from './origin.ts'

/** A request as the client sent it, its target already validated (see policy/target.ts). */
export interface CacheRequest {
  readonly method: string
  /** Absolute URL: scheme, lower-cased authority without a default port, and the target's raw bytes. */
  readonly url: string
  readonly fields: Fields
  /**
   * Known in advance: the head has no Connection option but keep-alive, none of the fields that affect reuse
   * (policy/reuse-fields.ts), and no trusted forwarded host that differs (policy/fields/forwarded.ts), so nothing needs
   * to look for them. Absent: not known.
   */
  readonly plain?: boolean | undefined
  /** Absent when the request has no content. */
  readonly body?: Readable | undefined
  /** Makes the same content again, if all of it is at hand: for retrying the request. */
  readonly bodyAgain?: (() => Readable) | undefined
  /** Gets 1xx responses as they arrive (RFC 9110 section 15.2). Called only for the request that began the fetch. */
  onInterim?(status: number, fields: Fields): void
  /** Aborted when the client has gone. A shared fetch outlives it. */
  readonly signal?: Signal | undefined
  /**
   * Aborted when the client has gone, or has closed its side of the connection and so is most likely gone: it is still
   * answered but no longer counts as waiting. Absent: `signal` is used.
   */
  readonly leaving?: Signal | undefined
  /** Who sent it; absent when the request did not come over a socket. */
  readonly peer?: Peer | undefined
}

/** The other end of a client connection. */
export interface Peer {
  readonly address: string
  /** Its address is listed in `trustProxy`: its Forwarded and X-Forwarded-* fields are trusted. */
  readonly trusted: boolean
  /** Whether another address, that of an earlier proxy, is listed there too. */
  readonly trusts?: ((address: string) => boolean) | undefined
}
