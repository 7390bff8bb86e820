import type { Stamp, Verdict } from '../../model.ts'
import type { LogRecord } from './record.ts'
import { FormerGenerations } from './former.ts'
import { type LogState, Marks } from './marks.ts'

/** The whole of a log at a position, as whoever starts reading it gets it. */
export interface SharedLogState extends LogState {
  /** Of the record at that position. */
  readonly nonce: string
  /** Generations whose records it holds as its own, each up to a position. What came after that is not of this log. */
  readonly continues: ReadonlyMap<string, number>
}

/**
 * What this node knows of the log: the generation it lives in, how far it has read, and what the records named, in this
 * generation and in those it lived in before.
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
  /** Of the record at `position`. */
  get nonce(): string {
    return this.#nonce
  }

  /** Generations it has gone on from: should the log be of one of them again, it is not as this node has known it. */
  get left(): Iterable<string> {
    return this.#former.generations
  }

  /** How many records have been applied, and logs loaded. */
  get changes(): number {
    return this.#changes
  }

  /** Goes on from there. Things stamped in a generation that is no part of it are no longer trusted. */
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

  /** The next record. What cannot be read may name anything. */
  apply({ position, nonce, names }: LogRecord): void {
    if (names === 'unreadable') this.#marks.raiseFloor({ purged: position, invalidated: position })
    else if (names.mode !== 'none') for (const target of names.targets) this.#marks.name(target, names.mode, position)
    this.#position = position
    this.#changes++
    this.#nonce = nonce
  }

  /** Does a record known here name it? Trusts what it was compared with before, and what came after that. */
  verdict(stamp: Stamp): Verdict {
    if (!this.holds(stamp)) return this.#former.verdictOn(stamp, this.#marks)
    if (stamp.position > this.#position) return 'stale' // another node is ahead, or it is made up
    return stamp.checked === this.#position ? 'valid' : this.#marks.judge(stamp, this.#position)
  }

  /** Is it of this generation, or of the part of another that this one goes on from? */
  holds({ generation, position }: Pick<Stamp, 'generation' | 'position'>): boolean {
    if (generation === this.#generation) return true
    const upTo = this.#continues.get(generation)
    return upTo !== undefined && position <= upTo
  }
}
