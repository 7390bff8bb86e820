import type { Clock } from '../../../model.ts'
import type { Generations } from '../../log/generations.ts'
import type { Lease } from '../../log/lease.ts'
import type { LiveNodes } from '../../log/live-nodes.ts'
import { parseRecord } from '../../log/record.ts'
import type { Closing } from './closing.ts'
import { isReady, type RedisClient } from '../connection.ts'
import type { SyncState } from './sync-state.ts'
import type { RedisLogCalls } from './log-calls.ts'
import type { NewestRecord } from './newest-record.ts'

export interface TailParts {
  /** Follows the log, and does nothing else. */
  readonly client: RedisClient
  readonly calls: RedisLogCalls
  readonly log: Generations
  readonly newest: NewestRecord
  readonly lease: Lease
  readonly nodes: LiveNodes
  readonly syncState: SyncState
  readonly clock: Clock
  readonly closing: Closing
  /** How long a read waits for something to come, in ms. */
  readonly blockMs: number
  /** The log is of another generation now; `isContinuation` when that continues the former one. */
  readonly generationChanged: (isContinuation: boolean) => void
  readonly joined: () => void
  /** More of the log, or all of it, has been read. */
  readonly applied: () => void
}

const RETRY_MS = 50
/** How often lost connections are looked at. */
const CHECK_AGAIN_MS = 500

/** Reads the log as it grows, and the reports of the other nodes. */
export class Tail {
  readonly #parts: TailParts
  /** ID up to which the reports of the others have been read. */
  #lastReport = '0-0'
  /** The log may not be the one that was read so far: join before reading on. */
  #outOfStep = true
  #isJoining = false
  /** Records are missing in between: the compacted state has what they said. */
  #needsState = false

  constructor(parts: TailParts) {
    this.#parts = parts
  }

  get isOutOfStep(): boolean {
    return this.#outOfStep
  }

  /** Reads the log as it grows, until closed. */
  async follow(started: () => void): Promise<void> {
    const { client, syncState, closing } = this.#parts
    while (!closing.isBegun) {
      try {
        if (this.#outOfStep) await this.#joinLog()
        started()
        await this.#read()
      } catch (error) {
        this.#outOfStep = true
        if (isReady(client)) syncState.failed(error)
        await this.#untilWorthTrying()
      }
    }
  }

  async #joinLog(): Promise<void> {
    this.#isJoining = true
    try {
      await this.#join()
    } finally {
      this.#isJoining = false
    }
  }

  /** Takes a place among the nodes, and loads the state of the log when it is not enough to read on. */
  async #join(): Promise<void> {
    const {
      client,
      calls,
      log,
      newest,
      lease,
      nodes: live,
      syncState,
      clock,
      generationChanged,
      joined,
      applied,
    } = this.#parts
    const askedAt = clock.now()
    const { head, lastReport, nodes, state } = await calls.join(client, newest.known, log.position, this.#needsState)
    this.#outOfStep = false
    this.#needsState = false
    this.#lastReport = lastReport
    syncState.answered()
    if (state !== undefined) {
      const changed = state.generation !== log.generation
      const isContinuation = state.continues.has(log.generation)
      log.load(state)
      if (changed) generationChanged(isContinuation)
    }
    // Even with a lease: that is about records, but what others have reported since may be lost.
    live.replace({ ...head, nodes }, { askedAt, wasOutOfReach: true })
    lease.logEndedAt(head.position, askedAt, log.position)
    applied()
    joined()
  }

  async #read(): Promise<void> {
    const { client, calls, log, blockMs } = this.#parts
    const { records, acks } = calls.streams
    const from = [`${log.position}-0`, this.#lastReport]
    const reply = await client.xread('COUNT', 1_000, 'BLOCK', blockMs, 'STREAMS', records, acks, ...from)
    if (this.#outOfStep) return
    for (const [stream, items] of reply ?? []) {
      for (const [id, fields] of items) {
        if (stream === acks) this.#receiveReport(id, fields)
        else this.#apply(id, fields)
        if (this.#outOfStep) return
      }
    }
  }

  #receiveReport(id: string, fields: readonly string[]): void {
    this.#lastReport = id
    const [, node = '', , report = ''] = fields
    this.#parts.nodes.receive(node, report)
  }

  #apply(id: string, fields: readonly string[]): void {
    const { log, newest, lease, applied } = this.#parts
    const record = parseRecord(id, fields)
    const { position } = log
    if (record.position <= position) return
    this.#needsState = record.position !== position + 1
    const replaced = newest.isReplacedBy(record)
    this.#outOfStep = this.#needsState || replaced || record.generation !== log.generation
    if (this.#outOfStep) return
    log.apply(record)
    lease.hasRead(record.position)
    applied()
  }

  /** The log is not the one that was read so far, or the connection does not lead to it. */
  fallOutOfStep(): void {
    if (this.#outOfStep) return
    this.#outOfStep = true
    this.#parts.client.disconnect(true)
  }

  /**
   * Waits until lost connections are ready. A cluster does not announce that another master took over: it is polled.
   */
  async #untilWorthTrying(): Promise<void> {
    const { client, calls, clock, closing } = this.#parts
    const lost = [client, calls.client].filter((each) => !isReady(each))
    const { promise, resolve } = Promise.withResolvers<void>()
    const check = () => {
      cancel()
      if (lost.every(isReady)) resolve()
      else cancel = clock.after(CHECK_AGAIN_MS, check)
    }
    let cancel = clock.after(lost.length === 0 ? RETRY_MS : CHECK_AGAIN_MS, check)
    for (const each of lost) each.on('ready', check)
    await closing.orBegun(promise)
    cancel()
    for (const each of lost) each.off('ready', check)
  }

  /** Gives up a place that is just being asked for, on the same connection, which keeps the order. */
  async leave(): Promise<void> {
    const { client, calls } = this.#parts
    if (this.#isJoining) await calls.leave(client)
  }

  close(): void {
    this.#parts.client.disconnect()
  }
}
