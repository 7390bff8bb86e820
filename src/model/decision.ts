/** What to do with a question, given what is stored, and what became of it. */
import type { Detail, Result } from './results.ts'
import type { Entry } from './stored.ts'

/** Why a request went forward: the `fwd` tokens of RFC 9211 section 2.2. */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial'

/** What the stores hold for a question. Purged entries are not found. */
export type Found<E extends Entry = Entry> = FoundEntry<E> | FoundNothing

export interface FoundEntry<E extends Entry = Entry> {
  readonly kind: 'entry'
  /** Key it is stored under: the resource's or a variant's. */
  readonly key: string
  readonly entry: E
  /** `stale` when an invalidation names the entry. */
  readonly verdict: 'valid' | 'stale'
}

export interface FoundNothing {
  readonly kind: 'nothing'
  /** Key it would be stored under. */
  readonly key: string
  readonly miss: 'uri-miss' | 'vary-miss'
  /** A recent answer was for one caller only. */
  readonly unshareable: boolean
}

/** What to do with a question, given what is stored. */
export type Decision<E extends Entry = Entry> =
  | { readonly kind: 'serve'; readonly entry: E; readonly refresh: boolean }
  | {
      readonly kind: 'serve-stale'
      readonly entry: E
      /** Refresh by HEAD: it can confirm the copy or show it outdated, not replace it (RFC 9111 section 4.3.5). */
      readonly headOnly?: true
    }
  | {
      readonly kind: 'revalidate'
      readonly entry: E
      readonly why: ForwardReason
      readonly fallback?: Fallback<E> | undefined
    }
  | {
      readonly kind: 'fetch'
      readonly why: ForwardReason
      /** A fresh partial copy: if a single range is missing, only that needs fetching. */
      readonly part?: E | undefined
      /** The stored entry that cannot answer this request; an error does not replace it while it is still usable. */
      readonly existing?: E | undefined
      readonly fallback?: undefined
    }
  | {
      readonly kind: 'pass'
      readonly why: ForwardReason
      readonly detail?: Detail | undefined
      readonly fallback?: Fallback<E> | undefined
      /** Because the last answer for the key could not be shared, or the whole is known to be too large. */
      readonly remembered?: true
      /** As in `fetch`. */
      readonly existing?: E | undefined
      /** The copy that a response to HEAD may update (RFC 9111 section 4.3.5). */
      readonly updatable?: E | undefined
    }
  | { readonly kind: 'refuse'; readonly detail: Detail }

/** What may answer if the origin fails, or is slow. */
export interface Fallback<E extends Entry = Entry> {
  readonly entry: E
  /** How long to wait for the origin before falling back, in milliseconds; undefined: no limit. */
  readonly afterMs: number | undefined
  /** From when it may no longer be used: a slow origin may fail after the copy's window has ended. */
  readonly until: number
}

/** How a request was answered. Metrics, the log line and Cache-Status are all derived from it. */
export interface Outcome {
  readonly result: Result
  readonly fwd?: ForwardReason | undefined
  /** Status code the origin answered with. */
  readonly fwdStatus?: number | undefined
  readonly stored?: boolean | undefined
  readonly collapsed?: boolean | undefined
  /** Remaining freshness in milliseconds; negative when stale. */
  readonly ttlMs?: number | undefined
  readonly detail?: Detail | undefined
  /** Milliseconds from asking the origin to its response head. */
  readonly originMs?: number | undefined
}
