import { collections } from './collections.ts'
import { collectYoung } from './collector.ts'
import { shareOfContainer } from './memory-ceilings.ts'

/** After this much content from origins and clients, its buffers are collected. */
const EVERY_BYTES = Math.min(8 * 2 ** 20, shareOfContainer(1 / 64))

let received = 0
let isWatching = false

/**
 * Streamed content leaves a buffer of up to 64 KiB behind per read. V8 collects these only once some 64 MiB of them
 * have gathered: an unbounded body would cost that much memory for nothing. A minor collection takes under a
 * millisecond and is due anyway; when V8 makes one meanwhile, the count starts over. Process-wide, as the collector is.
 */
export function collectStreamed(bytes: number): void {
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
