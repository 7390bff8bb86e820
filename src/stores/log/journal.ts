import type { Clock } from '../../model.ts'
import type { Logged } from './live-nodes.ts'
import type { PendingRecord } from './pending.ts'

/** A record of this process's own, kept until the log has it, and then in case the log loses it. */
export interface JournalEntry extends PendingRecord {
  readonly nonce: string
  /** Where the log has it; undefined when it is to be logged, or to be logged again. */
  where: Logged | undefined
  wasLogged: boolean
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
    for (const [nonce, { at, wasLogged }] of this.#entries) {
      const isKept = !wasLogged || this.#clock.now() - at < KEPT_FOR_MS
      if (isKept && this.#entries.size <= MAX_ENTRIES) break
      this.#entries.delete(nonce)
    }
  }

  /** The log is another: nothing of ours is known to be in it. */
  misplaceAll(): void {
    for (const entry of this.#entries.values()) entry.where = undefined
  }

  misplaced(): JournalEntry[] {
    return [...this.#entries.values()].filter(
      ({ where, at, wasLogged }) => where === undefined && (!wasLogged || this.#clock.now() - at < KEPT_FOR_MS),
    )
  }
}
