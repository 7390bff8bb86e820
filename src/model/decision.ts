/** What to do with a question, given what is stored, and what became of it. */
import type { Detail, Result } from './results.ts'
import type { Entry } from './stored.ts'

/** Why a request went forward: the `fwd` tokens of RFC 9211 section 2.2. */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial'

/** What the stores hold for a question. Dead things are not found. */
export type Found<E extends Entry = Entry> = FoundEntry<E> | FoundNothing

export interface FoundEntry<E extends Entry = Entry> {
  readonly kind: 'entry'
  /** Where it is kept: the resource's key or a variant's. */
  readonly key: string
  readonly entry: E
  /** `stale` when an invalidation names the entry. */
  readonly verdict: 'valid' | 'stale'
}

export interface FoundNothing {
  readonly kind: 'nothing'
  /** Where it would be kept. */
  readonly key: string
  readonly miss: 'uri-miss' | 'vary-miss'
  /** A recent answer was for one caller alone. */
  readonly unshareable: boolean
}

/** What to do with a question, given what is stored. */
export type Decision<E extends Entry = Entry> =
  | { readonly kind: 'serve'; readonly entry: E; readonly refresh: boolean }
  | {
      readonly kind: 'serve-stale'
      readonly entry: E
      /** A refresh would have no content: it may only say that the copy is as good as new (RFC 9111 section 4.3.5). */
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
      /** A fresh copy of a part: what it lacks is enough. */
      readonly part?: E | undefined
      /** What stands there, though it does not answer: no error takes its place while it is of use. */
      readonly standing?: E | undefined
      readonly fallback?: undefined
    }
  | {
      readonly kind: 'pass'
      readonly why: ForwardReason
      readonly detail?: Detail | undefined
      readonly fallback?: Fallback<E> | undefined
      /** Since the last answer for the key was not for sharing, or all of it is known to be too large. */
      readonly remembered?: true
      /** As in `fetch`. */
      readonly standing?: E | undefined
      /** The copy that an answer without content speaks of (RFC 9111 section 4.3.5). */
      readonly updates?: E | undefined
    }
  | { readonly kind: 'refuse'; readonly detail: Detail }

/** What may answer if the origin fails, or is slow. */
export interface Fallback<E extends Entry = Entry> {
  readonly entry: E
  /** How long the origin may take, in milliseconds; undefined: as long as it does. */
  readonly afterMs: number | undefined
  /** When its window ends: an origin may take its time to fail. */
  readonly until: number
}

/** How a request was answered. Metric, log line and Cache-Status all come from it. */
export interface Outcome {
  readonly result: Result
  readonly fwd?: ForwardReason | undefined
  /** Status code the origin answered with. */
  readonly fwdStatus?: number | undefined
  readonly stored?: boolean | undefined
  readonly collapsed?: boolean | undefined
  /** Remaining freshness; negative when stale. */
  readonly ttlMs?: number | undefined
  readonly detail?: Detail | undefined
  /** From asking the origin to its response head. */
  readonly originMs?: number | undefined
}
