import type { Stored, Write } from '../model.ts'

/** Of one piece: then others have their turn. */
const MOST_WRITES = 1_000
const MOST_BYTES = 4 * 2 ** 20

/**
 * Many writes that are put piece by piece, as all of them, encoded, may take more memory than what waits for the disk may. What
 * comes to one of their keys meanwhile is newer than what is still to come of them.
 */
export class Batches {
  /** What is still to come of each, by key. */
  readonly #pending = new Set<Map<string, Write>>()
  readonly #running = new Set<Promise<void>>()

  /** Something newer comes to these keys. */
  overtake(keys: readonly string[]): void {
    for (const pending of this.#pending) for (const key of keys) pending.delete(key)
  }

  /** Everything that there is goes. */
  overtakeAll(): void {
    for (const pending of this.#pending) pending.clear()
  }

  /** @param put puts a piece; the next is not begun before it has settled */
  put(writes: readonly Write[], put: (piece: readonly Write[]) => Promise<unknown>): Promise<void> {
    const running = this.#put(writes, put).finally(() => this.#running.delete(running))
    this.#running.add(running)
    return running
  }

  /** Settles when all that were begun have been put. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  async #put(writes: readonly Write[], put: (piece: readonly Write[]) => Promise<unknown>): Promise<void> {
    const pending = new Map(writes.map((write) => [write.key, write]))
    this.#pending.add(pending)
    try {
      while (pending.size > 0) {
        const piece = pieceOf(pending)
        if (pending.size === 0) this.#pending.delete(pending)
        await put(piece)
      }
    } finally {
      this.#pending.delete(pending)
    }
  }
}

/** Takes the next ones. */
function pieceOf(pending: Map<string, Write>): readonly Write[] {
  const piece: Write[] = []
  let bytes = 0
  for (const [key, write] of pending) {
    pending.delete(key)
    piece.push(write)
    bytes += bytesOf(write.stored)
    if (piece.length === MOST_WRITES || bytes >= MOST_BYTES) break
  }
  return piece
}

function bytesOf(stored: Stored): number {
  switch (stored.kind) {
    case 'value':
      return stored.bytes
    case 'response':
      return stored.body.length ?? 0
    case 'varies':
    case 'unshareable':
      return 0
  }
}
