import type { Stamp } from '../../model.ts'
import type { Marks } from './marks.ts'

/** Earlier generations whose purges are still remembered. */
const MAX_FORMER = 4

/** What the records of earlier generations named, as far as this process has read them. */
export class FormerGenerations {
  /** Oldest first. */
  readonly #marks = new Map<string, Marks>()

  remember(generation: string, marks: Marks): void {
    this.#marks.set(generation, marks)
    const [oldest] = this.#marks.keys()
    if (this.#marks.size > MAX_FORMER && oldest !== undefined) this.#marks.delete(oldest)
  }

  /** Did a later record of the generation that it is of purge it? */
  purged(stamp: Stamp): boolean {
    return this.#marks.get(stamp.generation)?.verdict(stamp, stamp.position) === 'dead'
  }
}
