import { collections } from './collections.ts'
import { collectYoung } from './collector.ts'

/** After so much content has come in, from origins and from clients, its buffers are given back. */
const EVERY_BYTES = 8 * 2 ** 20

let received = 0
let isWatching = false

/**
 * Content that streams through leaves a buffer of up to 64 KiB per read behind, which V8 does not count among what makes
 * it collect until some 64 MiB of them have gathered: an unbounded body would cost that much memory for nothing. A minor
 * collection takes under a millisecond and is due anyway; where V8 made one meanwhile, the count begins anew. Process-wide, as
 * the collector is.
 */
export function contentReceived(bytes: number): void {
  if (!isWatching) watch()
  received += bytes
  if (received < EVERY_BYTES) return
  received = 0
  collectYoung()
}

function watch(): void {
  isWatching = true
  collections().onYoung(() => {
    received = 0
  })
}
