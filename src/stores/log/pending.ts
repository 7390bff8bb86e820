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

/** The record that replaces others when there are too many of them. */
export const everything = (at: number): PendingRecord => ({ mode: 'purge', targets: targetsOf({ all: true }), at })

/** Emitted when that happens. */
export const OVERFLOW: LogEvent = {
  what: 'overflow',
  detail: 'the invalidation log accepts no records and too many are waiting: a purge of everything replaces them',
}

/** A fetch and the record after it may have the same time: when in doubt, the record counts as later. In ms. */
const INSTANT_MS = 0.001

/** Up to this many pending records, the marks are rebuilt whenever one of them is logged. */
const MAX_REBUILT = 32

/**
 * Records that were requested but cannot be read from the log yet, which may be out of reach. In this process they
 * count from the moment they were requested, against everything fetched before.
 */
export class Pending<Record extends PendingRecord = PendingRecord> {
  readonly #maxTargets: number
  readonly #records = new Set<Record>()
  #marks: Marks | undefined
  #added = 0

  /** @param maxTargets targets remembered; beyond that everything older counts as named */
  constructor(maxTargets: number) {
    this.#maxTargets = maxTargets
  }

  get records(): Iterable<Record> {
    return this.#records
  }

  /** How many have been added so far. */
  get added(): number {
    return this.#added
  }

  add(record: Record): void {
    this.#added++
    this.#records.add(record)
    this.#name(record)
  }

  /** The record has been read from the log, which now names its targets. */
  remove(record: Record): void {
    if (!this.#records.delete(record)) return
    // While very many wait, what it named stays named: rebuilding the marks each time would take quadratic time.
    if (this.#records.size <= MAX_REBUILT) this.#rebuildMarks()
  }

  /** Does one of them name what was fetched before it? */
  verdict(stamp: Stamp): Verdict {
    // What another process fetched starts at -Infinity; marks begin at 0.
    return this.#marks === undefined ? 'valid' : this.#marks.verdict(stamp, Math.max(stamp.startedAt, 0))
  }

  #rebuildMarks(): void {
    this.#marks = undefined
    for (const record of this.#records) this.#name(record)
  }

  #name({ mode, targets, at }: PendingRecord): void {
    this.#marks ??= new Marks(this.#maxTargets)
    this.#marks.name(targets, mode, at + INSTANT_MS)
  }
}

/** The worse of two. */
export function worse(one: Verdict, other: Verdict): Verdict {
  if (one === 'dead' || other === 'dead') return 'dead'
  return one === 'stale' ? one : other
}
