import type { Clock } from '../../model.ts'
import type { Generations } from './generations.ts'
import type { Logged } from './live-nodes.ts'
import type { PendingRecord } from './pending.ts'

/** A record of this process's own, kept until the log has it, and then in case the log loses it. */
export interface JournalEntry extends PendingRecord {
  readonly nonce: string
  /** Where it is in the log; undefined while it has yet to be logged, for the first time or again. */
  where: Logged | undefined
  /** When it was first logged, in epoch ms. */
  loggedAt: number | undefined
  /** How often logging it again has failed. */
  failures: number
}

/** How long logged records are kept, in case the log turns out to have lost them. */
const KEPT_FOR_MS = 10 * 60_000
export const MAX_ENTRIES = 10_000
/** Approximate bytes of all entries together. */
export const MAX_BYTES = 32 * 2 ** 20

/** This process's own records: those not logged yet, and those of the last minutes. */
export class Journal {
  readonly #clock: Clock
  /** By nonce, oldest first. */
  readonly #entries = new Map<string, JournalEntry>()
  #bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * @returns the entries dropped: those logged long ago and, if there is still too much, the oldest logged ones, or
   * every entry if none has been logged
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

  /** The log has changed: of this process's records it has only those that it continues from the former one. */
  generationChanged(log: Pick<Generations, 'generation' | 'holds'>): void {
    for (const entry of this.#entries.values()) {
      const { where } = entry
      entry.where = where && log.holds(where) ? { ...where, generation: log.generation } : undefined
    }
  }

  /** The entries to be logged, those with the fewest failures first. */
  unlogged(): JournalEntry[] {
    const unlogged = [...this.#entries.values()].filter((entry) => entry.where === undefined && !this.#isOld(entry))
    return unlogged.sort((one, other) => one.failures - other.failures)
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

/** A text takes up to two octets per character, and a record some hundreds in addition to its targets. */
const bytesOf = ({ targets }: JournalEntry): number =>
  targets.reduce((sum, target) => sum + 2 * target.length + 50, 500)
