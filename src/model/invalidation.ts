/** Purges and invalidations: what ends an entry's use early. */
import type { Awaitable } from './clock.ts'
import type { Stamp } from './stored.ts'

export type Selectors = {
  readonly tags?: readonly string[]
  /** Names in the form of `Stamp.url`. */
  readonly urls?: readonly string[]
  /** Prefixes of such names; they match whole path segments only. */
  readonly prefixes?: readonly string[]
  readonly all?: boolean
}

/** purge: never served again, not even stale. invalidate: revalidated before the next use. */
export type InvalidationMode = 'purge' | 'invalidate'

/** Confirms that a purge or invalidation was logged. */
export interface Receipt {
  readonly id: string
  /** Position of the record in the log. */
  readonly position: number
  /** Live nodes that should apply the record, and those that acknowledged it in time. */
  readonly nodes: { readonly expected: number; readonly acked: number }
}

/** `stale`: invalidated, to be revalidated before use. `dead`: purged, never to be used. */
export type Verdict = 'valid' | 'stale' | 'dead'

/** The one totally ordered record of purges and invalidations. */
export interface InvalidationLog {
  readonly generation: string
  /** Position of the newest record applied here. */
  readonly position: number
  /**
   * Increases with every record that takes effect here, whether read from the log or only requested in this process,
   * and with every new generation.
   */
  readonly changes: number
  /** Whether this process knew every record at some time within the last lease. If not, older copies count as stale. */
  readonly synced: boolean
  /** Settles once the records that existed at the start have been read, as far as possible. Never rejects. */
  readonly started: Promise<void>
  /**
   * Rejects when the record could not be logged: then the invalidation is not guaranteed.
   * @param waitMs how long to wait for the other nodes' acknowledgements; the log's default when undefined
   */
  append(mode: InvalidationMode, selectors: Selectors, waitMs?: number): Promise<Receipt>
  /** Whether a record later than the stamp names the entry. Memory only, no I/O. */
  verdict(stamp: Stamp): Verdict
  /** Whether the stamp is of this generation or one it continues. If not, later records may be unknown here. */
  holds(stamp: Stamp): boolean
  /** The nodes that share the log and their last reported positions, this process included. */
  nodes(): readonly LogNode[]
  close(): Awaitable<void>
}

export interface LogNode {
  readonly id: string
  readonly position: number
}
