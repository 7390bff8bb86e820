import type { LogEvent } from '../../events.ts'
import type { InvalidationMode, Stamp, Verdict } from '../../model.ts'
import { Marks, targetsOf } from './marks.ts'

/** A record that this process wants logged. */
export interface PendingRecord {
  readonly mode: InvalidationMode
  /** As made by `targetsOf`. */
  readonly targets: readonly string[]
  /** When it was asked for, by this process's clock. */
  readonly at: number
}

/** Takes the place of records that have become too many. */
export const everything = (at: number): PendingRecord => ({ mode: 'purge', targets: targetsOf({ all: true }), at })

/** What is told when it does. */
export const OVERFLOW: LogEvent = {
  what: 'overflow',
  detail: 'the invalidation log accepts no records and too many are waiting: a purge of everything replaces them',
}

/** The clock may stand still between a fetch and the record after it: in doubt the record is the later one. In ms. */
const INSTANT_MS = 0.001

/** Records that are gone through whenever one of them is logged. */
const MOST_NAMED_ANEW = 32

/**
 * Records that were asked for and that the log does not show yet: it may be out of reach. In this process they count
 * from the moment they were asked for, against all that was fetched before.
 */
export class Pending<Record extends PendingRecord = PendingRecord> {
  readonly #maxTargets: number
  readonly #records = new Set<Record>()
  #marks: Marks | undefined
  #added = 0

  /** @param maxTargets remembered; beyond it everything older counts as named */
  constructor(maxTargets: number) {
    this.#maxTargets = maxTargets
  }

  get records(): Iterable<Record> {
    return this.#records
  }

  /** How many there have been. */
  get added(): number {
    return this.#added
  }

  add(record: Record): void {
    this.#added++
    this.#records.add(record)
    this.#name(record)
  }

  /** The log shows it, and names what it names. */
  remove(record: Record): void {
    if (!this.#records.delete(record)) return
    // While very many wait, what it named stays named: to tell it apart each time would take square time.
    if (this.#records.size <= MOST_NAMED_ANEW) this.#nameAnew()
  }

  /** Does one of them name what was fetched before it? */
  verdict(stamp: Stamp): Verdict {
    // What another process fetched may be older than anything: 0 is where marks begin.
    return this.#marks === undefined ? 'valid' : this.#marks.verdict(stamp, Math.max(stamp.startedAt, 0))
  }

  #nameAnew(): void {
    this.#marks = undefined
    for (const record of this.#records) this.#name(record)
  }

  #name({ mode, targets, at }: PendingRecord): void {
    this.#marks ??= new Marks(this.#maxTargets)
    for (const target of targets) this.#marks.name(target, mode, at + INSTANT_MS)
  }
}

/** The worse of two. */
export function worse(one: Verdict, other: Verdict): Verdict {
  if (one === 'dead' || other === 'dead') return 'dead'
  return one === 'stale' ? one : other
}
