/** What an origin is asked, and answers. */
import type { Readable } from 'node:stream'
import type { Fields } from '../fields.ts'

/** What is sent to an origin: no policy left in it, framing excepted. */
export interface OriginRequest {
  readonly method: string
  /** Origin form: path and query, beginning with "/" (or "*" for OPTIONS). */
  readonly target: string
  readonly fields: Fields
  readonly body?: Readable | undefined
  /** Makes the same content again, for a safe request that has to be sent once more. Absent: there is only `body`. */
  readonly bodyAgain?: (() => Readable) | undefined
  readonly onInterim?: ((status: number, fields: Fields) => void) | undefined
  /** Nobody waits for the answer: it refreshes a copy that is in use meanwhile. */
  readonly background?: boolean | undefined
}

/**
 * Ends when the response is complete; throws a HerdgateError when it breaks off. Not reading it applies back-pressure.
 */
export interface Content extends AsyncIterable<Uint8Array> {
  /** All of it at once instead, where it has come to its end, is no longer than this, and nothing of it was read. */
  takeWhole?(mostBytes: number): readonly Uint8Array[] | undefined
}

export interface OriginResponse {
  readonly status: number
  /** As received: hop-by-hop fields are still in it. */
  readonly fields: Fields
  readonly body: Content
  /** Its content ends with the connection, and nothing tells whether that was cut off. */
  readonly mayBeCutOff?: boolean
  /** Trailer fields, known once `body` has ended. */
  trailers(): Fields
}

/**
 * As much of an AbortSignal as it takes to learn that nobody waits any more; making a whole one costs more than that.
 */
export interface Signal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** Transport to one configured origin. Failures are HerdgateErrors (errors.ts). */
export interface Origin {
  readonly name: string
  fetch(request: OriginRequest, signal?: Signal): Promise<OriginResponse>
  close(): Promise<void>
}
