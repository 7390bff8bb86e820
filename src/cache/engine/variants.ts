/** "Varies" markers: stored under the key of a resource whose responses vary by request fields. */
import type { Fate } from '../../body.ts'
import { CollectableMap, CollectableSet } from '../../collectable.ts'
import {
  type Anew,
  type Awaitable,
  type Clock,
  type Entry,
  type InvalidationLog,
  isEntry,
  type Kept,
  known,
  type Store,
  type Stored,
  type Varies,
  type Written,
} from '../../model.ts'
import type { AnyFlight, Flights } from './flights.ts'
import { isInUse } from './in-use.ts'
import type { Question } from './question.ts'
import { NO_TAGS, stampOf } from './stamp.ts'
import { withStored } from './with-stored.ts'

export interface VariantsParts {
  readonly store: Store
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly flights: Flights
}

/** A "varies" marker that was stored while the variant that revealed it is still arriving. */
export interface Announcement {
  /** The write of the marker, which nothing waits for before the variant has arrived. */
  readonly written: Awaitable<Written>
  /** No marker leads to the variant: something requested later is stored there, or a marker has dropped it. */
  readonly isOutOfPlace: boolean
  /** Reports what became of the variant's content. */
  settle(fate: Fate): void
}

/** The announcement of a variant that is still arriving. */
interface ArrivingVariant extends Announcement {
  readonly variant: string
  /** Absent: it was fetched for one caller only. */
  readonly flight: AnyFlight | undefined
  isOutOfPlace: boolean
}

/** The fetch of a variant. */
export interface Announcing {
  readonly flight: AnyFlight | undefined
  /** Whether what is stored under the resource's key was requested later. */
  readonly isStaying: (kept: Kept) => boolean
  readonly anew: Anew | undefined
}

/** What a "varies" marker replaced, until the fate of a variant is known. */
interface Replaced {
  before: Entry | Varies
  /** Number of variants still arriving. */
  arriving: number
}

const MAX_VARIANTS = 64
const NOT_ANNOUNCED: Announcement = { written: undefined, isOutOfPlace: false, settle: () => {} }
const OUT_OF_PLACE: Announcement = { ...NOT_ANNOUNCED, isOutOfPlace: true }

export class Variants {
  readonly #store: Store
  readonly #log: InvalidationLog
  readonly #clock: Clock
  readonly #flights: Flights
  readonly #replaced = new CollectableMap<string, Replaced>()
  readonly #arriving = new CollectableSet<ArrivingVariant>()

  constructor({ store, log, clock, flights }: VariantsParts) {
    this.#store = store
    this.#log = log
    this.#clock = clock
    this.#flights = flights
  }

  /**
   * Stores a "varies" marker under the resource's key. If it replaces something else, that is put back if all variants
   * that are arriving break off; once one has arrived completely or outgrown its limit, it is dropped, and so are the
   * variants of an old Vary. An error replaces nothing that is in use.
   */
  announce<E extends Entry, D>(
    question: Question<E, D>,
    entry: E,
    on: readonly string[],
    variant: string,
    { flight, isStaying, anew }: Announcing,
  ): Awaitable<Announcement> {
    const { key } = question
    const announce = (kept: Kept): Awaitable<Announcement> => {
      const before = known(kept)
      if (question.isError(entry) && isInUse(question, before, this.#log, this.#clock.now())) return NOT_ANNOUNCED
      const isSame = before?.kind === 'varies' && this.#log.verdict(before) !== 'dead' && sameNames(before.on, on)
      const same = isSame ? before : undefined
      if (!isSame && isStaying(kept)) return OUT_OF_PLACE
      const marker = markerWith(variant, question.variantName(entry), entry, on, same)
      const isDropped = (other: string) => !marker.variants.includes(other)
      const dropped = before?.kind === 'varies' ? before.variants.filter(isDropped) : []
      const replaced = this.#replacedBy(key, isSame ? undefined : before)
      const settle = (fate: Fate): void => {
        if (fate !== 'broken' && !arriving.isOutOfPlace) {
          if (this.#replaced.get(key) === replaced) this.#replaced.delete(key)
          this.drop(dropped, isSame, arriving)
        } else if (replaced !== undefined) this.#brokenOff(key, on, replaced)
        else if (isSame) this.#putBack(key, before, (present) => isLastWrittenFor(present, variant, entry))
        leave()
      }
      const written = this.#store.set(key, marker, marker.keepUntil - this.#clock.now())
      const arriving: ArrivingVariant = { variant, flight, written, isOutOfPlace: false, settle }
      const leave = this.#arriving.add(arriving)
      return arriving
    }
    return withStored(this.#store, key, announce, anew)
  }

  /**
   * Deletes variants to which no marker leads any more: the same names in a later Vary would bring them back. Those
   * still arriving are not stored.
   * @param mayBeJoined callers may still join the fetches of those still arriving
   * @param by what replaced them: variants announced after it stay
   */
  drop(variants: readonly string[], mayBeJoined = false, by?: ArrivingVariant): void {
    if (variants.length === 0) return
    for (const variant of variants) void this.#store.delete(variant)
    for (const arriving of this.#arriving) {
      if (arriving === by) return
      if (!variants.includes(arriving.variant)) continue
      arriving.isOutOfPlace = true
      if (!mayBeJoined && arriving.flight !== undefined) this.#flights.supersede(arriving.flight)
    }
  }

  /** Counts one more arriving variant, and remembers what was stored before the first. */
  #replacedBy(key: string, before: Stored | undefined): Replaced | undefined {
    const present = this.#replaced.get(key)
    if (present !== undefined) {
      if (isEntry(before)) present.before = before
      present.arriving++
      return present
    }
    if (before === undefined || before.kind === 'unshareable') return undefined
    const replaced = { before, arriving: 1 }
    this.#replaced.set(key, replaced)
    return replaced
  }

  #brokenOff(key: string, on: readonly string[], replaced: Replaced): void {
    if (this.#replaced.get(key) !== replaced) return
    replaced.arriving--
    if (replaced.arriving > 0) return
    this.#replaced.delete(key)
    this.#putBack(key, replaced.before, (present) => sameNames(present.on, on))
  }

  /** Skipped if another process has stored something else there; to know that, the tiers beyond memory are read too. */
  #putBack(key: string, before: Entry | Varies, isOurs: (present: Varies) => boolean): void {
    const put = (kept: Kept): Awaitable<Written> => {
      const present = known(kept)
      const forMs = before.keepUntil - this.#clock.now()
      const isUsable = forMs > 0 && this.#log.verdict(before) !== 'dead'
      return present?.kind === 'varies' && isOurs(present) && isUsable ? this.#store.set(key, before, forMs) : undefined
    }
    void withStored(this.#store, key, put, { past: undefined, generation: this.#log.generation })
  }
}

/**
 * A marker that leads to this variant too.
 * @param name of the variant for its language, if that is known
 * @param same the marker in force, if it is for the same Vary: its variants stay
 */
function markerWith(
  variant: string,
  name: string | undefined,
  entry: Entry,
  on: readonly string[],
  same: Varies | undefined,
): Varies {
  const others = same?.variants.filter((other) => other !== variant) ?? []
  const variants = [...others, variant].slice(-MAX_VARIANTS)
  const isLasting = ([language, to]: Varies['languages'][number]) =>
    language !== name && to !== variant && variants.includes(to)
  const languages = same?.languages.filter(isLasting) ?? []
  if (name !== undefined) languages.push([name, variant])
  const keepUntil = Math.max(entry.keepUntil, same?.keepUntil ?? 0)
  const askedAt = Math.max(entry.askedAt, same?.askedAt ?? entry.askedAt)
  return { kind: 'varies', on, variants, languages, keepUntil, ...stampOf(entry.url, NO_TAGS, entry), askedAt }
}

/** Whether the marker was last written for this variant. */
const isLastWrittenFor = ({ variants, startedAt }: Varies, variant: string, entry: Entry): boolean =>
  variants.at(-1) === variant && startedAt === entry.startedAt

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, index) => name === b[index])
