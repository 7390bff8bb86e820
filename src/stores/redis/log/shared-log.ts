import type { Events } from '../../../events.ts'
import type {
  Clock,
  InvalidationLog,
  InvalidationMode,
  LogNode,
  Receipt,
  Selectors,
  Stamp,
  Verdict,
} from '../../../model.ts'
import { within } from '../../../deadline.ts'
import { Generations } from '../../log/generations.ts'
import { Lease } from '../../log/lease.ts'
import { LiveNodes } from '../../log/live-nodes.ts'
import { worse } from '../../log/pending.ts'
import { Appends } from './appends.ts'
import { Beat } from './beat.ts'
import { Closing } from './closing.ts'
import type { RedisClient, RedisConnectionOptions } from '../connection.ts'
import { EndedNodes } from './ended-nodes.ts'
import { SyncState } from './sync-state.ts'
import { RedisLogCalls } from './log-calls.ts'
import { NewestRecord } from './newest-record.ts'
import { Tail } from './tail.ts'
import { Upkeep } from './upkeep.ts'

export interface RedisLog extends InvalidationLog {
  /** What works worse than it should, one sentence per problem. */
  degraded(): readonly string[]
  /** To be called when the process of that node has certainly ended: nobody waits for it any more. */
  hasEnded(node: string): void
}

/** The options, checked and with defaults filled in; times in ms. */
export interface SharedLogSettings {
  readonly connect: (options: RedisConnectionOptions) => RedisClient
  readonly prefix: string
  readonly lease: number
  readonly node: string
  readonly purgeTimeout: number
  readonly appendTimeout: number
  readonly keepFor: number
  readonly maxTargets: number
  readonly clock: Clock
  readonly events: Events | undefined
}

const COMMAND_TIMEOUT_MS = 1_000

/** The log of a fleet as one node knows it: judges copies by it, and appends to it. */
export class SharedLog implements RedisLog {
  readonly started: Promise<void>
  readonly #purgeTimeout: number
  readonly #clock: Clock
  readonly #events: Events | undefined
  readonly #calls: RedisLogCalls
  readonly #log: Generations
  readonly #lease: Lease
  readonly #nodes: LiveNodes
  readonly #syncState: SyncState
  readonly #tail: Tail
  readonly #beat: Beat
  readonly #upkeep: Upkeep
  readonly #ended: EndedNodes
  readonly #appends: Appends
  readonly #closing: Closing

  constructor(settings: SharedLogSettings) {
    const { connect, node, clock, events, purgeTimeout, appendTimeout, keepFor, maxTargets } = settings
    const thirdOfLease = settings.lease / 3
    const blockMs = Math.ceil(thirdOfLease)
    this.#purgeTimeout = purgeTimeout
    this.#clock = clock
    this.#events = events
    const log = new Generations(`unshared-${crypto.randomUUID()}`, maxTargets)
    const writing = connect({ name: 'herdgate-log', commandTimeoutMs: COMMAND_TIMEOUT_MS })
    const calls = new RedisLogCalls(writing, settings, () => log.left)
    const client = connect({ name: 'herdgate-tail', socketTimeoutMs: blockMs + 2 * COMMAND_TIMEOUT_MS })
    const lease = new Lease(settings.lease, clock)
    const nodes = new LiveNodes(node, settings.lease, clock)
    const newest = new NewestRecord(log)
    const closing = new Closing(clock)
    const syncState = new SyncState({ lease, clock, events })
    for (const each of [calls.client, client]) each.on('error', (error) => syncState.failed(error))
    const shared = { calls, log, newest, lease, nodes, syncState, clock, closing }
    const tail = new Tail({
      ...shared,
      client,
      blockMs,
      generationChanged: (isContinuation) => this.#generationChanged(isContinuation),
      joined: () => this.#joined(),
      applied: () => this.#applied(),
    })
    this.#calls = calls
    this.#log = log
    this.#lease = lease
    this.#nodes = nodes
    this.#closing = closing
    this.#syncState = syncState
    this.#tail = tail
    this.#beat = new Beat({ ...shared, tail, everyMs: thirdOfLease, onBeat: () => this.#onBeat() })
    this.#ended = new EndedNodes(shared)
    this.#upkeep = new Upkeep({ calls, newest, clock, events, keepFor })
    this.#appends = new Appends({ ...shared, events, appendTimeout, maxTargets, outOfStep: () => tail.fallOutOfStep() })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.started = promise
    clock.after(COMMAND_TIMEOUT_MS, resolve)
    void tail.follow(resolve)
    this.#beat.start()
  }

  get generation(): string {
    return this.#log.generation
  }

  get position(): number {
    return this.#log.position
  }

  get changes(): number {
    return this.#log.changes + this.#appends.changes
  }

  get synced(): boolean {
    return this.#syncState.synced
  }

  verdict(stamp: Stamp): Verdict {
    const verdict = worse(this.#log.verdict(stamp), this.#appends.verdict(stamp))
    if (verdict !== 'valid') return verdict
    const now = this.#clock.now()
    return this.#lease.holds(now) || this.#lease.covers(stamp.startedAt, now) ? 'valid' : 'stale'
  }

  holds(stamp: Stamp): boolean {
    return this.#log.holds(stamp)
  }

  append(mode: InvalidationMode, selectors: Selectors, waitMs = this.#purgeTimeout): Promise<Receipt> {
    return this.#appends.append(mode, selectors, waitMs)
  }

  nodes(): readonly LogNode[] {
    return this.#nodes.list()
  }

  degraded(): readonly string[] {
    return [...this.#syncState.degraded, ...this.#upkeep.degraded]
  }

  hasEnded(node: string): void {
    this.#ended.add(node)
  }

  async close(): Promise<void> {
    if (this.#closing.isBegun) return
    this.#beat.stop()
    this.#closing.begin()
    await within([this.#leave()], COMMAND_TIMEOUT_MS, this.#clock)
    this.#tail.close()
    this.#calls.close()
  }

  async #leave(): Promise<void> {
    await this.#tail.leave()
    await this.#calls.leave()
  }

  #generationChanged(isContinuation: boolean): void {
    this.#lease.reset()
    this.#appends.generationChanged()
    if (isContinuation) return
    this.#events?.emit('log', { what: 'generation', detail: `the invalidation log is now ${this.generation}` })
  }

  #applied(): void {
    this.#appends.hasRead()
    this.#nodes.applied(this.generation, this.position)
    void this.#beat.reportSoon()
  }

  #joined(): void {
    this.#beat.joined()
    this.#ended.removeListed()
    void this.#appends.logAgain()
    void this.#upkeep.inspect()
  }

  #onBeat(): void {
    this.#ended.removeListed()
    void this.#appends.logAgain()
    this.#upkeep.runDue()
  }
}
