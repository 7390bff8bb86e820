import type { Fields } from '../fields.ts'
import type { Awaitable } from '../model.ts'

export interface BodyReader {
  /** The next bytes; undefined at the end. Rejects with a HerdgateError if the body broke off. */
  next(): Awaitable<Uint8Array | undefined>
  /** Trailer fields; call it after the end. */
  trailers(): Fields
  /** Stops reading. Always call it when the rest is not needed, so that others need not wait for this reader. */
  cancel(): void
}

export const NO_TRAILERS: Fields = []

/** A reader for complete content. */
export function readWhole(bytes: Uint8Array): BodyReader {
  let rest: Uint8Array | undefined = bytes.length > 0 ? bytes : undefined
  return {
    next() {
      const chunk = rest
      rest = undefined
      return chunk
    },
    trailers: () => NO_TRAILERS,
    cancel() {
      rest = undefined
    },
  }
}
