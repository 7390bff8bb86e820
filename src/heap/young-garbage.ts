import { collections } from './collections.ts'
import { collectYoung } from './collector.ts'

/** After this much content from origins and clients, its buffers are collected. */
const EVERY_BYTES = 8 * 2 ** 20
/** After this much of it, garbage or not, listeners are called. */
const HEARD_EVERY_BYTES = 4 * 2 ** 20

let received = 0
let unheard = 0
let isWatching = false
const listeners = new Set<() => void>()

/**
 * Calls `run` after every few MiB of content: one turn of the event loop can receive tens of them, and no timer runs
 * meanwhile.
 * @returns a function that ends it
 */
export function onContent(run: () => void): () => void {
  listeners.add(run)
  return () => void listeners.delete(run)
}

/**
 * Streamed content leaves a buffer of up to 64 KiB behind per read. V8 collects these only once some 64 MiB of them
 * have gathered: an unbounded body would cost that much memory for nothing. A minor collection takes under a
 * millisecond and is due anyway; when V8 makes one meanwhile, the count starts over. Process-wide, as the collector is.
 */
export function contentReceived(bytes: number): void {
  if (!isWatching) watch()
  received += bytes
  unheard += bytes
  if (unheard >= HEARD_EVERY_BYTES) tellListeners()
  if (received < EVERY_BYTES) return
  received = 0
  collectYoung()
}

function tellListeners(): void {
  unheard = 0
  for (const run of listeners) run()
}

function watch(): void {
  isWatching = true
  collections().onYoung(() => {
    received = 0
  })
}
