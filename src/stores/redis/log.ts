import { systemClock } from '../../clock.ts'
import { HerdgateError } from '../../errors.ts'
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
import { duration } from '../../units.ts'
import { Generations } from '../log/generations.ts'
import { Journal, type JournalEntry } from '../log/journal.ts'
import { Lease } from '../log/lease.ts'
import { LiveNodes } from '../log/live-nodes.ts'
import { parseRecord } from '../log/record.ts'
import { targetsOf } from '../log/marks.ts'
import { connectRedis, isReady, type RedisClient, type RedisConnectionOptions } from './connection.ts'
import { RedisLogCalls } from './log-calls.ts'

export interface RedisLogOptions {
  /** As for `redisStore`. */
  readonly url?: string
  /** Instead of `url`: called once per connection; it must not wait for one, nor keep commands for later. */
  readonly connect?: (options: RedisConnectionOptions) => RedisClient
  /** Begins every key. Without braces. */
  readonly prefix?: string
  /** For how long a node that no longer hears the log trusts its copies. */
  readonly lease?: number | string
  /** This process among those who share the log: one that starts again under its old name takes its own place. */
  readonly node?: string
  /** How long `append` waits for the other nodes, beginning with the call. */
  readonly purgeTimeout?: number | string
  /** How long `append` tries to log the record. */
  readonly appendTimeout?: number | string
  /** Age that no copy reaches: older records are dropped. */
  readonly keepFor?: number | string
  /** Distinct targets remembered, in Redis and here; beyond it the oldest raises the floor. */
  readonly maxTargets?: number
  readonly clock?: Clock
  readonly events?: Events
}

export interface RedisLog extends InvalidationLog {
  /** What works worse than it should, a sentence each. */
  degraded(): readonly string[]
}

/**
 * The invalidation log of a fleet, in Redis 7 or newer (COHERENCE in docs/guarantees.md).
 *
 * Two connections: one reads what is appended as it comes, the other writes, and asks once per third of a lease how
 * long the log is. A node without Redis goes on: its copies count as stale when their fetch began a lease ago.
 * @throws RangeError when an option is none
 */
export function redisLog(options: RedisLogOptions): RedisLog {
  const { url, connect = url === undefined ? undefined : (more) => connectRedis(url, more) } = options
  if (connect === undefined) throw new RangeError('expected url or connect')
  const prefix = options.prefix ?? 'herdgate'
  if (/[{}]/.test(prefix)) throw new RangeError(`expected a prefix without braces, got ${JSON.stringify(prefix)}`)
  const lease = duration(options.lease ?? '5s')
  if (lease < 10) throw new RangeError('expected a lease of at least 10ms')
  return new SharedLog({
    connect,
    prefix,
    lease,
    node: options.node ?? crypto.randomUUID(),
    purgeTimeout: duration(options.purgeTimeout ?? '3s'),
    appendTimeout: duration(options.appendTimeout ?? '1s'),
    keepFor: duration(options.keepFor ?? '8d'),
    maxTargets: options.maxTargets ?? 100_000,
    clock: options.clock ?? systemClock,
    events: options.events,
  })
}

interface Settings {
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
const TRIM_EVERY_MS = 60 * 60_000

class SharedLog implements RedisLog {
  readonly started: Promise<void>
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #calls: RedisLogCalls
  readonly #tail: RedisClient
  readonly #log: Generations
  readonly #lease: Lease
  readonly #nodes: LiveNodes
  readonly #journal: Journal
  /** The newest record that is known to have been logged, applied here or not. */
  #seen = { generation: '', position: 0, nonce: '' }
  /** Where the reports of the others have been read up to. */
  #heard = '0-0'
  /** The log may be another than the one we read: join before reading on. */
  #outOfStep = true
  /** The records do not follow one another: the compacted state has what lies between. */
  #wantsAll = false
  #report: 'none' | 'asked' | 'asked-again' = 'none'
  /** Applied when the log was last found longer than that. */
  #stuckAt: number | undefined
  #evictable = false
  #wasSynced: boolean | undefined
  #trimAt: number
  #cancelBeat = () => {}
  readonly #closing = Promise.withResolvers<void>()
  #closed = false

  constructor(settings: Settings) {
    const { connect, lease, node, clock, maxTargets } = settings
    this.#settings = settings
    this.#clock = clock
    this.#calls = new RedisLogCalls(connect({ name: 'herdgate-log', commandTimeoutMs: COMMAND_TIMEOUT_MS }), settings)
    this.#tail = connect({ name: 'herdgate-tail', socketTimeoutMs: this.#blockMs + 2 * COMMAND_TIMEOUT_MS })
    this.#log = new Generations(`unshared-${crypto.randomUUID()}`, maxTargets)
    this.#lease = new Lease(lease)
    this.#nodes = new LiveNodes(node, lease, clock)
    this.#journal = new Journal(clock)
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
    const verdict = this.#log.verdict(stamp)
    if (verdict !== 'valid') return verdict
    const now = this.#clock.now()
    return this.#lease.holds(now) || this.#lease.covers(stamp.startedAt, now) ? 'valid' : 'stale'
  }

  async append(mode: InvalidationMode, selectors: Selectors, waitMs?: number): Promise<Receipt> {
    const calledAt = this.#clock.now()
    const nonce = crypto.randomUUID()
    const entry: JournalEntry = { nonce, mode, targets: targetsOf(selectors), at: calledAt, where: undefined }
    const { position } = await this.#logInTime(entry)
    this.#journal.add(entry)
    await this.#calls.replicate()
    const nodes = await this.#followed(entry, calledAt + (waitMs ?? this.#settings.purgeTimeout))
    return { id: nonce, position: entry.where?.position ?? position, nodes }
  }

  nodes(): readonly LogNode[] {
    return this.#nodes.list()
  }

  degraded(): readonly string[] {
    const synced = this.synced ? [] : ['invalidation log: not heard, copies are checked with the origin once per lease']
    return this.#evictable ? [...synced, EVICTABLE] : synced
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancelBeat()
    this.#closing.resolve()
    await this.#calls.leave()
    this.#tail.disconnect()
    this.#calls.close()
  }

  // ------------------------------------------------------------------------------------------------ reading

  /** Reads the log as it grows, until closed. */
  async #follow(started: () => void): Promise<void> {
    while (!this.#closed) {
      try {
        if (this.#outOfStep) await this.#join()
        started()
        await this.#read()
      } catch {
        this.#outOfStep = true
        await this.#untilWorthTrying()
      }
    }
  }

  /** Takes a place among the nodes, and takes over the state of the log where reading on would not give it. */
  async #join(): Promise<void> {
    const askedAt = this.#clock.now()
    const { head, heard, nodes, state } = await this.#calls.join(this.#known(), this.#log.position, this.#wantsAll)
    this.#outOfStep = false
    this.#wantsAll = false
    this.#heard = heard
    if (state !== undefined) {
      const changed = state.generation !== this.#log.generation
      this.#log.load(state)
      if (changed) this.#moveTo(head.generation)
    }
    this.#nodes.replace({ ...head, nodes })
    this.#lease.ends(head.position, askedAt, this.#log.position)
    this.#hasApplied()
    void this.#logAgain()
    void this.#inspect()
  }

  #moveTo(generation: string): void {
    this.#lease.startAnew()
    this.#journal.misplaceAll()
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
    const { generation, nonce } = this.#seen
    const replaced = generation === this.generation && this.#seen.position === record.position && nonce !== record.nonce
    this.#outOfStep = this.#wantsAll || replaced || record.generation !== this.generation
    if (this.#outOfStep) return
    this.#log.apply(record)
    this.#lease.reads(record.position)
    this.#hasApplied()
  }

  #hasApplied(): void {
    this.#nodes.applied(this.generation, this.position)
    void this.#reportSoon()
  }

  /** The log is not the one we read, or our connection does not lead to it. */
  #fallOutOfStep(): void {
    if (this.#outOfStep) return
    this.#outOfStep = true
    this.#tail.disconnect(true)
  }

  async #untilWorthTrying(): Promise<void> {
    if (this.#closed) return
    const waiting = [this.#tail, this.#calls.client].filter((client) => !isReady(client))
    const ready = waiting.map((client) => new Promise<void>((resolve) => void client.once('ready', resolve)))
    if (ready.length === 0) await this.#sleep(RETRY_MS)
    else await Promise.race([Promise.all(ready), this.#closing.promise])
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
    } while (!this.#closed && this.#asksAgain())
    this.#report = 'none'
  }

  #asksAgain(): boolean {
    return this.#report === 'asked-again'
  }

  async #reportNow(): Promise<void> {
    if (this.#outOfStep) return
    const { generation } = this
    const askedAt = this.#clock.now()
    const { head, nodes } = await this.#calls.report(this.#known(), this.position)
    if (this.generation !== generation) return
    if (head.generation !== generation) return this.#fallOutOfStep()
    this.#nodes.replace({ ...head, nodes })
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
    void this.#logAgain()
    void this.#trim()
    if (this.#lease.isBehind && this.#stuckAt === before && this.position === before) this.#fallOutOfStep()
    this.#stuckAt = before
  }

  /** Says so when the lease was lost or came back. */
  #announce(): void {
    const { synced } = this
    if (synced === this.#wasSynced) return
    this.#wasSynced = synced
    if (synced) this.#emit('synced', 'the invalidation log is heard')
    else this.#emit('unsynced', 'the invalidation log is not heard: copies are checked with the origin once per lease')
  }

  // ---------------------------------------------------------------------------------------------- appending

  /** @throws HerdgateError `not_logged` */
  async #logInTime(entry: JournalEntry): Promise<{ position: number }> {
    const until = entry.at + this.#settings.appendTimeout
    for (;;) {
      try {
        return await this.#logOnce(entry)
      } catch (error) {
        if (this.#closed || this.#clock.now() >= until) {
          const why = error instanceof Error ? error.message : String(error)
          throw new HerdgateError('not_logged', `not logged: ${why}`, { cause: error })
        }
      }
      await this.#sleep(RETRY_MS)
    }
  }

  /** As often as one likes: the log knows the nonce. */
  async #logOnce(entry: JournalEntry): Promise<{ position: number }> {
    const { head, nodes, position } = await this.#calls.append(this.#known(), entry)
    const { generation } = head
    entry.where = { generation, position, at: this.#clock.now() }
    this.#nodes.replace({ ...head, nodes })
    if (generation !== this.generation) this.#fallOutOfStep()
    else if (position > this.#known().position) this.#seen = { generation, position, nonce: entry.nonce }
    return { position }
  }

  /** What the log lost of ours. */
  async #logAgain(): Promise<void> {
    for (const entry of this.#journal.misplaced()) {
      if (this.#closed) return
      await this.#logOnce(entry).catch(() => {}) // the next beat tries again
    }
  }

  /** Until every live node follows the record, or the time is up. */
  async #followed(entry: JournalEntry, until: number): Promise<Receipt['nodes']> {
    const { promise, resolve } = Promise.withResolvers<Receipt['nodes']>()
    let cancel = () => {}
    const look = () => {
      const now = this.#clock.now()
      const nodes = this.#following(entry)
      if (nodes.acked >= nodes.expected || now >= until || this.#closed) return resolve(nodes)
      cancel()
      cancel = this.#clock.after(Math.max(1, Math.min(until - now, this.#nodes.silenceMs)), look)
    }
    const forget = this.#nodes.onChange(look)
    void this.#closing.promise.then(look)
    look()
    try {
      return await promise
    } finally {
      forget()
      cancel()
    }
  }

  #following({ where }: JournalEntry): Receipt['nodes'] {
    return where === undefined ? { expected: this.nodes().length, acked: 0 } : this.#nodes.following(where)
  }

  // ------------------------------------------------------------------------------------------------- upkeep

  async #trim(): Promise<void> {
    const now = this.#clock.now()
    if (now < this.#trimAt) return
    this.#trimAt = now + TRIM_EVERY_MS
    const dropped = await this.#calls.trim(this.#known(), this.#settings.keepFor, TRIM_EVERY_MS).catch(() => 0)
    if (dropped > 0) this.#trimAt = now // there may be more
  }

  async #inspect(): Promise<void> {
    const evictable = await this.#calls.isEvictable()
    if (evictable && !this.#evictable) this.#emit('evictable', EVICTABLE)
    this.#evictable = evictable
  }

  /** What the log must hold if it is the one we know. */
  #known(): { generation: string; position: number; nonce: string } {
    const { generation, position, nonce } = this.#log
    if (this.#seen.generation === generation && this.#seen.position > position) return this.#seen
    return position === 0 ? NOTHING_KNOWN : { generation, position, nonce }
  }

  get #beatMs(): number {
    return this.#settings.lease / 3
  }

  get #blockMs(): number {
    return Math.ceil(this.#settings.lease / 3)
  }

  #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(ms, resolve)
    void this.#closing.promise.then(() => {
      cancel()
      resolve()
    })
    return promise
  }

  #emit(what: 'synced' | 'unsynced' | 'generation' | 'evictable', detail: string): void {
    this.#settings.events?.emit('log', { what, detail })
  }
}

const NOTHING_KNOWN = { generation: '', position: 0, nonce: '' }
const EVICTABLE = 'invalidation log: Redis may evict it (maxmemory-policy allkeys-*); use noeviction or volatile-*'
