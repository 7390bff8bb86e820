/** "Varies on ...": what stands at the key of a resource whose answers differ by request fields. */
import type { Fate } from '../../body.ts'
import type {
  Anew,
  Awaitable,
  Clock,
  Entry,
  InvalidationLog,
  Kept,
  Store,
  Stored,
  Varies,
  Written,
} from '../../model.ts'
import type { AnyFlight, Flights } from './flights.ts'
import { isInUse } from './in-use.ts'
import { known } from './lookup.ts'
import type { Question } from './question.ts'
import { stampOf } from './stamp.ts'
import { withStored } from './with-stored.ts'

export interface VariantsParts {
  readonly store: Store
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly flights: Flights
}

/** It has been said that a resource varies, while the variant that shows it is arriving. */
export interface Announcement {
  /** Nobody waits for it: a store may take its time. */
  readonly written: Awaitable<Written>
  /** What was asked for later stands there: nothing leads to the variant. */
  readonly isOutOfPlace: boolean
  /** What has become of that variant. */
  settle(fate: Fate): void
}

/** Of a variant that is arriving. */
interface Arriving extends Announcement {
  readonly variant: string
  /** Absent: it was fetched for one asker alone. */
  readonly flight: AnyFlight | undefined
  isOutOfPlace: boolean
}

/** What is to be known of the fetch of a variant. */
export interface Announcing {
  readonly flight: AnyFlight | undefined
  /** Whether what stands at the resource's key was asked for later. */
  readonly isStaying: (kept: Kept) => boolean
  readonly anew: Anew | undefined
}

/** What stood at a key before it was said that the resource varies. */
interface Replaced {
  before: Entry | Varies
  /** How many variants are arriving, of which none has come whole. */
  arriving: number
}

const MOST_VARIANTS = 64
const NO_TAGS: readonly string[] = []
const NOT_SAID: Announcement = { written: undefined, isOutOfPlace: false, settle: () => {} }
const OUT_OF_PLACE: Announcement = { ...NOT_SAID, isOutOfPlace: true }

export class Variants {
  readonly #store: Store
  readonly #log: InvalidationLog
  readonly #clock: Clock
  readonly #flights: Flights
  readonly #replaced = new Map<string, Replaced>()
  readonly #arriving = new Set<Arriving>()

  constructor({ store, log, clock, flights }: VariantsParts) {
    this.#store = store
    this.#log = log
    this.#clock = clock
    this.#flights = flights
  }

  /**
   * Puts "varies on ..." at the resource's key. A changed Vary drops the variants made under the old one, and whatever
   * stood there, once a variant has come whole: where they all break off, that is put back. An error says nothing of
   * what else there is.
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
      if (question.isError(entry) && isInUse(question, before, this.#log, this.#clock.now())) return NOT_SAID
      const same = before?.kind === 'varies' && this.#log.verdict(before) !== 'dead' && sameNames(before.on, on)
      if (!same && isStaying(kept)) return OUT_OF_PLACE
      const others = same ? before.variants.filter((other) => other !== variant) : []
      const variants = [...others, variant].slice(-MOST_VARIANTS)
      const dropped = before?.kind === 'varies' ? before.variants.filter((other) => !variants.includes(other)) : []
      const name = question.variantName(entry)
      const isLasting = ([language, to]: Varies['languages'][number]) =>
        language !== name && to !== variant && variants.includes(to)
      const languages = same ? before.languages.filter(isLasting) : []
      if (name !== undefined) languages.push([name, variant])
      const keepUntil = Math.max(entry.keepUntil, same ? before.keepUntil : 0)
      const askedAt = same ? Math.max(entry.askedAt, before.askedAt) : entry.askedAt
      const stamp = stampOf(entry.url, NO_TAGS, entry)
      const marker: Stored = { kind: 'varies', on, variants, languages, keepUntil, ...stamp, askedAt }
      const replaced = this.#replacedBy(key, same ? undefined : before)
      const settle = (fate: Fate): void => {
        if (fate !== 'broken' && !arriving.isOutOfPlace) {
          if (this.#replaced.get(key) === replaced) this.#replaced.delete(key)
          this.drop(dropped, same, arriving)
        } else if (replaced !== undefined) this.#brokenOff(key, on, replaced)
        else if (same) this.#putBack(key, before, (there) => isSaidOf(there, variant, entry))
        this.#arriving.delete(arriving)
      }
      const written = this.#store.set(key, marker, keepUntil - this.#clock.now())
      const arriving: Arriving = { variant, flight, written, isOutOfPlace: false, settle }
      this.#arriving.add(arriving)
      return arriving
    }
    return withStored(this.#store, key, announce, anew)
  }

  /**
   * Variants to which nothing leads any more: the same names in a later Vary would bring them back. Those that are
   * arriving are not kept.
   * @param areJoined they are still what whoever asks for them now would get
   * @param by what came in their place: those that were announced after it stay
   */
  drop(variants: readonly string[], areJoined = false, by?: Arriving): void {
    if (variants.length === 0) return
    for (const variant of variants) void this.#store.delete(variant)
    for (const arriving of this.#arriving) {
      if (arriving === by) return
      if (!variants.includes(arriving.variant)) continue
      arriving.isOutOfPlace = true
      if (!areJoined && arriving.flight !== undefined) this.#flights.supersede(arriving.flight)
    }
  }

  /** One more variant arrives in the place of what stood there before the first. */
  #replacedBy(key: string, before: Stored | undefined): Replaced | undefined {
    const present = this.#replaced.get(key)
    if (present !== undefined) {
      if (before?.kind === 'response' || before?.kind === 'value') present.before = before
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
    this.#putBack(key, replaced.before, (there) => sameNames(there.on, on))
  }

  /** Unless another process has put something else there, which only a tier beyond memory would tell. */
  #putBack(key: string, before: Entry | Varies, isOurs: (there: Varies) => boolean): void {
    const put = (kept: Kept): Awaitable<Written> => {
      const there = known(kept)
      const forMs = before.keepUntil - this.#clock.now()
      const isOfUse = forMs > 0 && this.#log.verdict(before) !== 'dead'
      return there?.kind === 'varies' && isOurs(there) && isOfUse ? this.#store.set(key, before, forMs) : undefined
    }
    void withStored(this.#store, key, put, { past: undefined, generation: this.#log.generation })
  }
}

/** Is it this variant by whose arrival it was said last? */
const isSaidOf = ({ variants, startedAt }: Varies, variant: string, entry: Entry): boolean =>
  variants.at(-1) === variant && startedAt === entry.startedAt

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, index) => name === b[index])
