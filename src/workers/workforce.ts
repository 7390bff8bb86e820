import type { Logger } from 'pino'
import type { Explanation } from '../cache/http/explain.ts'
import type { Config } from '../config.ts'
import { HerdgateError } from '../errors.ts'
import type { Events } from '../events.ts'
import type { Snapshot } from '../live/live.ts'
import type { CacheRequest, Clock, Store } from '../model.ts'
import { doubtOpenFiles } from '../stores/disk/file.ts'
import { isMemoryFault } from '../stores/disk/check-result.ts'
import type { Member } from './member.ts'
import { Pool } from './pool.ts'
import { Reports } from './reports.ts'
import type { PrimaryService } from './services.ts'
import { containerShares, originsOf, shareOf } from './share.ts'
import { SharedParts, type SharedPartsOptions } from './shared-parts.ts'
import { Watch } from './watch.ts'

/** A worker that has not applied a record for two leases is taken for hung: no node uses what was purged longer ago. */
const PATIENCE_IN_LEASES = 2
/** With short leases: a collection of garbage, or a busy machine, is no reason to end it. */
const LEAST_PATIENCE_MS = 2_000
/** By then a signal to the whole process group has reached this process too. */
const GROUP_SIGNAL_MS = 500

export interface WorkforceParts {
  /** What a worker runs. */
  readonly module: string
  readonly size: number
  readonly clock: Clock
  readonly events: Events
  readonly logger: Logger
  /** Keeps the primary within its memory. */
  readonly watchMemory: SharedPartsOptions['watchMemory']
  /** A worker tells what has happened there within a second. */
  readonly happened: (member: Member, snapshot: Snapshot) => void
  /** Its process has ended. */
  readonly ended: (member: Member) => void
}

type Reloadable = Pick<Config, 'origins' | 'routes'>

/** All workers together: what they are told, what they share, and what they have counted. */
export class Workforce {
  readonly shared: SharedParts
  readonly reports = new Reports()
  readonly #config: Config
  readonly #parts: WorkforceParts
  readonly #patienceMs: number
  readonly #pool: Pool
  readonly #watch: Watch
  /** As it was reloaded last. */
  #current: Reloadable
  #isDraining = false

  constructor(config: Config, parts: WorkforceParts) {
    const { module, size, clock, logger } = parts
    this.#config = config
    this.#current = config
    this.#parts = parts
    this.#patienceMs = Math.max(PATIENCE_IN_LEASES * config.lease, LEAST_PATIENCE_MS)
    this.shared = new SharedParts(config, parts)
    this.#pool = new Pool({
      module,
      size,
      clock,
      logger,
      serve: (member) => this.#serve(member),
      left: (member, how) => this.#left(member, how),
    })
    this.#watch = new Watch({
      pool: this.#pool,
      clock,
      heard: (member, report) => this.reports.heard(member, report),
      late: (member) => this.shared.passFrom(member),
    })
  }

  /** @returns the base URL of the data port once every worker listens there and has told what it counts */
  async start(): Promise<string> {
    const url = await this.#pool.start()
    await this.#watch.start()
    return url
  }

  /** Does any take connections, and is it to go on? */
  get isReady(): boolean {
    return this.#pool.listening.length > 0 && !this.#isDraining
  }

  /** How many connections its workers have been handed so far. */
  get connections(): number {
    return this.#pool.members.reduce((sum, { connections }) => sum + connections, 0)
  }

  /** What works worse than configured, a word each. */
  get degraded(): readonly string[] {
    return [...this.reports.degraded, ...(this.#pool.listening.length < this.#parts.size ? ['workers'] : [])]
  }

  /** @returns settles when every worker goes by it */
  async apply(next: Reloadable): Promise<void> {
    this.#current = next
    const share = this.#share(next)
    const applies = async (member: Member): Promise<void> => {
      if (member.hasBegun) await this.#pool.answer(member, member.calls.call('apply', share))
      else member.calls.tell('apply', share) // it listens only then
    }
    await Promise.all(this.#pool.members.map(applies))
  }

  /** Settles when all have told what they have counted until now, or were given the time to. */
  hearAll(): Promise<void> {
    return this.#watch.hearAll()
  }

  /** Tells all whether anybody watches. */
  watch(wanted: boolean): void {
    for (const { calls } of this.#pool.begun) calls.tell('watch', wanted)
  }

  /** Any worker knows: what it does not have, it has from those that share. */
  async explain({ method, url, fields }: CacheRequest): Promise<Explanation> {
    const [member] = this.#pool.listening
    const asked = member?.calls.call('explain', { method, url, fields })
    const explanation = member && asked && (await this.#pool.answer(member, asked))
    if (explanation === undefined) throw new HerdgateError('overloaded', 'no worker could be asked')
    return explanation
  }

  /** Holds nothing that could be looked up here; purging everything gives back the memory of all. */
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
        // Nobody waits for it: what is there is dead already, and Redis takes its time.
        for (const { calls } of this.#pool.begun) calls.tell('clear', undefined)
      },
      close() {},
      usage: () => memory?.usage() ?? [],
    }
  }

  /** Is not ready any more: each answer is now the last of its connection. */
  drain(): void {
    this.#isDraining = true
    for (const { calls } of this.#pool.members) calls.tell('drain', undefined)
  }

  /** @returns settles when the last worker has ended */
  async close(): Promise<void> {
    this.#isDraining = true
    this.#watch.stop()
    await this.#pool.close()
    this.shared.close()
  }

  #serve(member: Member): Omit<PrimaryService, 'begun' | 'listening' | 'refused'> {
    return {
      ...this.shared.serve(member),
      hello: () => this.#begin(member),
      happened: (snapshot) => this.#parts.happened(member, snapshot),
      terminated: () => this.#terminated(member),
    }
  }

  #begin(member: Member): void {
    const log = this.shared.follow(member, async (record) => {
      if (!member.hasBegun) {
        member.calls.tell('hear', record)
        return true // it takes no connection before it has
      }
      const applied = member.calls.call('hear', record).then(() => true)
      return (await this.#pool.answer(member, applied, this.#patienceMs)) === true
    })
    const { size } = this.#parts
    const config = { ...shareOf(this.#config, size), ...this.#share(this.#current) }
    const { worker: containerShare } = containerShares(this.#config, size)
    member.calls.tell('begin', { config, containerShare, node: member.node, log })
    if (this.#isDraining || member.isReplaced) member.calls.tell('drain', undefined)
  }

  #share(current: Reloadable): Reloadable {
    return { origins: originsOf(current, this.#parts.size), routes: current.routes }
  }

  /** Somebody has told this worker alone to end, unless all of us are told. */
  #terminated(member: Member): void {
    this.#parts.clock.after(GROUP_SIGNAL_MS, () => {
      if (!this.#isDraining) this.#pool.replace(member)
    })
  }

  #left(member: Member, how: string): void {
    if (isMemoryFault(how)) doubtOpenFiles() // the primary reads the log in the file that its workers read
    this.shared.leave(member)
    this.#parts.ended(member)
    void this.reports.ended(member)
  }
}
