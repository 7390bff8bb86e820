/** A node of a fleet under test, whatever it runs in. */
import type { Targets } from '../../src/cache/targets.ts'
import type { InvalidationMode, Origin } from '../../src/model.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'

/** The host that clients ask for. */
export const SITE = 'http://shop.test'

export interface Member {
  readonly name: string
  /** Its own way to Redis. */
  readonly link: FaultProxy
  /** A client's GET. Rejects when no answer came, or one that broke off. */
  get(path: string, headers: Readonly<Record<string, string>>): Promise<Answer>
  /** The status of the admin API's answer: 200, 202 or 503. Rejects when no answer came. */
  purge(mode: InvalidationMode, targets: Targets): Promise<number>
  /** Ends in good order. */
  stop(): Promise<void>
  /** Ends at once: nothing it had in mind is done any more. */
  crash(): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly content: string
  readonly cacheStatus: string
  /** The node heard the log when it was asked, for certain. */
  readonly heard: boolean
}

export interface MemberOptions {
  readonly name: string
  readonly redisPort: number
  /** Of the fleet's keys in Redis. */
  readonly prefix: string
  readonly leaseMs: number
  /** How far its clock is off. */
  readonly clockOffsetMs: number
  readonly origin: Origin
}

export type StartMember = (options: MemberOptions) => Promise<Member>
