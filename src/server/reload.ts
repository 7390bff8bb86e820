/** A configuration that takes another's place in a running process, as far as that goes. */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Config, Fault } from '../config.ts'
import type { Awaitable } from '../model.ts'
import type { RoutingConfig } from './routing.ts'

export type Reloading =
  /** Requests go by the new configuration. `needsRestart`: what has changed and is not applied. */
  | { readonly ok: true; readonly needsRestart: readonly string[] }
  /** Nothing has changed. */
  | { readonly ok: false; readonly faults: readonly Fault[] }

/** Flags, environment and file, read and checked anew. */
export type ReadConfig = () => { readonly ok: true; readonly config: Config } | Extract<Reloading, { ok: false }>

/** Who asked for it. */
export type ReloadedBy = 'admin' | 'SIGHUP'

export interface ReloaderParts {
  readonly read: ReadConfig
  /** Settles when requests go by it. */
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

  /** Origins and routes are swapped at once when all of it is valid; what is stored stays. */
  async reload(by: ReloadedBy): Promise<Reloading> {
    const { read, apply, logger, now } = this.#parts
    const outcome = read()
    this.last = { successful: outcome.ok, at: now() / 1000 }
    if (!outcome.ok) {
      logger.error({ by, faults: outcome.faults }, 'the configuration is not valid; nothing has changed')
      return outcome
    }
    await apply(this.#inForce(outcome.config))
    const needsRestart = this.#notApplied(outcome.config)
    logger.info({ by, needsRestart }, 'configuration reloaded')
    return { ok: true, needsRestart }
  }

  /** `maxObjectBytes` stands in the rules of every route, but it is the store's, which changes at a restart alone. */
  #inForce({ origins, routes }: RoutingConfig): RoutingConfig {
    const { maxObjectBytes } = this.#first.store.memory
    return { origins, routes: routes.map((route) => ({ ...route, rules: { ...route.rules, maxObjectBytes } })) }
  }

  #notApplied(config: Config): string[] {
    const changed = AT_START.filter((part) => !isDeepStrictEqual(config[part], this.#first[part]))
    return changed.map((part) => (part === 'lease' ? 'coherence' : part))
  }
}
