import type { Generations } from '../../log/generations.ts'
import type { LogRecord } from '../../log/record.ts'

/** Identifies a record, and says where it is. */
export interface RecordName {
  readonly generation: string
  readonly position: number
  readonly nonce: string
}

const NOTHING_KNOWN: RecordName = { generation: '', position: 0, nonce: '' }

/** The newest record that is known to have been logged, applied here or not. */
export class NewestRecord {
  readonly #applied: RecordName
  #logged = NOTHING_KNOWN

  constructor(applied: Pick<Generations, keyof RecordName>) {
    this.#applied = applied
  }

  /** What the log must hold if it is the one this node knows. */
  get known(): RecordName {
    const { generation, position, nonce } = this.#applied
    if (this.#logged.generation === generation && this.#logged.position > position) return this.#logged
    return position === 0 ? NOTHING_KNOWN : { generation, position, nonce }
  }

  /** The record is in the log that is followed here. */
  logged(record: RecordName): void {
    if (record.position > this.known.position) this.#logged = record
  }

  /** Is it at the position where another is known to have been logged? */
  isReplacedBy({ position, nonce }: Pick<LogRecord, 'position' | 'nonce'>): boolean {
    const { generation } = this.#applied
    return this.#logged.generation === generation && this.#logged.position === position && this.#logged.nonce !== nonce
  }
}
