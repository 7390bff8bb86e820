import type { Fate } from '../../body.ts'
import type {
  Awaitable,
  Beginning,
  Decision,
  Entry,
  ForwardReason,
  Found,
  Signal,
  Stored,
  Varies,
} from '../../model.ts'
import type { Landed } from './landing.ts'

/**
 * What a door asks of the engine: where to look, how to judge what is stored, how to load it anew.
 * `E` is the kind of entry it stores, `D` an answer that is not stored.
 */
export interface Question<E extends Entry, D> {
  /** Key of the resource; its variants have keys of their own. */
  readonly key: string
  /** Name in the invalidation log. */
  readonly url: string
  /** Label for events. */
  readonly route: string
  /**
   * Collapse partition, appended to a key: it separates fetches with credentials from those without, as the answer may
   * depend on them, and fetches for different ranges.
   */
  readonly apart: string
  /** The partition for a fetch of the whole, which answers any range too; undefined if `apart` is that already. */
  readonly apartWhole: string | undefined
  /** Aborted when the caller has gone. */
  readonly signal: Signal | undefined
  /** Aborted when the caller no longer counts as waiting. It may outlive the question. */
  readonly leaving: Signal | undefined
  isEntry(stored: Stored): stored is E
  variantKey(on: readonly string[]): string
  /** Key of another variant that also suits the caller. */
  otherVariant(varies: Varies): string | undefined
  /** The name by which `otherVariant` finds this entry. */
  variantName(entry: E): string | undefined
  decide(found: Found<E>, now: number): Decision<E>
  /** The question for a background refresh of this entry, without directives that concern only the caller's answer. */
  forRefresh(entry: E): Question<E, D>
  /**
   * The same made anonymously, for when answers to callers like this one are not shared; undefined if that is
   * impossible or makes no difference.
   */
  forAnyone(entry: E): Question<E, D> | undefined
  /** Asks the origin or the loader. Rejects, or throws synchronously, if there is no answer. */
  load(context: LoadContext<E>): Promise<Loaded<E, D>>
  /** Whether this entry, fetched for another caller, may answer this one: its body must be readable from the start. */
  mayShare(entry: E): boolean
  /** Names of the request fields the entry varies on; empty if the resource does not vary. */
  variesOn(entry: E): readonly string[]
  /** Bytes of the entry's content, as soon as that is known. */
  lengthOf(entry: E): number | undefined
  /** Whether it is an error, which must not replace a copy that may stand in for it. */
  isError(entry: E): boolean
  /** What became of the entry's content. */
  fate(entry: E): Awaitable<Fate>
  /** Whether this answer, which is not stored, can still be read from the start by another caller. */
  mayShareReply(reply: D): boolean
  /** Whether the entry is only a part, so that what to store depends on what is already stored. */
  isPart(entry: E): boolean
  /**
   * What to store for a part that has arrived completely, given what is stored and valid; undefined: nothing. The
   * invalidation log must hold the part.
   */
  entryToStore(part: E, stored: Stored | undefined): E | undefined
  /** The caller does not read this entry; the store may still keep it. */
  discardEntry(entry: E): void
  /** Nobody is going to read this answer. */
  discard(reply: D): void
}

/** Whether this valid entry answers the question now, without asking the origin. */
export const isServed = <E extends Entry, D>(question: Question<E, D>, entry: E, now: number): boolean =>
  question.decide({ kind: 'entry', key: question.key, entry, verdict: 'valid' }, now).kind === 'serve'

export type Loaded<E extends Entry, D> = Exclude<Landed<E, D>, { kind: 'error' }>

export interface LoadContext<E extends Entry> {
  /** A stored copy that the origin may confirm. */
  readonly previous: E | undefined
  /** A fresh partial copy: if a single range is missing, the origin is asked for that only. */
  readonly part: E | undefined
  /** A copy may answer if the origin fails: an error response must not replace it. */
  readonly keepPrevious: boolean
  /** The result may be shared: a complete, unconditional response is requested. */
  readonly shared: boolean
  /** For the new entry's stamp: the log's position before the load began, and the time. */
  readonly beginning: Beginning
  readonly signal: Signal | undefined
  /** A background refresh: nobody waits for it. */
  readonly background: boolean
  /** Why the origin is asked, for metrics. */
  readonly why: ForwardReason
}
