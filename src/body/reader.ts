import type { Fields } from '../fields.ts'
import type { Awaitable } from '../model.ts'

export interface BodyReader {
  /** The next bytes; undefined at the end. Rejects with a HerdgateError when the body broke off. */
  next(): Awaitable<Uint8Array | undefined>
  /** Trailer fields, after the end. */
  trailers(): Fields
  /** This reader has had enough. */
  cancel(): void
}

export const NO_TRAILERS: Fields = []

/** Reads what is all there. */
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
