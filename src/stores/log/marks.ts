import type { InvalidationMode, Selectors, Stamp, Verdict } from '../../model.ts'
import { lengthOfName, shortTarget } from './short-target.ts'

/** Position of the newest record that named a target, by mode; 0 when none did. */
export interface Mark {
  readonly purged: number
  readonly invalidated: number
}

/** Everything a log remembers at one moment, as it is sent to another process. */
export interface LogState {
  readonly generation: string
  readonly position: number
  readonly floor: Mark
  readonly marks: readonly (readonly [target: string, mark: Mark])[]
}

/** How many distinct targets a log remembers by default. */
export const MAX_TARGETS = 100_000

/** The target that names everything. */
const ALL = 'all'
const UNMARKED: Mark = { purged: 0, invalidated: 0 }
/** One in this many is forgotten at once: finding a Map's first entry means walking past all deleted ones before it. */
const FORGOTTEN_ONE_IN = 64

/**
 * What an invalidation log remembers: the newest record per target, for a bounded number of targets.
 *
 * A record is O(targets). A verdict is one map look-up per tag, and one per path segment at which a prefix as long was
 * ever named.
 */
export class Marks {
  readonly #maxTargets: number
  /** In order of their newest record. */
  readonly #targets = new Map<string, Mark>()
  #all = UNMARKED
  /** The newest record of a forgotten target: it counts as naming everything older. */
  #floor = UNMARKED
  /** Of all prefixes ever named: others need not be looked up. */
  readonly #prefixLengths = new Set<number>()

  /** @param maxTargets distinct targets remembered; beyond that the oldest are forgotten and raise the floor */
  constructor(maxTargets: number) {
    this.#maxTargets = maxTargets
  }

  /** The marks that another process has sent. */
  static of({ floor, marks }: Pick<LogState, 'floor' | 'marks'>, maxTargets: number): Marks {
    const all = new Marks(maxTargets)
    all.raiseFloor(floor)
    for (const [target, mark] of marks) all.put(target, mark)
    return all
  }

  /** Everything remembered, in order of the newest record. */
  get state(): Pick<LogState, 'floor' | 'marks'> {
    const all: LogState['marks'] = this.#all === UNMARKED ? [] : [[ALL, this.#all]]
    return { floor: this.#floor, marks: [...all, ...this.#targets] }
  }

  /** Notes that the record at `position` named these targets, as made by `targetsOf`. */
  name(targets: readonly string[], mode: InvalidationMode, position: number): void {
    const mark = marked(UNMARKED, mode, position)
    for (const target of targets) this.put(target, mark)
  }

  /** Notes what is known of a target from elsewhere; what was known before stays true. */
  put(given: string, mark: Mark): void {
    if (given === ALL) {
      this.#all = later(this.#all, mark)
      return
    }
    const target = shortTarget(given)
    if (target.startsWith(NAMED_PREFIX)) this.#prefixLengths.add(lengthOfName(target.slice(NAMED_PREFIX.length)))
    const known = this.#targets.get(target) ?? UNMARKED
    this.#targets.delete(target) // so that it comes last: the map is in order of the newest record
    this.#targets.set(target, later(known, mark))
    if (this.#targets.size > this.#maxTargets) this.#forgetOldest()
  }

  /** From now on everything older counts as named. */
  raiseFloor(mark: Mark): void {
    this.#floor = later(this.#floor, mark)
  }

  /**
   * Does a record name it that it has not been compared with yet? If none does, that is noted in `checked`.
   * @param position of the newest record here
   */
  judge(stamp: Stamp, position: number): Verdict {
    const verdict = this.verdict(stamp)
    if (verdict === 'valid') stamp.checked = position
    return verdict
  }

  /** Does a record after `since` name it? */
  verdict(stamp: Pick<Stamp, 'url' | 'tags' | 'checked'>, since = stamp.checked): Verdict {
    let stale = this.#all.invalidated > since || this.#floor.invalidated > since
    if (this.#all.purged > since || this.#floor.purged > since) return 'dead'
    for (const target of this.#namesOf(stamp)) {
      const mark = this.#targets.get(target)
      if (mark === undefined) continue
      if (mark.purged > since) return 'dead'
      stale ||= mark.invalidated > since
    }
    return stale ? 'stale' : 'valid'
  }

  *#namesOf({ url, tags }: Pick<Stamp, 'url' | 'tags'>): Generator<string> {
    const name = wellFormed(url)
    yield shortTarget(NAMED_URL + name)
    for (const tag of tags) yield shortTarget(NAMED_TAG + wellFormed(tag))
    if (this.#prefixLengths.size > 0) yield* prefixesOf(name, this.#prefixLengths)
  }

  #forgetOldest(): void {
    let left = Math.max(1, Math.floor(this.#maxTargets / FORGOTTEN_ONE_IN))
    for (const [target, mark] of this.#targets) {
      if (left-- === 0) return
      this.#targets.delete(target)
      this.raiseFloor(mark)
    }
  }
}

const NAMED_TAG = 'tag '
const NAMED_URL = 'url '
const NAMED_PREFIX = 'prefix '

/** The targets of a record, each as one short string. */
export function targetsOf({ tags = [], urls = [], prefixes = [], all = false }: Selectors): string[] {
  const targets = all ? [ALL] : []
  for (const tag of tags) targets.push(shortTarget(NAMED_TAG + wellFormed(tag)))
  for (const url of urls) targets.push(shortTarget(NAMED_URL + wellFormed(url)))
  for (const prefix of prefixes)
    targets.push(shortTarget(NAMED_PREFIX + wellFormed(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix)))
  return targets
}

/** Records are kept in UTF-8, which cannot express the lone surrogate at the end of a text that was cut. */
const wellFormed = (name: string): string => name.toWellFormed()

/** A mark updated with a newer record. */
export function marked(mark: Mark | undefined, mode: InvalidationMode, position: number): Mark {
  return later(mark ?? UNMARKED, {
    purged: mode === 'purge' ? position : 0,
    invalidated: mode === 'invalidate' ? position : 0,
  })
}

/** The later of each. */
export function later(one: Mark, other: Mark): Mark {
  return {
    purged: Math.max(one.purged, other.purged),
    invalidated: Math.max(one.invalidated, other.invalidated),
  }
}

/**
 * Every prefix of a name that has one of these lengths and ends at a path segment: `host`, `host/a` and `host/a/b` for
 * `host/a/b?c`.
 */
function* prefixesOf(url: string, lengths: ReadonlySet<number>): Generator<string> {
  const query = url.indexOf('?')
  const end = query < 0 ? url.length : query
  for (let at = url.indexOf('/'); at >= 0 && at < end; at = url.indexOf('/', at + 1)) {
    if (lengths.has(at)) yield shortTarget(NAMED_PREFIX + url.slice(0, at))
  }
  if (lengths.has(end)) yield shortTarget(NAMED_PREFIX + url.slice(0, end))
}
