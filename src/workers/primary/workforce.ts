import type { Logger } from 'pino'
import type { Explanation } from '../../cache/http/explain.ts'
import type { Config } from '../../config.ts'
import { HerdgateError } from '../../errors.ts'
import type { Events } from '../../events.ts'
import type { Snapshot } from '../../live/live.ts'
import type { CacheRequest, Clock, Store } from '../../model.ts'
import { LATE, within } from '../../deadline.ts'
import { doubtOpenFiles } from '../../stores/disk/file.ts'
import { isMemoryFault } from '../../stores/disk/check-result.ts'
import type { Member } from './member.ts'
import { type OwnState, Pool } from './pool.ts'
import { Reports } from './reports.ts'
import type { PrimaryService } from '../services.ts'
import { containerShares, originsOf, shareOf } from './share.ts'
import { SharedParts, type SharedPartsOptions } from './shared-parts.ts'
import { Watch } from './watch.ts'

/** A worker that has not applied a record for two leases is taken for hung: no node uses what was purged longer ago. */
const PATIENCE_IN_LEASES = 2
/** With short leases, at least this: a garbage collection, or a busy machine, is no reason to kill a worker. */
const MIN_PATIENCE_MS = 2_000
/** By then a signal to the whole process group has reached this process too. */
const GROUP_SIGNAL_MS = 500
/** How long one worker has to explain a request before another is asked too. */
const LATE_AFTER_MS = 1_000

export interface WorkforceParts {
  /** The module that a worker runs. */
  readonly module: string
  readonly size: number
  readonly clock: Clock
  readonly events: Events
  readonly logger: Logger
  /** Keeps the primary within its memory. */
  readonly watchMemory: SharedPartsOptions['watchMemory']
  /** Called with a worker's snapshot of what happened there within a second. */
  readonly onSnapshot: (member: Member, snapshot: Snapshot) => void
  /** Called when a worker's process has ended. */
  readonly ended: (member: Member) => void
}

type Reloadable = Pick<Config, 'origins' | 'routes'>

/** All workers together: what they are sent, what they share, and what they have counted. */
export class Workforce {
  readonly shared: SharedParts
  readonly reports = new Reports()
  readonly #config: Config
  readonly #parts: WorkforceParts
  readonly #patienceMs: number
  readonly #pool: Pool
  readonly #watch: Watch
  /** As last reloaded. */
  #current: Reloadable
  #isDraining = false

  constructor(config: Config, parts: WorkforceParts) {
    const { module, size, clock, logger } = parts
    this.#config = config
    this.#current = config
    this.#parts = parts
    this.#patienceMs = Math.max(PATIENCE_IN_LEASES * config.lease, MIN_PATIENCE_MS)
    this.shared = new SharedParts(config, parts)
    this.#pool = new Pool({
      module,
      size,
      clock,
      logger,
      serve: (member) => this.#serve(member),
      ended: (member, how) => this.#onEnded(member, how),
    })
    this.#watch = new Watch({
      pool: this.#pool,
      clock,
      reported: (member, report) => this.reports.add(member, report),
      late: (member) => this.shared.reassignFrom(member),
    })
  }

  /** @returns the base URL of the data port once every worker listens there and has reported what it counts */
  async start(): Promise<string> {
    const url = await this.#pool.start()
    await this.#watch.start()
    return url
  }

  /** Is there a worker that takes connections and is to go on? */
  get isReady(): boolean {
    return this.#pool.listening.length > 0 && !this.#isDraining
  }

  /** How many connections its workers have been handed so far. */
  get connections(): number {
    return this.#pool.members.reduce((sum, { connections }) => sum + connections, 0)
  }

  /** What works worse than configured, one word each. */
  get degraded(): readonly string[] {
    return [...this.reports.degraded, ...(this.#pool.listening.length < this.#parts.size ? ['workers'] : [])]
  }

  /** @returns settles when every worker has applied it */
  async apply(next: Reloadable): Promise<void> {
    this.#current = next
    const share = this.#share(next)
    const applies = async (member: Member): Promise<void> => {
      if (member.hasBegun) await this.#pool.answerOf(member, member.calls.call('apply', share))
      else member.calls.notify('apply', share) // it listens only after that
    }
    await Promise.all(this.#pool.members.map(applies))
  }

  /** Settles when all have reported what they have counted so far, or the time for that is up. */
  collectReports(): Promise<void> {
    return this.#watch.collectReports()
  }

  /** Tells all workers whether anybody watches. */
  watch(wanted: boolean): void {
    for (const { calls } of this.#pool.begun) calls.notify('watch', wanted)
  }

  /**
   * Any worker can answer: what it does not hold itself, it looks up where that is shared. While one is late, the next
   * is asked as well.
   */
  async explain({ method, url, fields }: CacheRequest): Promise<Explanation> {
    const asked: Promise<Explanation | undefined>[] = []
    for (const member of this.#pool.listening) {
      asked.push(this.#pool.answerOf(member, member.calls.call('explain', { method, url, fields })))
      const [answer] = await within([firstOf(asked)], LATE_AFTER_MS, this.#parts.clock)
      if (answer !== LATE && answer !== undefined) return answer
    }
    const explanation = await firstOf(asked)
    if (explanation === undefined) throw new HerdgateError('overloaded', 'no worker could be asked')
    return explanation
  }

  /** The store of the primary's own cache: it holds nothing, but clearing it frees the memory of all workers. */
  get store(): Store {
    const { memory } = this.shared
    return {
      get: () => undefined,
      getMany: (keys) => keys.map(() => undefined),
      set() {},
      setMany() {},
      delete() {},
      deleteMany() {},
      clear: () => {
        this.shared.clear()
        // Nobody waits for this: what is there is dead already, and Redis takes its time.
        for (const { calls } of this.#pool.begun) calls.notify('clear', undefined)
      },
      close() {},
      usage: () => memory?.usage() ?? [],
    }
  }

  /** Is not ready any more: each answer is now the last of its connection. */
  drain(): void {
    this.#isDraining = true
    for (const { calls } of this.#pool.members) calls.notify('drain', undefined)
  }

  /** @returns settles when the last worker has ended */
  async close(): Promise<void> {
    this.#isDraining = true
    this.#watch.stop()
    await this.#pool.close()
    this.shared.close()
  }

  #serve(member: Member): Omit<PrimaryService, OwnState> {
    return {
      ...this.shared.serve(member),
      hello: () => this.#begin(member),
      snapshot: (snapshot) => this.#parts.onSnapshot(member, snapshot),
      terminated: () => this.#terminated(member),
    }
  }

  #begin(member: Member): void {
    const log = this.shared.follow(member, async (record) => {
      if (!member.hasBegun) {
        member.calls.notify('applyRecord', record)
        return true // it takes no connection before it has
      }
      const applied = member.calls.call('applyRecord', record).then(() => true)
      return (await this.#pool.answerOf(member, applied, this.#patienceMs)) === true
    })
    const { size } = this.#parts
    const config = { ...shareOf(this.#config, size), ...this.#share(this.#current) }
    const { worker: containerShare } = containerShares(this.#config, size)
    member.calls.notify('begin', { config, containerShare, node: member.node, log })
    if (this.#isDraining || member.isReplaced) member.calls.notify('drain', undefined)
  }

  #share(current: Reloadable): Reloadable {
    return { origins: originsOf(current, this.#parts.size), routes: current.routes }
  }

  /** This worker was told to end: alone, unless the whole process group was. */
  #terminated(member: Member): void {
    this.#parts.clock.after(GROUP_SIGNAL_MS, () => {
      if (!this.#isDraining) this.#pool.replace(member)
    })
  }

  #onEnded(member: Member, how: string): void {
    if (isMemoryFault(how)) doubtOpenFiles() // the primary reads the log from the file that its workers read
    this.shared.leave(member)
    this.#parts.ended(member)
    void this.reports.ended(member)
  }
}

/** The first answer that comes; undefined if none does. */
async function firstOf<T>(asked: readonly Promise<T | undefined>[]): Promise<T | undefined> {
  const answered = asked.map(async (one) => (await one) ?? Promise.reject(new Error('it has ended')))
  return await Promise.any(answered).catch(() => undefined)
}
