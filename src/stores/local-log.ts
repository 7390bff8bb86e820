import type { InvalidationLog, InvalidationMode, LogNode, Receipt, Selectors, Stamp, Verdict } from '../model.ts'

export interface LocalLogOptions {
  /** The log's identity: another process's entries are not this log's to judge. */
  readonly generation?: string
  /** Distinct targets remembered; beyond it the oldest raises the floor. */
  readonly maxTargets?: number
}

/** Newest record that named a target, by mode; 0 when none did. */
interface Marks {
  purged: number
  invalidated: number
}

/**
 * The invalidation log of one process: a counter and the newest record per target.
 *
 * An append is O(targets). A verdict on an entry already compared with the newest record is one comparison;
 * otherwise one map look-up per tag and, where prefixes were ever named, one per path segment.
 */
export function localLog({
  generation = crypto.randomUUID(),
  maxTargets = 100_000,
}: LocalLogOptions = {}): InvalidationLog {
  return new LocalLog(generation, maxTargets)
}

class LocalLog implements InvalidationLog {
  readonly generation: string
  readonly synced = true
  readonly started = Promise.resolve()
  position = 0
  readonly #maxTargets: number
  /** In order of their newest record. */
  readonly #targets = new Map<string, Marks>()
  readonly #all: Marks = { purged: 0, invalidated: 0 }
  /** What was true of a forgotten target is taken to be true of everything older. */
  readonly #floor: Marks = { purged: 0, invalidated: 0 }
  #longestPrefix = 0

  constructor(generation: string, maxTargets: number) {
    this.generation = generation
    this.#maxTargets = maxTargets
  }

  async append(mode: InvalidationMode, selectors: Selectors): Promise<Receipt> {
    const position = ++this.position
    if (selectors.all) mark(this.#all, mode, position)
    for (const tag of selectors.tags ?? []) this.#name(`tag ${tag}`, mode, position)
    for (const url of selectors.urls ?? []) this.#name(`url ${url}`, mode, position)
    for (const prefix of selectors.prefixes ?? []) this.#namePrefix(prefix, mode, position)
    return { id: `${this.generation}-${position}`, position, nodes: { expected: 1, acked: 1 } }
  }

  verdict(stamp: Stamp): Verdict {
    if (stamp.generation !== this.generation) return 'stale'
    if (stamp.checked === this.position) return 'valid'
    const verdict = this.#compare(stamp)
    if (verdict === 'valid') stamp.checked = this.position
    return verdict
  }

  nodes(): readonly LogNode[] {
    return [{ id: this.generation, position: this.position }]
  }

  close(): void {}

  #compare(stamp: Stamp): Verdict {
    const since = stamp.checked
    let stale = this.#all.invalidated > since || this.#floor.invalidated > since
    if (this.#all.purged > since || this.#floor.purged > since) return 'dead'
    for (const target of this.#namesOf(stamp)) {
      const marks = this.#targets.get(target)
      if (marks === undefined) continue
      if (marks.purged > since) return 'dead'
      stale ||= marks.invalidated > since
    }
    return stale ? 'stale' : 'valid'
  }

  *#namesOf(stamp: Stamp): Generator<string> {
    yield `url ${stamp.url}`
    for (const tag of stamp.tags) yield `tag ${tag}`
    if (this.#longestPrefix > 0) yield* prefixesOf(stamp.url, this.#longestPrefix)
  }

  #namePrefix(prefix: string, mode: InvalidationMode, position: number): void {
    const name = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
    this.#longestPrefix = Math.max(this.#longestPrefix, name.length)
    this.#name(`prefix ${name}`, mode, position)
  }

  #name(target: string, mode: InvalidationMode, position: number): void {
    const marks = this.#targets.get(target) ?? { purged: 0, invalidated: 0 }
    this.#targets.delete(target) // to stand last: the map is in order of the newest record
    mark(marks, mode, position)
    this.#targets.set(target, marks)
    if (this.#targets.size > this.#maxTargets) this.#forgetOldest()
  }

  #forgetOldest(): void {
    const [oldest] = this.#targets
    if (oldest === undefined) return
    const [target, marks] = oldest
    this.#targets.delete(target)
    this.#floor.purged = Math.max(this.#floor.purged, marks.purged)
    this.#floor.invalidated = Math.max(this.#floor.invalidated, marks.invalidated)
  }
}

function mark(marks: Marks, mode: InvalidationMode, position: number): void {
  if (mode === 'purge') marks.purged = position
  else marks.invalidated = position
}

/** Every cut of a name at a path segment: for `host/a/b?c`: `host`, `host/a`, `host/a/b`, and the name itself. */
function* prefixesOf(url: string, longest: number): Generator<string> {
  const query = url.indexOf('?')
  const end = query < 0 ? url.length : query
  for (let at = url.indexOf('/'); at >= 0 && at < end && at <= longest; at = url.indexOf('/', at + 1)) {
    yield `prefix ${url.slice(0, at)}`
  }
  if (end <= longest) yield `prefix ${url.slice(0, end)}`
}
