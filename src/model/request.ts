/** What a client asks. */
import type { Readable } from 'node:stream'
import type { Fields } from '../fields.ts'
import type { Signal } from './origin.ts'

/** A request as the client asked it, already checked for form (see policy/target.ts). */
export interface CacheRequest {
  readonly method: string
  /** Absolute URL: scheme, lower-cased authority without a default port, and the target's raw bytes. */
  readonly url: string
  readonly fields: Fields
  /**
   * The head has no Connection but keep-alive, none of the fields that bear on reuse (policy/bearing.ts), and no other
   * host that is believed (policy/forwarded.ts), so that nobody need look for them. Absent: not known.
   */
  readonly plain?: boolean | undefined
  /** Absent when the request has no content. */
  readonly body?: Readable | undefined
  /** Makes the same content again, where all of it is known: for an origin to which it has to be sent once more. */
  readonly bodyAgain?: (() => Readable) | undefined
  /** Gets 1xx responses as they arrive (RFC 9110 section 15.2). Only the request that started the fetch does. */
  onInterim?(status: number, fields: Fields): void
  /** Aborted when the client has gone. A shared fetch outlives it. */
  readonly signal?: AbortSignal | undefined
  /**
   * Aborted when the client has gone, or has ended its side of the connection, and so most likely gone: it does not
   * count among those who wait any more, but is still answered. Absent: `signal` tells.
   */
  readonly leaving?: Signal | undefined
  /** Who sent it; absent when the request did not come over a socket. */
  readonly peer?: Peer | undefined
}

/** The other end of a client connection. */
export interface Peer {
  readonly address: string
  /** Its address is listed in `trustProxy`: its Forwarded and X-Forwarded-* fields are believed. */
  readonly trusted: boolean
  /** Whether another address is listed there too: that of a proxy before this one. */
  readonly trusts?: ((address: string) => boolean) | undefined
}
