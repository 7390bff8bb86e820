import type { Clock } from '../../model.ts'
import type { Generations } from './generations.ts'
import type { Logged } from './live-nodes.ts'
import type { PendingRecord } from './pending.ts'

/** A record of this process's own, kept until the log has it, and then in case the log loses it. */
export interface JournalEntry extends PendingRecord {
  readonly nonce: string
  /** Where the log has it; undefined when it is to be logged, or to be logged again. */
  where: Logged | undefined
  /** When it was logged first, in epoch ms. */
  loggedAt: number | undefined
  /** How often it could not be logged again. */
  failures: number
}

/** How long a log may take to notice what it has lost. */
const KEPT_FOR_MS = 10 * 60_000
export const MAX_ENTRIES = 10_000
/** Of what they name, about. */
export const MAX_BYTES = 32 * 2 ** 20

/** The issuer's own records: those that are not logged yet, and those of the last minutes. */
export class Journal {
  readonly #clock: Clock
  /** By nonce, oldest first. */
  readonly #entries = new Map<string, JournalEntry>()
  #bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * @returns what is not remembered any more: what was logged long ago; where it is too much, the oldest that was logged,
   * or all, if none was
   */
  add(entry: JournalEntry): readonly JournalEntry[] {
    const bytes = bytesOf(entry)
    const dropped = this.#drop(this.#old())
    while (this.#entries.size >= MAX_ENTRIES || (this.#entries.size > 0 && this.#bytes + bytes > MAX_BYTES)) {
      dropped.push(...this.#drop(this.#surplus()))
    }
    this.#entries.set(entry.nonce, entry)
    this.#bytes += bytes
    return dropped
  }

  #drop(entries: JournalEntry[]): JournalEntry[] {
    for (const entry of entries) {
      this.#entries.delete(entry.nonce)
      this.#bytes -= bytesOf(entry)
    }
    return entries
  }

  /** The log is another: of what is ours it has what it holds of the one before, and nothing else. */
  moveTo(log: Pick<Generations, 'generation' | 'holds'>): void {
    for (const entry of this.#entries.values()) {
      const { where } = entry
      entry.where = where && log.holds(where) ? { ...where, generation: log.generation } : undefined
    }
  }

  /** Those to be logged: first those that have failed least. */
  misplaced(): JournalEntry[] {
    const misplaced = [...this.#entries.values()].filter((entry) => entry.where === undefined && !this.#isOld(entry))
    return misplaced.sort((one, other) => one.failures - other.failures)
  }

  #old(): JournalEntry[] {
    const old: JournalEntry[] = []
    for (const entry of this.#entries.values()) {
      if (!this.#isOld(entry)) break
      old.push(entry)
    }
    return old
  }

  #surplus(): JournalEntry[] {
    for (const entry of this.#entries.values()) if (entry.loggedAt !== undefined) return [entry]
    return [...this.#entries.values()]
  }

  #isOld({ loggedAt }: JournalEntry): boolean {
    return loggedAt !== undefined && this.#clock.now() - loggedAt >= KEPT_FOR_MS
  }
}

/** A text takes up to two octets for each character, and a record some hundreds beside its targets. */
const bytesOf = ({ targets }: JournalEntry): number =>
  targets.reduce((sum, target) => sum + 2 * target.length + 50, 500)
