import type {
  Clock,
  InvalidationLog,
  InvalidationMode,
  LogNode,
  Receipt,
  Selectors,
  Stamp,
  Verdict,
} from '../../model.ts'
import { LATE, within } from '../../deadline.ts'
import { type LogState, Marks, MAX_TARGETS, targetsOf } from '../../stores/log/marks.ts'

/** One record, as it is sent to workers. */
export interface WorkerRecord {
  readonly position: number
  readonly mode: InvalidationMode
  readonly targets: readonly string[]
}

/** A worker, as the log sees it. */
export interface Follower {
  readonly id: string
  /**
   * Sends the record, after those before it. True when it is applied there; false when the process has ended instead,
   * and uses nothing any more.
   */
  applyRecord(record: WorkerRecord): Promise<boolean>
}

/**
 * How long an append waits at most until all workers have applied the record, even if the caller would wait for less,
 * as after an unsafe method: on one host only a worker that hangs is late, and a client has to be able to read what it
 * wrote.
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
  readonly #followers = new Map<Follower, { applied: number }>()

  constructor(clock: Clock, maxTargets: number = MAX_TARGETS) {
    this.#clock = clock
    this.#marks = new Marks(maxTargets)
  }

  get changes(): number {
    return this.position
  }

  /** Sends it every record from now on. @returns what the log remembers so far */
  follow(follower: Follower): LogState {
    const { generation, position } = this
    this.#followers.set(follower, { applied: position })
    return { generation, position, ...this.#marks.state }
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower)
  }

  /** Settles when every follower has applied the record, or has ended, or the time is up. */
  async append(mode: InvalidationMode, selectors: Selectors): Promise<Receipt> {
    const position = ++this.position
    const targets = targetsOf(selectors)
    this.#marks.name(targets, mode, position)
    const record = { position, mode, targets }
    const applying = [...this.#followers].map(([follower]) => this.#send(follower, record))
    const results = await within(applying, WAIT_MS, this.#clock)
    const acked = results.filter((applied) => applied === true).length
    const late = results.filter((applied) => applied === LATE).length
    return { id: `${this.generation}-${position}`, position, nodes: { expected: acked + late, acked } }
  }

  async #send(follower: Follower, record: WorkerRecord): Promise<boolean> {
    const applied = await follower.applyRecord(record)
    const known = this.#followers.get(follower)
    if (applied && known !== undefined) known.applied = Math.max(known.applied, record.position)
    return applied
  }

  verdict(stamp: Stamp): Verdict {
    return stamp.generation === this.generation ? this.#marks.verdict(stamp) : 'stale'
  }

  holds({ generation }: Stamp): boolean {
    return generation === this.generation
  }

  nodes(): readonly LogNode[] {
    return [...this.#followers].map(([{ id }, { applied }]) => ({ id, position: applied }))
  }

  close(): void {}
}
