/** What the primary and its workers ask of each other. */
import type { Explanation } from '../cache/http/explain.ts'
import type { Statistics } from '../cache/statistics.ts'
import type { Config } from '../config.ts'
import type { Fields } from '../fields.ts'
import type { Snapshot } from '../live/live.ts'
import type { MetricReport } from '../metrics/reports.ts'
import type { Awaitable, FetchEnding, InvalidationMode, Receipt, Selectors } from '../model.ts'
import type { LogState } from '../stores/log/marks.ts'
import type { Turn } from './primary/lease-table.ts'
import type { WorkerRecord } from './primary/primary-log.ts'

/** What a worker asks of the primary. */
export interface PrimaryService {
  /** The worker runs, and is ready for `begin`. */
  hello(nothing: undefined): void
  /** It has begun: it answers calls, and is about to listen. */
  begun(nothing: undefined): void
  /** Its data port listens. */
  listening(url: string): void
  /** Its data port cannot listen. */
  listenFailed(error: ListenFailure): void
  /** It had an uncaught error: it finishes what is in flight, and ends. */
  failed(nothing: undefined): void
  /** It got a signal to end, alone or with its whole process group. */
  terminated(nothing: undefined): void
  append(record: { readonly mode: InvalidationMode; readonly selectors: Selectors }): Awaitable<Receipt>
  take(key: string): Awaitable<Turn>
  release(ended: { readonly key: string; readonly fence: number; readonly ending: FetchEnding }): void
  /** @returns nothing for an entry with more octets either */
  get(asked: { readonly key: string; readonly mostBytes: number }): Uint8Array | undefined
  /** @returns whether it is kept */
  put(copy: { readonly key: string; readonly octets: Uint8Array }): boolean
  forget(keys: readonly string[]): void
  forgetAll(nothing: undefined): void
  snapshot(snapshot: Snapshot): void
}

/** What the primary asks of a worker. */
export interface WorkerService {
  begin(how: WorkerSetup): void
  /** Settles once nothing that the record names is used any more. */
  applyRecord(record: WorkerRecord): Awaitable<void>
  /** From now on requests use these origins and routes. */
  apply(config: Pick<Config, 'origins' | 'routes'>): void
  report(nothing: undefined): Awaitable<Report>
  explain(request: ExplainRequest): Awaitable<Explanation>
  /** Clears the worker's tiers, for their memory: what is in them has been purged. */
  clear(nothing: undefined): Awaitable<void>
  /** Starts or stops telling the primary what happens, once a second. */
  watch(wanted: boolean): void
  /** From now on each answer is the last of its connection. */
  drain(nothing: undefined): void
  /** Finishes what is in flight, and ends. Answered at once. */
  end(nothing: undefined): void
}

export interface WorkerSetup {
  /** With the worker's share of the limits. */
  readonly config: Config
  /** The worker's part of the container's memory, from 0 to 1. */
  readonly containerShare: number
  /** Its name among the nodes of a log in Redis. */
  readonly node: string
  /** Undefined where disk or Redis have the log. */
  readonly log: LogState | undefined
}

export interface ListenFailure {
  readonly message: string
  readonly code?: string | undefined
  readonly address?: string | undefined
  readonly port?: number | undefined
}

export interface Report {
  readonly metrics: readonly MetricReport[]
  readonly stats: Statistics
  /** What works worse than configured. */
  readonly degraded: readonly string[]
}

export interface ExplainRequest {
  readonly method: string
  readonly url: string
  readonly fields: Fields
}
