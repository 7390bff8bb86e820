import type { Events } from '../../events.ts'
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
import { within } from '../deadline.ts'
import { Generations } from '../log/generations.ts'
import { Lease } from '../log/lease.ts'
import { LiveNodes } from '../log/live-nodes.ts'
import { worse } from '../log/pending.ts'
import { parseRecord } from '../log/record.ts'
import { Appends } from './appends.ts'
import { Closing } from './closing.ts'
import { isReady, type RedisClient, type RedisConnectionOptions } from './connection.ts'
import { RedisLogCalls } from './log-calls.ts'
import { NewestRecord } from './newest-record.ts'

export interface RedisLog extends InvalidationLog {
  /** What works worse than it should, a sentence each. */
  degraded(): readonly string[]
}

/** Options that are checked and filled in; times in ms. */
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
const RETRY_MS = 50
/** Without a connection. */
const LOOK_AGAIN_MS = 500
const TRIM_EVERY_MS = 60 * 60_000

/** Reads the log as it grows, tells how far it has come, and keeps the lease by which copies are trusted. */
export class SharedLog implements RedisLog {
  readonly started: Promise<void>
  readonly #settings: SharedLogSettings
  readonly #clock: Clock
  readonly #calls: RedisLogCalls
  readonly #tail: RedisClient
  readonly #log: Generations
  readonly #lease: Lease
  readonly #nodes: LiveNodes
  readonly #newest: NewestRecord
  readonly #appends: Appends
  /** Where the reports of the others have been read up to. */
  #heard = '0-0'
  /** The log may be another than the one we read: join before reading on. */
  #outOfStep = true
  #isJoining = false
  /** The records do not follow one another: the compacted state has what lies between. */
  #wantsAll = false
  #report: 'none' | 'asked' | 'asked-again' = 'none'
  /** Applied when the last beat found the log longer than that, since it was joined; undefined when it did not. */
  #stuckAt: number | undefined
  #evictable = false
  #wasSynced: boolean | undefined
  /** What Redis, or the connection to it, last failed with. */
  #trouble: string | undefined
  #trimAt: number
  #cancelBeat = () => {}
  readonly #closing: Closing

  constructor(settings: SharedLogSettings) {
    const { connect, lease, node, clock, maxTargets, appendTimeout } = settings
    this.#settings = settings
    this.#clock = clock
    this.#calls = new RedisLogCalls(connect({ name: 'herdgate-log', commandTimeoutMs: COMMAND_TIMEOUT_MS }), settings)
    this.#tail = connect({ name: 'herdgate-tail', socketTimeoutMs: this.#blockMs + 2 * COMMAND_TIMEOUT_MS })
    for (const client of [this.#calls.client, this.#tail]) client.on('error', (error) => this.#failed(error))
    this.#log = new Generations(`unshared-${crypto.randomUUID()}`, maxTargets)
    this.#lease = new Lease(lease)
    this.#nodes = new LiveNodes(node, lease, clock)
    this.#newest = new NewestRecord(this.#log)
    this.#closing = new Closing(clock)
    this.#appends = new Appends({
      calls: this.#calls,
      nodes: this.#nodes,
      log: this.#log,
      newest: this.#newest,
      clock,
      closing: this.#closing,
      appendTimeout,
      maxTargets,
      outOfStep: () => this.#fallOutOfStep(),
    })
    this.#trimAt = clock.now()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.started = promise
    clock.after(COMMAND_TIMEOUT_MS, resolve)
    void this.#follow(resolve)
    this.#beatLater()
  }

  get generation(): string {
    return this.#log.generation
  }

  get position(): number {
    return this.#log.position
  }

  get synced(): boolean {
    return this.#lease.holds(this.#clock.now())
  }

  verdict(stamp: Stamp): Verdict {
    const verdict = worse(this.#log.verdict(stamp), this.#appends.verdict(stamp))
    if (verdict !== 'valid') return verdict
    const now = this.#clock.now()
    return this.#lease.holds(now) || this.#lease.covers(stamp.startedAt, now) ? 'valid' : 'stale'
  }

  append(mode: InvalidationMode, selectors: Selectors, waitMs = this.#settings.purgeTimeout): Promise<Receipt> {
    return this.#appends.append(mode, selectors, waitMs)
  }

  nodes(): readonly LogNode[] {
    return this.#nodes.list()
  }

  degraded(): readonly string[] {
    const synced = this.synced ? [] : ['invalidation log: not heard, copies are checked with the origin once per lease']
    return this.#evictable ? [...synced, EVICTABLE] : synced
  }

  async close(): Promise<void> {
    if (this.#closing.isBegun) return
    this.#cancelBeat()
    this.#closing.begin()
    await within([this.#leave()], COMMAND_TIMEOUT_MS, this.#clock)
    this.#tail.disconnect()
    this.#calls.close()
  }

  /** Where a place among the nodes is being asked for it is given up on the same connection, which keeps the order. */
  async #leave(): Promise<void> {
    if (this.#isJoining) await this.#calls.leave(this.#tail)
    await this.#calls.leave()
  }

  // ------------------------------------------------------------------------------------------------ reading

  /** Reads the log as it grows, until closed. */
  async #follow(started: () => void): Promise<void> {
    while (!this.#closing.isBegun) {
      try {
        if (this.#outOfStep) await this.#joined()
        started()
        await this.#read()
      } catch (error) {
        this.#outOfStep = true
        if (isReady(this.#tail)) this.#failed(error)
        await this.#untilWorthTrying()
      }
    }
  }

  async #joined(): Promise<void> {
    this.#isJoining = true
    try {
      await this.#join()
    } finally {
      this.#isJoining = false
    }
  }

  /** Takes a place among the nodes, and takes over the state of the log where reading on would not give it. */
  async #join(): Promise<void> {
    const askedAt = this.#clock.now()
    const { known } = this.#newest
    const joined = await this.#calls.join(this.#tail, known, this.#log.position, this.#wantsAll)
    const { head, heard, nodes, state } = joined
    this.#outOfStep = false
    this.#trouble = undefined
    this.#wantsAll = false
    this.#stuckAt = undefined
    this.#heard = heard
    if (state !== undefined) {
      const changed = state.generation !== this.#log.generation
      this.#log.load(state)
      if (changed) this.#moveTo(head.generation)
    }
    this.#nodes.expectAll()
    this.#nodes.replace({ ...head, nodes }, askedAt)
    this.#lease.ends(head.position, askedAt, this.#log.position)
    this.#hasApplied()
    void this.#appends.logAgain()
    void this.#inspect()
  }

  #moveTo(generation: string): void {
    this.#lease.startAnew()
    this.#appends.misplaceAll()
    this.#emit('generation', `the invalidation log is now ${generation}`)
  }

  async #read(): Promise<void> {
    const { records, acks } = this.#calls.streams
    const from = [`${this.#log.position}-0`, this.#heard]
    const reply = await this.#tail.xread('COUNT', 1_000, 'BLOCK', this.#blockMs, 'STREAMS', records, acks, ...from)
    if (this.#outOfStep) return
    for (const [stream, items] of reply ?? []) {
      for (const [id, fields] of items) {
        if (stream === acks) this.#hear(id, fields)
        else this.#apply(id, fields)
        if (this.#outOfStep) return
      }
    }
  }

  #hear(id: string, fields: readonly string[]): void {
    this.#heard = id
    const [, node = '', , report = ''] = fields
    this.#nodes.hear(node, report)
  }

  #apply(id: string, fields: readonly string[]): void {
    const record = parseRecord(id, fields)
    const { position } = this.#log
    if (record.position <= position) return
    this.#wantsAll = record.position !== position + 1
    const replaced = this.#newest.isReplacedBy(record)
    this.#outOfStep = this.#wantsAll || replaced || record.generation !== this.generation
    if (this.#outOfStep) return
    this.#log.apply(record)
    this.#lease.reads(record.position)
    this.#hasApplied()
  }

  #hasApplied(): void {
    this.#appends.hasRead()
    this.#nodes.applied(this.generation, this.position)
    void this.#reportSoon()
  }

  /** The log is not the one we read, or our connection does not lead to it. */
  #fallOutOfStep(): void {
    if (this.#outOfStep) return
    this.#outOfStep = true
    this.#tail.disconnect(true)
  }

  /** Until the connections that are lost are ready. A cluster with another master does not say so: it is looked at. */
  async #untilWorthTrying(): Promise<void> {
    const lost = [this.#tail, this.#calls.client].filter((client) => !isReady(client))
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => {
      cancel()
      if (lost.every(isReady)) resolve()
      else cancel = this.#clock.after(LOOK_AGAIN_MS, look)
    }
    let cancel = this.#clock.after(lost.length === 0 ? RETRY_MS : LOOK_AGAIN_MS, look)
    for (const client of lost) client.on('ready', look)
    await this.#closing.orBegun(promise)
    cancel()
    for (const client of lost) client.off('ready', look)
  }

  // ---------------------------------------------------------------------------------------------- reporting

  /** Tells how far we have come, and asks how long the log is: both at once, one call at a time. */
  async #reportSoon(): Promise<void> {
    if (this.#report !== 'none') {
      this.#report = 'asked-again'
      return
    }
    do {
      this.#report = 'asked'
      await this.#reportNow().catch(() => {}) // the lease runs out by itself
    } while (!this.#closing.isBegun && this.#asksAgain())
    this.#report = 'none'
  }

  #asksAgain(): boolean {
    return this.#report === 'asked-again'
  }

  async #reportNow(): Promise<void> {
    if (this.#outOfStep || this.#closing.isBegun) return
    const { generation } = this
    const askedAt = this.#clock.now()
    const { head, nodes } = await this.#calls.report(this.#newest.known, this.position)
    if (this.generation !== generation) return
    if (head.generation !== generation) return this.#fallOutOfStep()
    this.#trouble = undefined
    this.#nodes.replace({ ...head, nodes }, askedAt)
    this.#lease.ends(head.position, askedAt, this.position)
  }

  #beatLater(): void {
    this.#cancelBeat = this.#clock.after(this.#beatMs, () => {
      this.#beatLater()
      void this.#beat()
    })
  }

  async #beat(): Promise<void> {
    this.#announce()
    const before = this.position
    await this.#reportSoon()
    void this.#appends.logAgain()
    void this.#trim()
    const isStuck = this.#lease.isBehind && this.position === before
    if (isStuck && this.#stuckAt === before) this.#fallOutOfStep()
    this.#stuckAt = isStuck ? before : undefined
  }

  /** Says so when the lease was lost or came back. */
  #announce(): void {
    const { synced } = this
    if (synced === this.#wasSynced) return
    this.#wasSynced = synced
    if (synced) this.#emit('synced', 'the invalidation log is heard')
    else this.#emit('unsynced', `${this.#unheard}: copies are checked with the origin once per lease`)
  }

  get #unheard(): string {
    return `the invalidation log is not heard${this.#trouble === undefined ? '' : ` (Redis: ${this.#trouble})`}`
  }

  #failed(error: unknown): void {
    const { message, lastNodeError } = error as Error & { lastNodeError?: Error }
    this.#trouble = lastNodeError?.message ?? message
  }

  // ------------------------------------------------------------------------------------------------- upkeep

  async #trim(): Promise<void> {
    const now = this.#clock.now()
    if (now < this.#trimAt) return
    this.#trimAt = now + TRIM_EVERY_MS
    const dropped = await this.#calls.trim(this.#newest.known, this.#settings.keepFor, TRIM_EVERY_MS).catch(() => 0)
    if (dropped > 0) this.#trimAt = now // there may be more
  }

  async #inspect(): Promise<void> {
    const evictable = await this.#calls.isEvictable()
    if (evictable && !this.#evictable) this.#emit('evictable', EVICTABLE)
    this.#evictable = evictable
  }

  get #beatMs(): number {
    return this.#settings.lease / 3
  }

  get #blockMs(): number {
    return Math.ceil(this.#settings.lease / 3)
  }

  #emit(what: 'synced' | 'unsynced' | 'generation' | 'evictable', detail: string): void {
    this.#settings.events?.emit('log', { what, detail })
  }
}

const EVICTABLE = 'invalidation log: Redis may evict it (maxmemory-policy allkeys-*); use noeviction or volatile-*'
