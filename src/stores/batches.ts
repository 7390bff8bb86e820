import { CollectableSet } from '../collectable.ts'
import type { Awaitable, Stored, Write } from '../model.ts'

/** Limits of one piece: other work gets a turn between two of them. */
const MAX_MEMBERS = 500
const MAX_BYTES = 4 * 2 ** 20

/** A change at one key. */
interface Change {
  readonly key: string
  /** What to store there; undefined to remove what is there. */
  readonly stored?: Stored
}

/**
 * Makes many changes piece by piece, as all of them at once may be more than a store accepts, or hold up everything
 * else. A newer change of a key meanwhile replaces the one still pending.
 */
export class Batches {
  /** The pending changes of each batch, by key. */
  readonly #pending = new CollectableSet<Map<string, Change>>()
  readonly #running = new Set<Promise<void>>()
  /** The latest batch of more than one piece: those run one after the other, as several would be too much again. */
  #latestLong: Promise<void> | undefined

  /** Drops pending changes of these keys: something newer replaces them. */
  dropPending(keys: readonly string[]): void {
    for (const pending of this.#pending) for (const key of keys) pending.delete(key)
  }

  /** Drops all pending changes: the store is being cleared. */
  dropAllPending(): void {
    for (const pending of this.#pending) pending.clear()
  }

  /**
   * Drops pending changes of other batches at the same keys.
   * @param put writes one piece; the next begins when it has settled
   */
  put(writes: readonly Write[], put: (piece: readonly Write[]) => Promise<unknown>): Promise<void> {
    return this.#begin(writes, put)
  }

  /** The same for removals. */
  remove(keys: readonly string[], remove: (piece: readonly string[]) => Promise<unknown>): Promise<void> {
    return this.#begin(
      keys.map((key) => ({ key })),
      (piece) => remove(piece.map(({ key }) => key)),
    )
  }

  /** Settles when all batches begun so far have ended. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  #begin<C extends Change>(changes: readonly C[], make: (piece: readonly C[]) => Promise<unknown>): Promise<void> {
    this.dropPending(changes.map(({ key }) => key))
    const pending = new Map(changes.map((change) => [change.key, change]))
    const leave = this.#pending.add(pending)
    const run = () => this.#run(pending, leave, make)
    const running = (isOnePiece(changes) ? run() : this.#inTurn(run)).finally(() => this.#running.delete(running))
    this.#running.add(running)
    return running
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    const before = this.#latestLong
    const running = (before === undefined ? run() : before.then(run, run)).finally(() => {
      if (this.#latestLong === running) this.#latestLong = undefined
    })
    this.#latestLong = running
    return running
  }

  async #run<C extends Change>(
    pending: Map<string, C>,
    leave: () => void,
    make: (piece: readonly C[]) => Promise<unknown>,
  ): Promise<void> {
    try {
      while (pending.size > 0) {
        const piece = pieceOf(pending)
        if (pending.size === 0) leave()
        await make(piece)
      }
    } finally {
      leave()
    }
  }
}

function isOnePiece(changes: readonly Change[]): boolean {
  if (changes.length > MAX_MEMBERS) return false
  return changes.reduce((sum, { stored }) => sum + bytesOf(stored), 0) <= MAX_BYTES
}

/** Takes the next piece out of the pending changes. */
function pieceOf<C extends Change>(pending: Map<string, C>): readonly C[] {
  const piece: C[] = []
  let bytes = 0
  for (const [key, change] of pending) {
    pending.delete(key)
    piece.push(change)
    bytes += bytesOf(change.stored)
    if (piece.length === MAX_MEMBERS || bytes >= MAX_BYTES) break
  }
  return piece
}

function bytesOf(stored: Stored | undefined): number {
  switch (stored?.kind) {
    case 'value':
      return stored.bytes
    case 'response':
      return stored.body.length ?? 0
    case 'varies':
    case 'unshareable':
    case undefined:
      return 0
  }
}

/** Reads many keys piece by piece; other work gets a turn after each piece. */
export function inPieces<T>(
  keys: readonly string[],
  read: (piece: readonly string[]) => Awaitable<readonly T[]>,
): Awaitable<readonly T[]> {
  return keys.length <= MAX_MEMBERS ? read(keys) : readInPieces(keys, read)
}

async function readInPieces<T>(
  keys: readonly string[],
  read: (piece: readonly string[]) => Awaitable<readonly T[]>,
): Promise<readonly T[]> {
  const all: T[] = []
  for (let at = 0; at < keys.length; at += MAX_MEMBERS) {
    all.push(...(await read(keys.slice(at, at + MAX_MEMBERS))))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return all
}
