import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Cache, Peer, Pressure } from '../../src/for-routes.ts'

/** A request and its response on their way through. */
export interface Exchange {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  readonly peer: Peer
  readonly events: Cache['events']
  /** Whether memory is short; undefined if that is not watched. */
  readonly pressure: Pressure | undefined
  /** Monotonic milliseconds. */
  readonly startedAt: number
  url: string
}
