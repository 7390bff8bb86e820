/** Replaces the configuration of a running process, as far as that is possible. */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Config, Fault } from '../config.ts'
import type { Awaitable } from '../model.ts'
import type { RoutingConfig } from './routing.ts'

export type Reloading =
  /** The new configuration applies to requests. `needsRestart`: what has changed but is not applied. */
  | { readonly ok: true; readonly needsRestart: readonly string[] }
  /** Nothing has changed. */
  | { readonly ok: false; readonly faults: readonly Fault[] }

/** Reads and checks flags, environment and file again. */
export type ReadConfig = () => { readonly ok: true; readonly config: Config } | Extract<Reloading, { ok: false }>

/** What requested a reload. */
export type ReloadedBy = 'admin' | 'SIGHUP'

export interface ReloaderParts {
  readonly read: ReadConfig
  /** Settles when it applies to requests. */
  readonly apply: (config: RoutingConfig) => Awaitable<void>
  readonly logger: Logger
  readonly now: () => number
}

/** For metrics: when a configuration was last read, in epoch seconds, and whether it was valid. */
export interface LastReload {
  readonly successful: boolean
  readonly at: number
}

/** What is read once, when the process starts. */
const AT_START = ['listen', 'admin', 'workers', 'store', 'lease', 'limits', 'lane', 'logLevel', 'chaos'] as const

export class Reloader {
  readonly #first: Config
  readonly #parts: ReloaderParts
  last: LastReload

  constructor(first: Config, parts: ReloaderParts) {
    this.#first = first
    this.#parts = parts
    this.last = { successful: true, at: parts.now() / 1000 }
  }

  /** Swaps origins and routes in one step if the whole configuration is valid; stored responses stay. */
  async reload(by: ReloadedBy): Promise<Reloading> {
    const { read, apply, logger, now } = this.#parts
    const outcome = read()
    this.last = { successful: outcome.ok, at: now() / 1000 }
    if (!outcome.ok) {
      logger.error({ by, faults: outcome.faults }, 'the configuration is not valid; nothing has changed')
      return outcome
    }
    await apply(this.#inForce(outcome.config))
    const needsRestart = this.#changedAtStart(outcome.config)
    logger.info({ by, needsRestart }, 'configuration reloaded')
    return { ok: true, needsRestart }
  }

  /** The rules of every route have these two as well, which change only at a restart. */
  #inForce({ origins, routes }: RoutingConfig): RoutingConfig {
    const { maxObjectBytes } = this.#first.store.memory
    const { via } = this.#first.listen
    return { origins, routes: routes.map((route) => ({ ...route, rules: { ...route.rules, maxObjectBytes, via } })) }
  }

  #changedAtStart(config: Config): string[] {
    const changed = AT_START.filter((part) => !isDeepStrictEqual(config[part], this.#first[part]))
    return changed.map((part) => (part === 'lease' ? 'coherence' : part))
  }
}
