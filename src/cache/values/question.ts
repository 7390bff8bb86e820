import { HerdgateError } from '../../errors.ts'
import { shown } from '../../given.ts'
import type { Clock, Decision, Found, Stored, StoredValue } from '../../model.ts'
import type { LoadContext, Loaded, Question } from '../engine/question.ts'
import type { Counts } from '../statistics.ts'
import { rulesOf, type ValueOptions, type ValueRules } from './options.ts'
import { ValueEntry } from './value-entry.ts'

export interface ValueParts {
  readonly clock: Clock
  readonly counts: Counts
  readonly sizeOf: (value: unknown) => number
}

/** @throws RangeError if an embedder's `sizeOf` does not return a number of bytes */
export function sizeIn({ sizeOf }: Pick<ValueParts, 'sizeOf'>, value: unknown): number {
  const bytes = sizeOf(value)
  if (Number.isFinite(bytes) && bytes >= 0) return bytes
  throw new RangeError(`sizeOf: expected a number of bytes, got ${shown(bytes)}`)
}

/** What a loader receives, and what it may report besides the value. */
export interface LoadControls<T> {
  /** The value about to be replaced, if there is one. */
  readonly stale: T | undefined
  /**
   * Sets lifetime or tags that are known only after loading; they replace those of the call.
   * @throws TypeError or RangeError for an invalid option
   */
  setOptions(options: ValueOptions): void
  /** The value is for this caller only: it is returned, but neither stored nor shared. */
  skip(): void
}

/**
 * Loads a value. What it throws or rejects with reaches the callers of `getOrSet`.
 * @typeParam Stale type of the previous value; a parameter of its own so that T is inferred from the returned value
 * even if the loader uses its controls
 */
export type Load<T, Stale = T> = (controls: LoadControls<Stale>) => Promise<T> | T

/** A load with any `Stale`. */
export type AnyLoad<T> = Load<T, never>

/** The options of one call. */
export interface CallOptions {
  readonly rules: ValueRules
  /** Grace stated by the call itself, in milliseconds. Undefined: the stored value's own grace applies. */
  readonly grace: number | undefined
  readonly force: boolean
}

/** Until when a stale or invalidated value may be used in place of a load. */
export function standsInUntil({ freshUntil, staleIfErrorUntil }: StoredValue, stated: number | undefined): number {
  if (stated === undefined) return staleIfErrorUntil
  return stated > 0 ? Math.min(staleIfErrorUntil, freshUntil + stated) : Number.NEGATIVE_INFINITY
}

/** The library door's question: the caller's rules judge, the caller's function loads. */
export class ValueQuestion<T> implements Question<StoredValue, T> {
  readonly key: string
  readonly url: string
  readonly #load: AnyLoad<T>
  readonly #rules: ValueRules
  readonly #grace: number | undefined
  readonly #force: boolean
  readonly #parts: ValueParts

  constructor(key: string, load: AnyLoad<T>, { rules, grace, force }: CallOptions, parts: ValueParts) {
    this.key = key
    this.url = key
    this.#load = load
    this.#rules = rules
    this.#grace = grace
    this.#force = force
    this.#parts = parts
  }

  get route(): string {
    return 'library'
  }

  get apart(): string {
    return ''
  }

  get apartWhole(): undefined {
    return undefined
  }

  get signal(): undefined {
    return undefined
  }

  get leaving(): undefined {
    return undefined
  }

  isEntry(stored: Stored): stored is StoredValue {
    return stored.kind === 'value'
  }

  decide(found: Found<StoredValue>, now: number): Decision<StoredValue> {
    if (found.kind === 'nothing') return { kind: found.unshareable ? 'pass' : 'fetch', why: found.miss }
    const { entry } = found
    if (this.#force) return { kind: 'revalidate', entry, why: 'request', fallback: undefined }
    const valid = found.verdict === 'valid'
    if (valid && now < entry.freshUntil) return { kind: 'serve', entry, refresh: now >= entry.refreshAt }
    const { softTimeout } = this.#rules
    const until = standsInUntil(entry, this.#grace)
    const mayStandIn = now < until
    const atOnce = softTimeout === undefined ? now < entry.staleWhileRevalidateUntil : softTimeout === 0
    if (valid && atOnce && mayStandIn) return { kind: 'serve-stale', entry }
    const afterMs = softTimeout === 0 ? undefined : softTimeout
    return { kind: 'revalidate', entry, why: 'stale', fallback: mayStandIn ? { entry, afterMs, until } : undefined }
  }

  forRefresh(): this {
    return this
  }

  forAnyone(): undefined {
    return undefined
  }

  load({ previous, beginning }: LoadContext<StoredValue>): Promise<Loaded<StoredValue, T>> {
    let rules = this.#rules
    let skipped = false
    this.#parts.counts.countLoad()
    const loading = this.#load({
      stale: previous?.value as undefined, // of the type the caller states
      setOptions: (options) => {
        rules = rulesOf(options, rules)
      },
      skip: () => {
        skipped = true
      },
    })
    return Promise.resolve(loading).then((value) => {
      const loadedAt = this.#parts.clock.now()
      this.#parts.counts.sampleLoad(loadedAt - beginning.startedAt)
      if (skipped) return { kind: 'direct', reply: value, status: 200, why: 'no-store', leavesCopy: true }
      const entry = new ValueEntry(this.key, value, sizeIn(this.#parts, value), rules, beginning, loadedAt)
      return { kind: 'entry', entry, status: 200, validated: false }
    })
  }

  variantKey(): string {
    throw new HerdgateError('internal', 'values have no variants')
  }

  otherVariant(): undefined {
    return undefined
  }

  variantName(): undefined {
    return undefined
  }

  isPart(): boolean {
    return false
  }

  entryToStore(value: StoredValue): StoredValue {
    return value
  }

  variesOn(): readonly string[] {
    return NO_NAMES
  }

  mayShare(): boolean {
    return true
  }

  lengthOf({ bytes }: StoredValue): number {
    return bytes
  }

  isError(): boolean {
    return false
  }

  fate(): 'kept' {
    return 'kept'
  }

  mayShareReply(): boolean {
    return true
  }

  discard(): void {}

  discardEntry(): void {}
}

const NO_NAMES: readonly string[] = []
