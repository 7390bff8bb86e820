import type { Clock, InvalidationLog, InvalidationMode, LogNode, Receipt, Selectors, Stamp, Verdict } from '../model.ts'
import { LATE, within } from '../deadline.ts'
import { type LogState, Marks, MAX_TARGETS, targetsOf } from '../stores/log/marks.ts'

/** One record, as workers hear it. */
export interface WorkerRecord {
  readonly position: number
  readonly mode: InvalidationMode
  readonly targets: readonly string[]
}

/** A worker, as the log sees it. */
export interface Follower {
  readonly id: string
  /**
   * Hands the record over, after those before it. True when it is applied there; false when the process has ended
   * instead: then it uses nothing any more.
   */
  hear(record: WorkerRecord): Promise<boolean>
}

/**
 * For so long at most it is waited until all workers have applied a record: also after an unsafe method, whatever shorter
 * time is asked for. Between processes of one host nobody is late who does not hang, and a client is to read what it wrote.
 */
const WAIT_MS = 3_000

/** The invalidation log of processes that share nothing but their parent, kept in the parent. */
export class PrimaryLog implements InvalidationLog {
  readonly generation: string = crypto.randomUUID()
  readonly synced = true
  readonly started: Promise<void> = Promise.resolve()
  position = 0
  readonly #clock: Clock
  readonly #marks: Marks
  readonly #followers = new Map<Follower, { heard: number }>()

  constructor(clock: Clock, maxTargets: number = MAX_TARGETS) {
    this.#clock = clock
    this.#marks = new Marks(maxTargets)
  }

  get changes(): number {
    return this.position
  }

  /** From now on it hears every record. @returns the records up to now */
  follow(follower: Follower): LogState {
    const { generation, position } = this
    this.#followers.set(follower, { heard: position })
    return { generation, position, ...this.#marks.state }
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower)
  }

  /** Settles when every follower has applied the record, or has ended, or the time is up. */
  async append(mode: InvalidationMode, selectors: Selectors): Promise<Receipt> {
    const position = ++this.position
    const targets = targetsOf(selectors)
    for (const target of targets) this.#marks.name(target, mode, position)
    const record = { position, mode, targets }
    const told = [...this.#followers].map(([follower]) => this.#tell(follower, record))
    const heard = await within(told, WAIT_MS, this.#clock)
    const acked = heard.filter((applied) => applied === true).length
    const late = heard.filter((applied) => applied === LATE).length
    return { id: `${this.generation}-${position}`, position, nodes: { expected: acked + late, acked } }
  }

  async #tell(follower: Follower, record: WorkerRecord): Promise<boolean> {
    const applied = await follower.hear(record)
    const known = this.#followers.get(follower)
    if (applied && known !== undefined) known.heard = Math.max(known.heard, record.position)
    return applied
  }

  verdict(stamp: Stamp): Verdict {
    return stamp.generation === this.generation ? this.#marks.verdict(stamp) : 'stale'
  }

  holds({ generation }: Stamp): boolean {
    return generation === this.generation
  }

  nodes(): readonly LogNode[] {
    return [...this.#followers].map(([{ id }, { heard }]) => ({ id, position: heard }))
  }

  close(): void {}
}
