import { HerdgateError } from '../../errors.ts'
import type { Clock, InvalidationMode, Receipt, Selectors } from '../../model.ts'
import type { Generations } from '../log/generations.ts'
import { Journal, type JournalEntry } from '../log/journal.ts'
import type { LiveNodes } from '../log/live-nodes.ts'
import { targetsOf } from '../log/marks.ts'
import type { Closing } from './closing.ts'
import type { RedisLogCalls } from './log-calls.ts'
import type { NewestRecord } from './newest-record.ts'

export interface AppendsParts {
  readonly calls: Pick<RedisLogCalls, 'append' | 'replicate'>
  readonly nodes: LiveNodes
  readonly log: Pick<Generations, 'generation'>
  readonly newest: NewestRecord
  readonly clock: Clock
  readonly closing: Closing
  /** How long it is tried to log a record, in ms. */
  readonly appendTimeout: number
  /** The log is another than the one that is read here. */
  readonly outOfStep: () => void
}

const RETRY_MS = 50

/** What this process appends to the log, and whether it is still there and followed. */
export class Appends {
  readonly #parts: AppendsParts
  readonly #journal: Journal

  constructor(parts: AppendsParts) {
    this.#parts = parts
    this.#journal = new Journal(parts.clock)
  }

  /**
   * @param waitMs for the other nodes to follow, from now on
   * @throws HerdgateError `not_logged`
   */
  async append(mode: InvalidationMode, selectors: Selectors, waitMs: number): Promise<Receipt> {
    const { calls, clock } = this.#parts
    const calledAt = clock.now()
    const nonce = crypto.randomUUID()
    const entry: JournalEntry = { nonce, mode, targets: targetsOf(selectors), at: calledAt, where: undefined }
    const { position } = await this.#logInTime(entry)
    this.#journal.add(entry)
    await calls.replicate()
    const nodes = await this.#followed(entry, calledAt + waitMs)
    return { id: nonce, position: entry.where?.position ?? position, nodes }
  }

  /** The log is another: nothing of ours is known to be in it. */
  misplaceAll(): void {
    this.#journal.misplaceAll()
  }

  /** What the log lost of ours. */
  async logAgain(): Promise<void> {
    for (const entry of this.#journal.misplaced()) {
      if (this.#parts.closing.isBegun) return
      await this.#logOnce(entry).catch(() => {}) // the next beat tries again
    }
  }

  async #logInTime(entry: JournalEntry): Promise<{ position: number }> {
    const { clock, closing, appendTimeout } = this.#parts
    const until = entry.at + appendTimeout
    for (;;) {
      try {
        return await this.#logOnce(entry)
      } catch (error) {
        if (closing.isBegun || clock.now() >= until) {
          const why = error instanceof Error ? error.message : String(error)
          throw new HerdgateError('not_logged', `not logged: ${why}`, { cause: error })
        }
      }
      await closing.sleep(RETRY_MS)
    }
  }

  /** As often as one likes: the log knows the nonce. */
  async #logOnce(entry: JournalEntry): Promise<{ position: number }> {
    const { calls, nodes: live, log, newest, clock, outOfStep } = this.#parts
    const { head, nodes, position } = await calls.append(newest.known, entry)
    const { generation } = head
    entry.where = { generation, position, at: clock.now() }
    live.replace({ ...head, nodes })
    if (generation === log.generation) newest.logged({ generation, position, nonce: entry.nonce })
    else outOfStep()
    return { position }
  }

  /** Until every live node follows the record, or the time is up. */
  async #followed(entry: JournalEntry, until: number): Promise<Receipt['nodes']> {
    const { nodes: live, clock, closing } = this.#parts
    const { promise, resolve } = Promise.withResolvers<Receipt['nodes']>()
    let cancel = () => {}
    const look = () => {
      const now = clock.now()
      const nodes = this.#following(entry)
      if (nodes.acked >= nodes.expected || now >= until || closing.isBegun) return resolve(nodes)
      cancel()
      cancel = clock.after(Math.max(1, Math.min(until - now, live.silenceMs)), look)
    }
    const unsubscribe = [live.onChange(look), closing.onBegin(look)]
    look()
    try {
      return await promise
    } finally {
      for (const off of unsubscribe) off()
      cancel()
    }
  }

  #following({ where }: JournalEntry): Receipt['nodes'] {
    const { nodes } = this.#parts
    return where === undefined ? { expected: nodes.list().length, acked: 0 } : nodes.following(where)
  }
}
