import type { Stamp, Verdict } from '../../model.ts'
import type { LogRecord } from './record.ts'
import { FormerGenerations } from './former.ts'
import { type LogState, Marks } from './marks.ts'

/** The complete state of a log at a position, for a node that starts reading it. */
export interface SharedLogState extends LogState {
  /** The nonce of the record at that position. */
  readonly nonce: string
  /** Generations this one continues, each up to a position; their later records are not part of this log. */
  readonly continues: ReadonlyMap<string, number>
}

/**
 * What this node knows of the log: its generation, how far it has been read, and what the records named in this
 * generation and in former ones.
 */
export class Generations {
  readonly #maxTargets: number
  #generation: string
  #position = 0
  #nonce = ''
  #marks: Marks
  #continues: ReadonlyMap<string, number> = new Map()
  #changes = 0
  readonly #former = new FormerGenerations()

  /** @param generation to stamp things with until the log's own is known */
  constructor(generation: string, maxTargets: number) {
    this.#generation = generation
    this.#maxTargets = maxTargets
    this.#marks = new Marks(maxTargets)
  }

  get generation(): string {
    return this.#generation
  }
  get position(): number {
    return this.#position
  }
  /** The nonce of the record at `position`. */
  get nonce(): string {
    return this.#nonce
  }

  /** Generations this node has left: if the log is of one of them again, it is not the one this node knew. */
  get left(): Iterable<string> {
    return this.#former.generations
  }

  /** How many records have been applied, and logs loaded. */
  get changes(): number {
    return this.#changes
  }

  /** Continues from this state. Things stamped in a generation that is not part of it are no longer trusted. */
  load(state: SharedLogState): void {
    const { generation, position, nonce, continues } = state
    if (generation !== this.#generation) this.#former.remember(this.#generation, this.#marks, this.#continues)
    this.#generation = generation
    this.#position = position
    this.#changes++
    this.#nonce = nonce
    this.#continues = continues
    this.#marks = Marks.of(state, this.#maxTargets)
  }

  /** Applies the next record. One that cannot be read may name anything. */
  apply({ position, nonce, names }: LogRecord): void {
    if (names === 'unreadable') this.#marks.raiseFloor({ purged: position, invalidated: position })
    else if (names.mode !== 'none') this.#marks.name(names.targets, names.mode, position)
    this.#position = position
    this.#changes++
    this.#nonce = nonce
  }

  /** Does a record known here name it? It is compared only with records later than `checked`. */
  verdict(stamp: Stamp): Verdict {
    if (!this.holds(stamp)) return this.#former.verdictOn(stamp, this.#marks)
    if (stamp.position > this.#position) return 'stale' // another node is ahead, or the position is made up
    return stamp.checked === this.#position ? 'valid' : this.#marks.judge(stamp, this.#position)
  }

  /** Is it of this generation, or of the part of another that this one continues? */
  holds({ generation, position }: Pick<Stamp, 'generation' | 'position'>): boolean {
    if (generation === this.#generation) return true
    const upTo = this.#continues.get(generation)
    return upTo !== undefined && position <= upTo
  }
}
