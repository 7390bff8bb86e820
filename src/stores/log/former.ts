import type { Stamp, Verdict } from '../../model.ts'
import type { Marks } from './marks.ts'

/** Earlier generations whose purges are still remembered. */
const MAX_FORMER = 4

interface Former {
  readonly marks: Marks
  /** Generations whose records it held as its own, each up to a position. */
  readonly continues: ReadonlyMap<string, number>
}

/** What the records of earlier generations named, as far as this process has read them. */
export class FormerGenerations {
  /** Oldest first. */
  readonly #byName = new Map<string, Former>()

  get generations(): Iterable<string> {
    return this.#byName.keys()
  }

  remember(generation: string, marks: Marks, continues: ReadonlyMap<string, number> = new Map()): void {
    this.#byName.set(generation, { marks, continues })
    const [oldest] = this.#byName.keys()
    if (this.#byName.size > MAX_FORMER && oldest !== undefined) this.#byName.delete(oldest)
  }

  /**
   * Of what is of another generation than the present one: any purge of that may be later than it; those of its own are, if
   * they have later positions.
   */
  verdictOn(stamp: Stamp, present: Marks): Verdict {
    return present.verdict(stamp, 0) === 'dead' || this.#purged(stamp) ? 'dead' : 'stale'
  }

  /** Did a later record purge it, of the generation that it is of, or of one that went on from there? */
  #purged(stamp: Stamp): boolean {
    for (const [name, { marks, continues }] of this.#byName) {
      const upTo = name === stamp.generation ? Infinity : continues.get(stamp.generation)
      if (upTo === undefined || stamp.position > upTo) continue
      if (marks.verdict(stamp, stamp.position) === 'dead') return true
    }
    return false
  }
}
