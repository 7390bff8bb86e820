/** Whether an answer is one that docs/library.md allows. */
import { isDeepStrictEqual } from 'node:util'
import { HerdgateError } from '../../../../src/errors.ts'
import type { Answer, History, Removal, Source } from './history.ts'
import { isCertainlyStored, lastStored } from './stored.ts'
import { hasFar, type Setting } from './steps.ts'

/** What is wrong, in words; undefined if nothing is. */
export function complaint(answer: Answer, history: History, setting: Setting): string | undefined {
  return new Judge(answer, history, setting).complaint()
}

/** Whoever comes soon after a failure gets the same: for as long as the load took, within bounds. */
export const MAX_FAILURE_SHARED_MS = 5_000
export const failureSharedUntil = ({ beganAt, endedAt }: Source): number =>
  endedAt + Math.min(Math.max(endedAt - beganAt, 250), MAX_FAILURE_SHARED_MS)

export const freshUntil = ({ endedAt, rules }: Source): number => endedAt + rules.ttl
export const keptUntil = (source: Source): number => freshUntil(source) + source.rules.grace

/** Whether it is named by a removal that was acknowledged before the place, and was asked for after it began. */
export const isRemoved = (source: Source, kind: Removal['kind'], place: number, { removals }: History): boolean =>
  removals.some(
    (removal) =>
      removal.kind === kind && removal.acknowledged < place && removal.asked > source.began && removal.names(source),
  )

/** By reference, unless it has been in a store that keeps octets. */
export const isValueOf = (source: Source, value: unknown, setting: Setting): boolean =>
  hasFar(setting) ? isDeepStrictEqual(value, source.value) : value === source.value

class Judge {
  readonly #answer: Answer
  readonly #history: History
  readonly #setting: Setting
  readonly #sources: readonly Source[]
  /** What is stored when the call is made, if that is certain. */
  readonly #stored: Source | undefined

  constructor(answer: Answer, history: History, setting: Setting) {
    this.#answer = answer
    this.#history = history
    this.#setting = setting
    this.#sources = history.sources.filter(({ key, began }) => key === answer.key && began < answer.answered)
    this.#stored = lastStored(answer.key, answer.asked, answer.answered, history, setting)
  }

  complaint(): string | undefined {
    const { outcome, call, value } = this.#answer
    if (outcome === 'none yet') return 'never answered'
    if (this.#isHit && this.#isMissed) return 'a fresh value was there'
    if (this.#isHit && this.#hasLoadedInVain) return 'loaded, although a fresh value was there'
    if (this.#isLate) return 'waited, although a value could be used'
    if (outcome === 'thrown') return this.#complaintOfError()
    if (call.do === 'has' || call.do.startsWith('delete')) return this.#complaintOfPresence()
    if (value === undefined && call.do !== 'getOrSet') return undefined
    const sources = this.#sources.filter((source) => isValueOf(source, value, this.#setting))
    if (sources.length === 0) return 'a value that nobody gave for this key'
    return sources.some((source) => this.#allows(source)) ? undefined : 'a value that may not be used here'
  }

  #complaintOfPresence(): string | undefined {
    if (this.#answer.value !== true) return undefined
    return this.#sources.some((source) => this.#allows(source)) ? undefined : 'no value may be used here'
  }

  #complaintOfError(): string | undefined {
    const { call, value } = this.#answer
    if (call.do !== 'getOrSet') return 'an error'
    if (this.#mayStandIn(this.#stored)) return 'an error, although a value within grace was there'
    if (value instanceof HerdgateError && value.code === 'overloaded') {
      return this.#isOverloaded ? undefined : 'an error without overload'
    }
    return this.#sources.some((source) => this.#isToBlame(source)) ? undefined : 'an error that no load has thrown'
  }

  /** Whether it is this load's error, in progress during the call or shared a while longer. */
  #isToBlame(source: Source): boolean {
    const { value, node, asked, askedAt } = this.#answer
    if (source.outcome !== 'failed' || source.value !== value || source.node !== node) return false
    if (this.#isReplaced(source) || isRemoved({ ...source, rules: NO_TAGS }, 'purge', asked, this.#history))
      return false
    return source.acknowledged > asked || failureSharedUntil(source) >= askedAt
  }

  get #isOverloaded(): boolean {
    const { isMemoryShort, others } = this.#answer
    return isMemoryShort || others >= (this.#setting.maxWaiting ?? Number.POSITIVE_INFINITY)
  }

  get #isRead(): boolean {
    return this.#answer.call.do !== 'getOrSet'
  }

  #allows(source: Source): boolean {
    const { call, asked, askedAt } = this.#answer
    if (source.outcome === 'skipped') return source.answer === this.#answer
    if (source.outcome !== 'value' || this.#isReplaced(source)) return false
    if (isRemoved(source, 'purge', asked, this.#history)) return false
    if (source.acknowledged > asked) return true
    if (call.forceFresh) return false
    const isFresh = freshUntil(source) > askedAt && !isRemoved(source, 'invalidate', asked, this.#history)
    return isFresh || (!this.#isRead && this.#mayStandIn(source) && this.#isStandInCalledFor(source))
  }

  /** Whether something newer was there, and this cache knew of it. */
  #isReplaced(source: Source): boolean {
    const { node, asked } = this.#answer
    return this.#sources.some(
      (newer) =>
        newer.node === node &&
        newer.began > source.began &&
        newer.acknowledged < asked &&
        isCertainlyStored(newer, this.#history) &&
        !this.#mayBeUndone(newer, source) &&
        (source.node === node || (source.by === 'set' && source.acknowledged < newer.began)),
    )
  }

  /** Whether the older one, for one caller only after a skip, was still to be stored when the newer one came. */
  #isBeingStored(older: Source, newer: Source): boolean {
    const isAfterSkip = this.#sources.some(({ outcome, ended }) => outcome === 'skipped' && ended < older.acknowledged)
    return hasFar(this.#setting) && isAfterSkip && older.ended < newer.began && newer.began < older.acknowledged
  }

  /**
   * Of two loads at the same time the older may stay if they began in the same ms, if the newer was waiting for its turn
   * when the older began, or if what the newer stored is gone before the older ends.
   */
  #mayBeUndone(newer: Source, older: Source): boolean {
    if (newer.by === 'set') return older.by === 'load' && this.#isBeingStored(older, newer)
    if (older.acknowledged < newer.began) return false
    const isItsEnd = ({ names, asked, acknowledged }: Removal) =>
      names(newer) && acknowledged > newer.began && asked < older.acknowledged
    const hasWaited = (newer.answer?.askedAt ?? newer.beganAt) <= older.beganAt
    return hasWaited || this.#setting.nodes === 'one with little room' || this.#history.removals.some(isItsEnd)
  }

  /** Whether the call accepts it in place of a load. */
  #mayStandIn(source: Source | undefined): boolean {
    const { call, answeredAt, decidedAfter } = this.#answer
    if (source === undefined || call.forceFresh || source.rules.grace === 0) return false
    if (isRemoved(source, 'purge', decidedAfter, this.#history)) return false
    const { grace = Number.POSITIVE_INFINITY } = call.options
    return grace > 0 && answeredAt < Math.min(keptUntil(source), freshUntil(source) + grace)
  }

  #isStandInCalledFor(source: Source): boolean {
    const { key, asked, askedAt, answered, answeredAt, rules } = this.#answer
    const { softTimeout = source.rules.softTimeout === 0 ? 0 : Number.POSITIVE_INFINITY } = rules
    const isInvalidated = isRemoved(source, 'invalidate', asked, this.#history)
    if (softTimeout === 0 ? !isInvalidated : answeredAt - askedAt >= softTimeout) return true
    if (this.#isOverloaded) return true
    return this.#history.sources.some(
      (load) =>
        load.key === key &&
        load.outcome === 'failed' &&
        load.ended < answered &&
        (load.acknowledged > asked || failureSharedUntil(load) >= askedAt),
    )
  }

  /** Whether a fresh value is certainly there, until the answer. */
  get #isHit(): boolean {
    const { call, answered, answeredAt } = this.#answer
    const stored = this.#stored
    if (stored === undefined || call.forceFresh || freshUntil(stored) <= answeredAt) return false
    return !isRemoved(stored, 'invalidate', answered, this.#history)
  }

  get #isMissed(): boolean {
    const { outcome, value } = this.#answer
    return outcome === 'thrown' || value === undefined || value === false
  }

  get #hasLoadedInVain(): boolean {
    const { refreshAhead, ttl } = this.#stored?.rules ?? {}
    if (refreshAhead !== undefined) {
      const refreshAt = (this.#stored?.endedAt ?? 0) + (ttl ?? 0) * refreshAhead
      if (this.#answer.answeredAt >= refreshAt) return false
    }
    return this.#history.sources.some(({ answer }) => answer === this.#answer)
  }

  /** Whether it came later than a value that could be used. */
  get #isLate(): boolean {
    const { askedAt, answered, answeredAt, isFarHeld, rules } = this.#answer
    if (isFarHeld) return false
    if (this.#isHit || this.#isRead) return answeredAt > askedAt
    if (rules.softTimeout === undefined || !this.#mayStandIn(this.#stored)) return false
    if (rules.softTimeout > 0) return answeredAt - askedAt > rules.softTimeout
    const isInvalidated = this.#stored !== undefined && isRemoved(this.#stored, 'invalidate', answered, this.#history)
    return !isInvalidated && answeredAt > askedAt
  }
}

const NO_TAGS = { ttl: 0, grace: 0, softTimeout: undefined, refreshAhead: undefined, tags: [] }
