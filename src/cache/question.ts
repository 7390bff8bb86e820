import type { Fate } from '../body.ts'
import type { Awaitable, Decision, Entry, ForwardReason, Found, Stored } from '../model.ts'
import type { Landed } from './flights.ts'

/**
 * What a front door asks of the engine: where to look, how to judge what is there, how to get it anew.
 * `E` is the kind of entry it stores, `D` an answer that is not stored.
 */
export interface Question<E extends Entry, D> {
  /** Key of the resource; its variants have keys of their own. */
  readonly key: string
  /** Name in the invalidation log. */
  readonly url: string
  /** Label for events. */
  readonly route: string
  /** It carries credentials: it shares a fetch only with others that do, since the answer may turn on them. */
  readonly credentialed: boolean
  /** Aborted when the asker has gone. */
  readonly signal: AbortSignal | undefined
  isEntry(stored: Stored): stored is E
  variantKey(on: readonly string[]): string
  decide(found: Found<E>, now: number): Decision<E>
  /** Asks the origin or the loader. Rejects when there is no answer. */
  load(context: LoadContext<E>): Promise<Loaded<E, D>>
  /** May this entry, fetched for another asker, answer this one? Its body must still be readable from the start. */
  mayShare(entry: E): boolean
  /** Request fields the entry was selected by, as names; empty when the resource does not vary. */
  variesOn(entry: E): readonly string[]
  /** Whether all of the entry's content came to hand. */
  fate(entry: E): Awaitable<Fate>
  /** May this answer, which is not stored, still be read from the start by another asker? */
  mayShareReply(reply: D): boolean
  /** Whoever asked does not read this entry; the store may still want it. */
  discardEntry(entry: E): void
  /** An answer nobody is going to read. */
  discard(reply: D): void
}

export type Loaded<E extends Entry, D> = Exclude<Landed<E, D>, { kind: 'error' }>

export interface LoadContext<E extends Entry> {
  /** A stored copy that the origin may confirm. */
  readonly previous: E | undefined
  /** `previous` may answer if the origin fails: an error response must not take its place. */
  readonly keepPrevious: boolean
  /** The result may be shared: a complete, unconditional answer is asked for. */
  readonly shared: boolean
  /** For the new entry: where the log stood before the load began. */
  readonly generation: string
  readonly position: number
  readonly signal: AbortSignal | undefined
  /** Why the origin is asked, for its metric. */
  readonly why: ForwardReason
}
