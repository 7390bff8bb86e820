import type { Config } from '../../config.ts'
import type { Events } from '../../events.ts'
import { contentReceived, aboutToCopy } from '../../heap/content-volume.ts'
import type { Clock, Pressure } from '../../model.ts'
import type { LogState } from '../../stores/log/marks.ts'
import { mayTakeIn } from '../../stores/taking-in.ts'
import { LeaseTable } from './lease-table.ts'
import type { Member } from './member.ts'
import { type Follower, PrimaryLog, type WorkerRecord } from './primary-log.ts'
import type { PrimaryService } from '../services.ts'
import { sharedBytes } from './share.ts'
import { SharedMemory } from './shared-memory.ts'

export interface SharedPartsOptions {
  readonly clock: Clock
  readonly events: Events
  /** Keeps this process within its memory, the copies in it included. */
  readonly watchMemory: (memory: SharedMemory) => MemoryWatch
}

interface MemoryWatch {
  readonly pressure: Pressure
  close(): void
}

type Services = Pick<PrimaryService, 'append' | 'take' | 'release' | 'get' | 'put' | 'forget' | 'forgetAll'>

/** What workers share through their primary: leases and, where neither disk nor Redis is shared, log and memory. */
export class SharedParts {
  readonly log: PrimaryLog
  readonly memory: SharedMemory | undefined
  readonly #watch: MemoryWatch | undefined
  readonly #leases: LeaseTable
  readonly #followers = new Map<Member, Follower>()

  constructor({ store }: Pick<Config, 'store'>, { clock, events, watchMemory }: SharedPartsOptions) {
    const maxBytes = sharedBytes({ store })
    if (maxBytes > 0) {
      this.memory = new SharedMemory({ maxBytes, events })
      this.#watch = watchMemory(this.memory)
    }
    this.log = new PrimaryLog(clock)
    this.#leases = new LeaseTable(clock)
  }

  /** Answers what a worker asks. */
  serve(member: Member): Services {
    return {
      append: ({ mode, selectors }) => this.log.append(mode, selectors),
      take: (key) => this.#leases.take(key, member.number),
      release: ({ key, fence, ending }) => this.#leases.release(key, fence, ending),
      get: ({ key, mostBytes }) => this.#get(key, mostBytes),
      put: ({ key, octets }) => this.#put(key, octets),
      forget: (keys) => this.memory?.forget(keys),
      forgetAll() {}, // sent by a worker that was told to clear its copies: `clear` has been called already
    }
  }

  /** On its way to the worker it takes its size again: while memory is short, only small entries are given out. */
  #get(key: string, mostBytes: number): Uint8Array | undefined {
    const octets = this.memory?.get(key)
    return octets !== undefined && octets.length <= mostBytes && mayTakeIn(octets.length, this.#watch?.pressure)
      ? octets
      : undefined
  }

  /** @returns whether others can get it from here: not while memory is short, when what was there goes as well */
  #put(key: string, octets: Uint8Array): boolean {
    contentReceived(octets.length)
    aboutToCopy(octets.length)
    if (this.#watch?.pressure.high !== true) return this.memory?.put(key, octets) ?? false
    this.memory?.forget([key])
    return false
  }

  /**
   * What the log remembers so far; from now on the worker is sent each record. Undefined where disk or Redis have the
   * log.
   * @param applyRecord sends a record: true when the worker has applied it, false when it has ended instead
   */
  follow(member: Member, applyRecord: (record: WorkerRecord) => Promise<boolean>): LogState | undefined {
    if (this.memory === undefined) return undefined
    const follower = { id: String(member.pid), applyRecord }
    this.#followers.set(member, follower)
    return this.log.follow(follower)
  }

  /** The worker does not answer: nobody waits any longer for what it fetches. */
  reassignFrom(member: Member): void {
    this.#leases.reassignFrom(member.number)
  }

  /** The worker has ended. */
  leave(member: Member): void {
    const follower = this.#followers.get(member)
    if (follower !== undefined) this.log.leave(follower)
    this.#followers.delete(member)
    this.#leases.leave(member.number)
  }

  /** Frees the memory of copies. */
  clear(): void {
    this.memory?.clear()
  }

  close(): void {
    this.#watch?.close()
  }
}
