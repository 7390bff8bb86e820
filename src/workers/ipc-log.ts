import type { InvalidationLog, InvalidationMode, LogNode, Receipt, Selectors, Stamp, Verdict } from '../model.ts'
import { type LogState, Marks, MAX_TARGETS } from '../stores/log/marks.ts'
import type { WorkerRecord } from './primary/primary-log.ts'

export interface IpcLogOptions {
  /** The worker's name among the nodes. */
  readonly id: string
  /** What the log remembers so far. */
  readonly state: LogState
  /** Has the primary log a record; settles when every worker has applied it, this one included. */
  readonly append: (record: { readonly mode: InvalidationMode; readonly selectors: Selectors }) => Promise<Receipt>
}

/**
 * A worker's view of the log in its primary. It is sent every record, in order; a purge is acknowledged only once it
 * has applied it. A worker ends with its primary, so that it is never out of step.
 */
export class IpcLog implements InvalidationLog {
  readonly generation: string
  readonly synced = true
  readonly started: Promise<void> = Promise.resolve()
  readonly #id: string
  readonly #marks: Marks
  readonly #append: IpcLogOptions['append']
  #position: number

  constructor({ id, state, append }: IpcLogOptions) {
    this.#id = id
    this.#append = append
    this.generation = state.generation
    this.#position = state.position
    this.#marks = Marks.of(state, MAX_TARGETS)
  }

  get position(): number {
    return this.#position
  }

  get changes(): number {
    return this.#position
  }

  /** Applies the next record. */
  applyRecord({ position, mode, targets }: WorkerRecord): void {
    this.#marks.name(targets, mode, position)
    this.#position = position
  }

  append(mode: InvalidationMode, selectors: Selectors): Promise<Receipt> {
    return this.#append({ mode, selectors })
  }

  verdict(stamp: Stamp): Verdict {
    if (stamp.generation !== this.generation) return 'stale'
    return stamp.checked === this.#position
      ? 'valid'
      : this.#marks.judge(stamp, Math.max(stamp.checked, this.#position))
  }

  holds({ generation }: Stamp): boolean {
    return generation === this.generation
  }

  nodes(): readonly LogNode[] {
    return [{ id: this.#id, position: this.#position }]
  }

  close(): void {}
}
