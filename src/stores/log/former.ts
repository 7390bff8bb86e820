import type { Stamp, Verdict } from '../../model.ts'
import type { Marks } from './marks.ts'

/** How many earlier generations have their purges remembered. */
const MAX_FORMER = 4

interface Former {
  readonly marks: Marks
  /** Generations it continued, each with the last position that belongs to it. */
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
   * The verdict on a stamp of another generation. Any purge of the present one may be later than it; one of its own is
   * later if its position is.
   */
  verdictOn(stamp: Stamp, present: Marks): Verdict {
    return present.verdict(stamp, 0) === 'dead' || this.#purged(stamp) ? 'dead' : 'stale'
  }

  /** Did a later record purge it, in its own generation or in one that continues it? */
  #purged(stamp: Stamp): boolean {
    for (const [name, { marks, continues }] of this.#byName) {
      const upTo = name === stamp.generation ? Infinity : continues.get(stamp.generation)
      if (upTo === undefined || stamp.position > upTo) continue
      if (marks.verdict(stamp, stamp.position) === 'dead') return true
    }
    return false
  }
}
