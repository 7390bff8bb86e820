/** What ends their use before its time. */
import type { Awaitable } from './clock.ts'
import type { Stamp } from './stored.ts'

export type Selectors = {
  readonly tags?: readonly string[]
  /** Names as in Stamp.url. */
  readonly urls?: readonly string[]
  /** Prefixes of names, cut at path segments. */
  readonly prefixes?: readonly string[]
  readonly all?: boolean
}

/** purge: never served again, not even stale. invalidate: revalidated before the next use. */
export type InvalidationMode = 'purge' | 'invalidate'

export interface Receipt {
  readonly id: string
  readonly position: number
  readonly nodes: { readonly expected: number; readonly acked: number }
}

export type Verdict = 'valid' | 'stale' | 'dead'

/** The one totally ordered record of purges and invalidations. */
export interface InvalidationLog {
  readonly generation: string
  /** Position of the newest record applied here. */
  readonly position: number
  /**
   * Goes up with every record that comes to count here, whether it is read from the log or has only been asked for in
   * this process, and with a new generation.
   */
  readonly changes: number
  /** Whether it has heard, within the last lease, of every record there is. While not, older copies count as stale. */
  readonly synced: boolean
  /** Settles when the records there were at the start have been read, as far as they could be. Never rejects. */
  readonly started: Promise<void>
  /**
   * Rejects when the record could not be logged: then nothing was invalidated for certain.
   * @param waitMs for the other nodes to say that they have heard; the log's own default when undefined
   */
  append(mode: InvalidationMode, selectors: Selectors, waitMs?: number): Promise<Receipt>
  /** Does a record later than the stamp name it? Memory only, no I/O. */
  verdict(stamp: Stamp): Verdict
  /** Is the stamp of this generation, or of what it goes on from? If not, what was appended since is not known here. */
  holds(stamp: Stamp): boolean
  /** Who shares the log, and how far each has come, as last heard; this process included. */
  nodes(): readonly LogNode[]
  close(): Awaitable<void>
}

export interface LogNode {
  readonly id: string
  readonly position: number
}
