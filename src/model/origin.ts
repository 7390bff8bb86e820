/** Requests to origins, and their responses. */
import type { Readable } from 'node:stream'
import type { Fields } from '../fields.ts'

/** A request ready to be sent to an origin: all policy is applied, only framing is left to the transport. */
export interface OriginRequest {
  readonly method: string
  /** Origin form: path and query, beginning with `/` (or `*` for OPTIONS). */
  readonly target: string
  readonly fields: Fields
  readonly body?: Readable | undefined
  /** Makes the same content again, for retrying a safe request. Absent: `body` can be sent only once. */
  readonly bodyAgain?: (() => Readable) | undefined
  readonly onInterim?: ((status: number, fields: Fields) => void) | undefined
  /** A background refresh: nobody waits for the response. */
  readonly background?: boolean | undefined
}

/**
 * Ends when the response is complete; throws a HerdgateError when it is cut off. Not reading it applies back-pressure.
 */
export interface Content extends AsyncIterable<Uint8Array> {
  /** The whole content at once, if it is complete, at most `mostBytes` long, and none of it has been read yet. */
  takeWhole?(mostBytes: number): readonly Uint8Array[] | undefined
}

export interface OriginResponse {
  readonly status: number
  /** As received, hop-by-hop fields included. */
  readonly fields: Fields
  readonly body: Content
  /** Its content ends with the connection, so a truncated response cannot be told from a complete one. */
  readonly mayBeCutOff?: boolean
  /** Trailer fields, known once `body` has ended. */
  trailers(): Fields
}

/** The part of AbortSignal that the cache uses; cheaper to create than a complete one. */
export interface Signal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** Transport to one configured origin. Rejects with HerdgateErrors (errors.ts), and so does the content it returns. */
export interface Origin {
  readonly name: string
  fetch(request: OriginRequest, signal?: Signal): Promise<OriginResponse>
  close(): Promise<void>
}
