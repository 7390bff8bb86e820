import type { Clock, InvalidationMode } from '../../model.ts'
import type { Logged } from './live-nodes.ts'

/** A record of this process's own, kept in case the log loses it. */
export interface JournalEntry {
  readonly nonce: string
  readonly mode: InvalidationMode
  readonly targets: readonly string[]
  readonly at: number
  /** Where the log has it; undefined when it is to be logged again. */
  where: Logged | undefined
}

/** How long a log may take to notice what it has lost. */
const KEPT_FOR_MS = 10 * 60_000
const MAX_ENTRIES = 10_000

/** The issuer's own records of the last minutes. */
export class Journal {
  readonly #clock: Clock
  /** By nonce, oldest first. */
  readonly #entries = new Map<string, JournalEntry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(entry: JournalEntry): void {
    this.#entries.set(entry.nonce, entry)
    for (const [nonce, { at }] of this.#entries) {
      if (this.#entries.size <= MAX_ENTRIES && this.#clock.now() - at < KEPT_FOR_MS) break
      this.#entries.delete(nonce)
    }
  }

  /** The log is another: nothing of ours is known to be in it. */
  misplaceAll(): void {
    for (const entry of this.#entries.values()) entry.where = undefined
  }

  misplaced(): JournalEntry[] {
    return [...this.#entries.values()].filter(
      ({ where, at }) => where === undefined && this.#clock.now() - at < KEPT_FOR_MS,
    )
  }
}
