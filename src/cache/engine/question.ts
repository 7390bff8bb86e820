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
  /**
   * Put behind a key, it names the fetches this asker may share: those with credentials are apart from those without,
   * since the answer may turn on them, and those for one range from those for another.
   */
  readonly apart: string
  /** The same for a fetch of the whole, which answers any range as well; undefined when `apart` names that already. */
  readonly apartWhole: string | undefined
  /** Aborted when the asker has gone. */
  readonly signal: AbortSignal | undefined
  /** Aborted when the asker is no longer to be counted among those who wait. It may outlive the question. */
  readonly leaving: Signal | undefined
  isEntry(stored: Stored): stored is E
  variantKey(on: readonly string[]): string
  /** Key of another variant that answers the asker as well. */
  otherVariant(varies: Varies): string | undefined
  /** The name by which `otherVariant` finds this entry. */
  variantName(entry: E): string | undefined
  decide(found: Found<E>, now: number): Decision<E>
  /** The same for a refresh of this entry that nobody waits for: without what the asker wishes of its own answer. */
  forRefresh(entry: E): Question<E, D>
  /**
   * The same in nobody's name, where answers to such as the asker may not be given to others; undefined where that
   * cannot be, or makes no difference.
   */
  forAnyone(entry: E): Question<E, D> | undefined
  /** Asks the origin or the loader. Rejects, or throws at once, when there is no answer. */
  load(context: LoadContext<E>): Promise<Loaded<E, D>>
  /** May this entry, fetched for another asker, answer this one? Its body must still be readable from the start. */
  mayShare(entry: E): boolean
  /** Request fields the entry was selected by, as names; empty when the resource does not vary. */
  variesOn(entry: E): readonly string[]
  /** Bytes of the entry's content, as soon as that is known. */
  lengthOf(entry: E): number | undefined
  /** Is it an error, which no copy that may stand in for it gives way to? */
  isError(entry: E): boolean
  /** Whether all of the entry's content came to hand. */
  fate(entry: E): Awaitable<Fate>
  /** May this answer, which is not stored, still be read from the start by another asker? */
  mayShareReply(reply: D): boolean
  /** Is the entry less than the whole, so that what is stored already bears on what to store? */
  isPart(entry: E): boolean
  /**
   * What to store of a part whose content has all come to hand, beside what is stored and valid; undefined: nothing.
   * The log holds the part.
   */
  settled(part: E, stored: Stored | undefined): E | undefined
  /** Whoever asked does not read this entry; the store may still want it. */
  discardEntry(entry: E): void
  /** An answer nobody is going to read. */
  discard(reply: D): void
}

export type Loaded<E extends Entry, D> = Exclude<Landed<E, D>, { kind: 'error' }>

export interface LoadContext<E extends Entry> {
  /** A stored copy that the origin may confirm. */
  readonly previous: E | undefined
  /** `previous` was invalidated: an answer to HEAD, which may say nothing of its content, does not confirm it. */
  readonly doubted: boolean
  /** A fresh copy of a part: the origin is asked for what it lacks. */
  readonly part: E | undefined
  /** A copy may answer if the origin fails: an error response must not take its place. */
  readonly keepPrevious: boolean
  /** The result may be shared: a complete, unconditional answer is asked for. */
  readonly shared: boolean
  /** For the new entry: where the log stood before the load began, and when that was. */
  readonly beginning: Beginning
  readonly signal: AbortSignal | undefined
  /** Nobody waits for it. */
  readonly background: boolean
  /** Why the origin is asked, for its metric. */
  readonly why: ForwardReason
}
