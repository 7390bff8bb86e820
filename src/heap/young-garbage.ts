import { collections } from './collections.ts'
import { collectYoung } from './collector.ts'

/** After this much content from origins and clients, its buffers are collected. */
const EVERY_BYTES = 8 * 2 ** 20
/** After this much of it, garbage or not, listeners are called. */
const HEARD_EVERY_BYTES = 4 * 2 ** 20

let received = 0
let unheard = 0
let isWatching = false
/** Is told how many bytes are about to be taken at once; 0: content has been received, a little at a time. */
type Listener = (soon: number) => void
const listeners = new Set<Listener>()

/**
 * Calls `run` after every few MiB of content and copies of it: one turn of the event loop can receive tens of them, and
 * no timer runs meanwhile.
 * @returns a function that ends it
 */
export function onContent(run: Listener): () => void {
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
  if (unheard >= HEARD_EVERY_BYTES) tellListeners(0)
  if (received < EVERY_BYTES) return
  received = 0
  collectYoung()
}

/** Content that was received is about to be copied to a buffer of this size. */
export function copyFollows(bytes: number): void {
  unheard += bytes
  if (unheard >= HEARD_EVERY_BYTES) tellListeners(bytes)
}

function tellListeners(soon: number): void {
  unheard = 0
  for (const run of listeners) run(soon)
}

function watch(): void {
  isWatching = true
  collections().onYoung(() => {
    received = 0
  })
}
