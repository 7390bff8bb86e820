/**
 * Counts content, and reports every few MiB of it: a single turn of the event loop can receive tens of MiB, and no timer
 * runs meanwhile. Process-wide, as memory and the garbage collector are.
 *
 * In a small container it reports less at a time: until young garbage is collected, content takes some four times its
 * size, as it was read, as it is stored and as it is sent.
 */
import { shareOfContainer } from './memory-ceilings.ts'
import { collectStreamed } from './young-garbage.ts'

/** @param soon bytes about to be allocated at once; 0 if content has arrived in small pieces */
export type ContentListener = (soon: number) => void

const REPORTED_EVERY_BYTES = Math.min(4 * 2 ** 20, shareOfContainer(1 / 128))

/** A head, and the objects made for it. */
const MESSAGE_BYTES = 16 * 2 ** 10

let unreported = 0
const listeners = new Set<ContentListener>()

/** @returns a function that ends it */
export function onContent(listener: ContentListener): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** A piece of content has arrived, from an origin, a client or another process. */
export function contentReceived(bytes: number): void {
  collectStreamed(bytes)
  count(bytes)
}

/** A request to an origin has begun, or its response: without content they take memory too. */
export const messageBegun = (): void => count(MESSAGE_BYTES)

/** Content that has arrived is about to be copied, to buffers of this size together. */
export const aboutToCopy = (bytes: number): void => count(bytes, bytes)

/** Something takes memory. @param soon as for `ContentListener` */
export function count(bytes: number, soon = 0): void {
  unreported += bytes
  if (unreported < REPORTED_EVERY_BYTES) return
  unreported = 0
  for (const listener of listeners) listener(soon)
}
