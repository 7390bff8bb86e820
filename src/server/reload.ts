/** A configuration that takes another's place in a running process, as far as that goes. */
import { isDeepStrictEqual } from 'node:util'
import type { Config, Fault } from '../config.ts'
import type { Routing } from './routing.ts'

export type Reloading =
  /** Requests go by the new configuration. `needsRestart`: what has changed and is not applied. */
  | { readonly ok: true; readonly needsRestart: readonly string[] }
  /** Nothing has changed. */
  | { readonly ok: false; readonly faults: readonly Fault[] }

/** Flags, environment and file, read and checked anew. */
export type ReadConfig = () => { readonly ok: true; readonly config: Config } | Extract<Reloading, { ok: false }>

/** For metrics: when a configuration was last read, in epoch seconds, and whether it was valid. */
export interface LastReload {
  readonly successful: boolean
  readonly at: number
}

/** What is read once, when the process starts. */
const AT_START = ['listen', 'admin', 'workers', 'store', 'lease', 'limits', 'lane', 'logLevel', 'chaos'] as const

export class Reloader {
  readonly #routing: Pick<Routing, 'apply'>
  readonly #read: ReadConfig
  readonly #now: () => number
  readonly #first: Config
  last: LastReload

  constructor(first: Config, routing: Pick<Routing, 'apply'>, read: ReadConfig, now: () => number) {
    this.#first = first
    this.#routing = routing
    this.#read = read
    this.#now = now
    this.last = { successful: true, at: now() / 1000 }
  }

  /** Origins and routes are swapped at once when all of it is valid; what is stored stays. */
  reload(): Reloading {
    const read = this.#read()
    this.last = { successful: read.ok, at: this.#now() / 1000 }
    if (!read.ok) return read
    this.#routing.apply(read.config)
    return { ok: true, needsRestart: this.#notApplied(read.config) }
  }

  #notApplied(config: Config): string[] {
    const changed = AT_START.filter((part) => !isDeepStrictEqual(config[part], this.#first[part]))
    return changed.map((part) => (part === 'lease' ? 'coherence' : part))
  }
}
