/** What the server is built from. */
import type { ChaosConfig } from '../chaos/create-chaos.ts'
import type { RouteMatch, Rules } from '../model.ts'
import type { OriginOptions } from '../origin/pool-origin.ts'
import type { Limits } from './defaults.ts'
import type { LOG_LEVELS } from './leaves.ts'

/** All times are milliseconds, all sizes bytes. */
export interface Config {
  readonly listen: {
    readonly host: string
    /** 0: any free one. */
    readonly port: number
    /** CIDR blocks, such as `10.0.0.0/8` or `::1/128`. */
    readonly trustProxy: readonly string[]
    /** How long requests are still accepted after SIGTERM. */
    readonly drainDelay: number
    /** This cache's pseudonym in Via. */
    readonly via: string
  }
  readonly admin: {
    readonly host: string
    readonly port: number
    /** Undefined only on a loopback host: the caller generates one. */
    readonly token: string | undefined
    readonly tokens: readonly LimitedToken[]
  }
  /** Processes that share the data port; `auto`: as many as run in parallel and fit into memory. 1: this one alone. */
  readonly workers: number | 'auto'
  /** At least one; names are unique. */
  readonly origins: readonly OriginConfig[]
  /** At least one, the first match wins; names are unique. */
  readonly routes: readonly RouteConfig[]
  readonly store: StoreConfig
  /** Whether plain requests for fresh copies are answered directly at the socket. */
  readonly lane: boolean
  /** How long a node may go without contact with the invalidation log. */
  readonly lease: number
  readonly limits: Limits
  readonly logLevel: LogLevel
  /** Fault injection; undefined: none. */
  readonly chaos: ChaosConfig | undefined
}

/** A token of the admin API that may do only what it says. */
export interface LimitedToken {
  /** Unique. */
  readonly name: string
  /** Unlike any other's. */
  readonly token: string
  /** Whether it may read statistics, explanations and live events. */
  readonly read: boolean
  /** Tags it may purge and invalidate; a trailing `*` matches any ending. */
  readonly tags: readonly string[]
  /** Absolute URLs: it may purge and invalidate these and everything below. */
  readonly prefixes: readonly string[]
}

export interface StoreConfig {
  readonly memory: { readonly maxBytes: number; readonly maxObjectBytes: number; readonly admission: 'on' | 'off' }
  readonly disk?: { readonly path: string; readonly maxBytes: number } | undefined
  readonly redis?:
    | {
        readonly url: string
        readonly prefix: string
        readonly deadline: number
        readonly maxObjectBytes: number
        readonly secret: string | undefined
      }
    | undefined
}

/** Its URLs are http or https, without a trailing slash. */
export type OriginConfig = Omit<OriginOptions, 'ca'>

export interface RouteConfig {
  readonly name: string
  readonly match: RouteMatch
  /** Name of one of the origins. */
  readonly origin: string
  readonly rules: Rules
}

export type LogLevel = (typeof LOG_LEVELS)[number]
