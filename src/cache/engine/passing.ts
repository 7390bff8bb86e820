/** Asks the origin for one caller only. An answer that others may use is stored. */
import type { Clock, Entry, InvalidationLog, Outcome, Signal, Written } from '../../model.ts'
import type { Answers } from './answers.ts'
import { isInUse } from './in-use.ts'
import { discard, type Landed, type LandedEntry, load } from './landing.ts'
import { limitedWaits } from './limited-waits.ts'
import type { Placing } from './placing.ts'
import type { Question } from './question.ts'
import { direct, type Pass, type Resolution } from './resolution.ts'
import { beginningAt } from './stamp.ts'
import type { Storing } from './storing.ts'

export interface PassingParts {
  readonly log: InvalidationLog
  readonly clock: Clock
  readonly storing: Storing
  readonly placing: Placing
  readonly answers: Answers
}

export class Passing {
  readonly #log: InvalidationLog
  readonly #clock: Clock
  readonly #storing: Storing
  readonly #placing: Placing
  readonly #answers: Answers
  readonly #inProgress = new PassesInProgress()
  /** Keys of copies being checked in the background. */
  readonly #refreshing = new Set<string>()

  constructor({ log, clock, storing, placing, answers }: PassingParts) {
    this.#log = log
    this.#clock = clock
    this.#storing = storing
    this.#placing = placing
    this.#answers = answers
  }

  /** @param key under which the question's entry was found, or would have been */
  async answer<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    decision: Pass<E>,
  ): Promise<Resolution<E, D>> {
    const { why, detail, fallback } = decision
    const startedAt = this.#clock.now()
    const pass = this.#inProgress.begin(question.key)
    const loading = this.#load(question, decision, question.signal)
    const afterMs = fallback?.afterMs
    const landed = await (afterMs === undefined ? loading : limitedWaits(loading).within(afterMs, this.#clock))
    const stale = landed === 'slow' ? this.#answers.whileSlow<E, D>(decision) : undefined
    if (stale !== undefined) {
      void loading.then((late) => this.#settleLate(question, key, decision, late, pass))
      return stale
    }
    return this.#answerWith(question, key, decision, landed === 'slow' ? await loading : landed, pass, {
      result: 'pass',
      fwd: why,
      originMs: this.#clock.now() - startedAt,
      detail,
    })
  }

  /** Checks the copy in the background, unless a check is under way. */
  refresh<E extends Entry, D>(question: Question<E, D>, key: string, entry: E): void {
    if (this.#refreshing.has(key)) return
    this.#refreshing.add(key)
    const pass = this.#inProgress.begin(question.key)
    const fallback = { entry, afterMs: undefined, until: entry.staleIfErrorUntil }
    const decision = { kind: 'pass', why: 'stale', fallback, updatable: entry } as const
    void this.#load(question, decision, undefined, true).then((landed) => {
      this.#refreshing.delete(key)
      this.#settleLate(question, key, decision, landed, pass)
    })
  }

  /** Something newer was stored under this key: passes in progress must not replace it. */
  supersede(key: string): void {
    this.#inProgress.supersede(key)
  }

  #load<E extends Entry, D>(
    question: Question<E, D>,
    { why, fallback, updatable, existing }: Pass<E>,
    signal: Signal | undefined,
    background = false,
  ): Promise<Landed<E, D>> {
    const beginning = beginningAt(this.#log, this.#clock.now()) // before the load: a record logged in between is later
    const verdict = updatable === undefined ? 'dead' : this.#log.verdict(updatable)
    return load(question, {
      previous: verdict === 'dead' ? undefined : updatable,
      part: undefined,
      keepPrevious: fallback !== undefined || isInUse(question, existing, this.#log, beginning.startedAt),
      shared: false,
      beginning,
      signal,
      background,
      why,
    })
  }

  #answerWith<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    decision: Pass<E>,
    landed: Landed<E, D>,
    pass: PassInProgress,
    passed: Outcome,
  ): Resolution<E, D> {
    this.#inProgress.end(pass)
    switch (landed.kind) {
      case 'entry': {
        const written = this.#keepUnlessSuperseded(pass, question, decision, landed, key)
        if (mayBeUnshareableAgain(question, decision, landed)) {
          return { kind: 'entry', entry: landed.entry, outcome: { ...passed, fwdStatus: landed.status } }
        }
        return this.#answers.fetched(decision.why, landed, written, passed.originMs)
      }
      case 'direct':
        if (landed.outdated !== undefined) this.#placing.outdate(key, landed.outdated)
        return direct(landed.reply, { ...passed, fwdStatus: landed.status, detail: passed.detail ?? landed.why })
      case 'failed': {
        const outcome = { ...passed, fwdStatus: landed.status, detail: passed.detail ?? landed.why }
        return this.#answers.failed(question, decision, landed, outcome)
      }
      case 'error':
        return this.#answers.staleOrError(decision, landed.thrown, false)
    }
  }

  /** Stores what was fetched for one caller only, unless something newer was stored meanwhile. */
  #keepUnlessSuperseded<E extends Entry, D>(
    pass: PassInProgress,
    question: Question<E, D>,
    { updatable }: Pass<E>,
    { entry, validated }: LandedEntry<E>,
    key: string,
  ): Written {
    const updated = validated ? updatable : undefined
    return pass.superseded ? 'lost' : this.#storing.keep(question, entry, key + question.apart, { updated })
  }

  /** For an answer that came too late for its caller, or that nobody waited for. */
  #settleLate<E extends Entry, D>(
    question: Question<E, D>,
    key: string,
    decision: Pass<E>,
    landed: Landed<E, D>,
    pass: PassInProgress,
  ): void {
    this.#inProgress.end(pass)
    if (landed.kind === 'entry') this.#keepUnlessSuperseded(pass, question, decision, landed, key)
    if (landed.kind === 'direct' && landed.outdated !== undefined) this.#placing.outdate(key, landed.outdated)
    discard(question, landed)
  }
}

/**
 * Whether it is too early to report this answer as stored: the last one for the key was unshareable, perhaps because it
 * was too large, and the length of this one is not known yet.
 */
function mayBeUnshareableAgain<E extends Entry, D>(
  question: Question<E, D>,
  decision: Pass<E>,
  { entry }: LandedEntry<E>,
): boolean {
  return decision.remembered === true && question.lengthOf(entry) === undefined
}

interface PassInProgress {
  readonly key: string
  superseded: boolean
}

/** Passes in progress, by the key of their resource. */
class PassesInProgress {
  readonly #byKey = new Map<string, Set<PassInProgress>>()

  begin(key: string): PassInProgress {
    const pass: PassInProgress = { key, superseded: false }
    const passes = this.#byKey.get(key)
    if (passes === undefined) this.#byKey.set(key, new Set([pass]))
    else passes.add(pass)
    return pass
  }

  end(pass: PassInProgress): void {
    const passes = this.#byKey.get(pass.key)
    passes?.delete(pass)
    if (passes?.size === 0) this.#byKey.delete(pass.key)
  }

  /** Their results are older than what is now stored under the key. */
  supersede(key: string): void {
    const passes = this.#byKey.size > 0 ? this.#byKey.get(key) : undefined
    if (passes === undefined) return
    for (const pass of passes) pass.superseded = true
  }
}
