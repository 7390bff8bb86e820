/** A node of a fleet under test, in this process or another. */
import type { Targets } from '../../src/cache/targets.ts'
import type { InvalidationMode, Origin } from '../../src/model.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'

/** Host that clients request. */
export const SITE = 'http://shop.test'

export interface Member {
  readonly name: string
  /** The fault proxy between it and Redis. */
  readonly link: FaultProxy
  /** A client's GET. Rejects if there is no answer or an incomplete one. */
  get(path: string, headers: Readonly<Record<string, string>>): Promise<Answer>
  /** Rejects if there is no answer. */
  purge(mode: InvalidationMode, targets: Targets): Promise<PurgeReply>
  /** Shuts down in order. */
  stop(): Promise<void>
  /** Ends at once, without any cleanup. */
  crash(): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly content: string
  readonly cacheStatus: string
  /** The node was certainly in step with the log when it was asked. */
  readonly inStep: boolean
  /** When the node was last seen to be in step; -Infinity: never; undefined: not known. */
  readonly lastInStep?: number | undefined
  /** What it knew of the log then, to explain a violation with; undefined: not known. */
  readonly log?: string | undefined
}

export interface PurgeReply {
  /** Of the admin API's answer: 200, 202 or 503. */
  readonly status: number
  /** What the log said, to explain a violation with; undefined: not known. */
  readonly log?: string | undefined
}

export interface MemberOptions {
  readonly name: string
  readonly redisPort: number
  /** Prefix of the fleet's keys in Redis. */
  readonly prefix: string
  readonly leaseMs: number
  /** Offset of its clock, in ms. */
  readonly clockOffsetMs: number
  readonly origin: Origin
}

export type StartMember = (options: MemberOptions) => Promise<Member>
