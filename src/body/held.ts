/**
 * Large content that somebody is still receiving although no store in memory counts it: it was evicted or not admitted,
 * and stays in memory for the slowest who receive it. Process-wide, as memory is. Content is told apart by its memory,
 * of which everybody has a view of their own.
 */

/** Smaller content is mostly received at once; it is kept and read even while memory is short. */
export const MAX_SMALL_BYTES = 64 * 1024

type Memory = Uint8Array['buffer']

/** How many are receiving it. */
const receivers = new Map<Memory, number>()
/** Which store counts it. */
const owners = new WeakMap<Memory, CountedContent>()
let bytes = 0

export const heldBytes = (): number => bytes

/**
 * Somebody has begun to receive this content, and cannot be given all of it at once.
 * @returns a function to call once when they have received it, or left
 */
export function hold({ buffer }: Uint8Array): () => void {
  if (buffer.byteLength <= MAX_SMALL_BYTES) return NOTHING
  changing(buffer, () => receivers.set(buffer, (receivers.get(buffer) ?? 0) + 1))
  return () =>
    changing(buffer, () => {
      const others = (receivers.get(buffer) ?? 0) - 1
      if (others > 0) receivers.set(buffer, others)
      else receivers.delete(buffer)
    })
}

const NOTHING = (): void => {}

/** The large content that a store in memory counts in its size. */
export class CountedContent {
  add({ buffer }: Uint8Array): void {
    changing(buffer, () => owners.set(buffer, this))
  }

  delete({ buffer }: Uint8Array): void {
    if (owners.get(buffer) === this) changing(buffer, () => owners.delete(buffer))
  }

  /** Deletes what somebody is receiving: the rest is in memory for nobody. */
  clear(): void {
    for (const memory of receivers.keys()) {
      if (owners.get(memory) === this) changing(memory, () => owners.delete(memory))
    }
  }
}

function changing(memory: Memory, change: () => void): void {
  const before = bytesHeldOf(memory)
  change()
  bytes += bytesHeldOf(memory) - before
}

const bytesHeldOf = (memory: Memory): number => (receivers.has(memory) && !owners.has(memory) ? memory.byteLength : 0)
