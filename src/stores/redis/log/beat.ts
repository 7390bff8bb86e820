import type { Clock } from '../../../model.ts'
import type { Generations } from '../../log/generations.ts'
import type { Lease } from '../../log/lease.ts'
import type { LiveNodes } from '../../log/live-nodes.ts'
import type { Closing } from './closing.ts'
import type { SyncState } from './sync-state.ts'
import type { RedisLogCalls } from './log-calls.ts'
import type { NewestRecord } from './newest-record.ts'
import type { Tail } from './tail.ts'

export interface BeatParts {
  readonly calls: Pick<RedisLogCalls, 'report'>
  readonly log: Pick<Generations, 'generation' | 'position'>
  readonly newest: NewestRecord
  readonly lease: Lease
  readonly nodes: LiveNodes
  readonly tail: Pick<Tail, 'isOutOfStep' | 'fallOutOfStep'>
  readonly syncState: SyncState
  readonly clock: Clock
  readonly closing: Closing
  readonly everyMs: number
  /** What else is to be done at every beat. */
  readonly onBeat: () => void
}

/** Reports how far this node has come, whenever that changes and at every beat, and asks how long the log is. */
export class Beat {
  readonly #parts: BeatParts
  #report: 'none' | 'asked' | 'asked-again' = 'none'
  /** The position at which the last beat, since the log was joined, found reading stuck; undefined when it did not. */
  #stuckAt: number | undefined
  #cancel = () => {}

  constructor(parts: BeatParts) {
    this.#parts = parts
  }

  start(): void {
    const { clock, everyMs } = this.#parts
    this.#cancel = clock.after(everyMs, () => {
      this.start()
      void this.#beat()
    })
  }

  stop(): void {
    this.#cancel()
  }

  /** The log was joined: whether reading was stuck before says nothing about now. */
  joined(): void {
    this.#stuckAt = undefined
  }

  async #beat(): Promise<void> {
    const { log, lease, tail, syncState, onBeat } = this.#parts
    syncState.announce()
    const before = log.position
    await this.reportSoon()
    onBeat()
    const isStuck = lease.isBehind && log.position === before
    if (isStuck && this.#stuckAt === before) tail.fallOutOfStep()
    this.#stuckAt = isStuck ? before : undefined
  }

  /** Reports how far this node has come and asks how long the log is, both in one call; one call at a time. */
  async reportSoon(): Promise<void> {
    if (this.#report !== 'none') {
      this.#report = 'asked-again'
      return
    }
    do {
      this.#report = 'asked'
      await this.#reportNow().catch(() => {}) // the lease runs out by itself
    } while (!this.#parts.closing.isBegun && this.#asksAgain())
    this.#report = 'none'
  }

  #asksAgain(): boolean {
    return this.#report === 'asked-again'
  }

  async #reportNow(): Promise<void> {
    const { calls, log, newest, lease, nodes: live, tail, syncState, clock, closing } = this.#parts
    if (tail.isOutOfStep || closing.isBegun) return
    const { generation } = log
    const askedAt = clock.now()
    const { head, nodes } = await calls.report(newest.known, log.position)
    if (log.generation !== generation) return
    if (head.generation !== generation) return tail.fallOutOfStep()
    syncState.answered()
    live.replace({ ...head, nodes }, { askedAt, wasOutOfReach: !syncState.synced })
    lease.logEndedAt(head.position, askedAt, log.position)
  }
}
