import type { InvalidationLog, InvalidationMode, LogNode, Receipt, Selectors, Stamp, Verdict } from '../../model.ts'
import { checkNames, type Names } from '../../given.ts'
import { count } from '../../units.ts'
import { Marks, MAX_TARGETS, targetsOf } from '../log/marks.ts'

export interface LocalLogOptions {
  /** The log's identity, random by default. Entries stored under another one count as stale. */
  readonly generation?: string | undefined
  /**
   * Distinct tags, URLs and prefixes remembered, 100,000 by default. Beyond that the oldest are forgotten, and entries
   * older than their records count as named by them.
   */
  readonly maxTargets?: number | undefined
}

const OPTIONS: Names<LocalLogOptions> = { generation: true, maxTargets: true }

/**
 * The invalidation log of one process, in its memory: a counter and the newest record per target.
 * @throws RangeError when `maxTargets` is not a whole number above 0; TypeError for an unknown option
 */
export function localLog(options: LocalLogOptions = {}): InvalidationLog {
  checkNames(options, OPTIONS, 'localLog')
  const { generation = crypto.randomUUID(), maxTargets = MAX_TARGETS } = options
  return new LocalLog(generation, count('maxTargets', maxTargets))
}

class LocalLog implements InvalidationLog {
  readonly generation: string
  readonly synced = true
  readonly started = Promise.resolve()
  position = 0
  readonly #marks: Marks

  constructor(generation: string, maxTargets: number) {
    this.generation = generation
    this.#marks = new Marks(maxTargets)
  }

  get changes(): number {
    return this.position
  }

  async append(mode: InvalidationMode, selectors: Selectors): Promise<Receipt> {
    const position = ++this.position
    this.#marks.name(targetsOf(selectors), mode, position)
    return { id: `${this.generation}-${position}`, position, nodes: { expected: 1, acked: 1 } }
  }

  verdict(stamp: Stamp): Verdict {
    if (stamp.generation !== this.generation) return 'stale'
    return stamp.checked === this.position ? 'valid' : this.#marks.judge(stamp, this.position)
  }

  holds({ generation }: Stamp): boolean {
    return generation === this.generation
  }

  nodes(): readonly LogNode[] {
    return [{ id: this.generation, position: this.position }]
  }

  close(): void {}
}
