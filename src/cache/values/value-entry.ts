import type { Beginning, StoredValue } from '../../model.ts'
import type { ValueRules } from './options.ts'

/**
 * A value as it is stored. Times that follow from its rules are computed on demand: there are many values and few
 * rules, and each number kept per value takes memory and time. Copy it field by field: spreading omits getters.
 */
export class ValueEntry implements StoredValue {
  readonly kind = 'value'
  readonly value: unknown
  readonly bytes: number
  readonly url: string
  readonly generation: string
  readonly position: number
  checked: number
  readonly startedAt: number
  readonly bornAt: number
  readonly freshUntil: number
  readonly costMs: number | undefined
  promise: Promise<unknown> | undefined
  readonly #rules: ValueRules

  /** @param loadedAt when the loader returned it; absent: it was not loaded */
  constructor(
    key: string,
    value: unknown,
    bytes: number,
    rules: ValueRules,
    { generation, position, startedAt }: Beginning,
    loadedAt?: number,
  ) {
    const bornAt = loadedAt ?? startedAt
    this.value = value
    this.bytes = bytes
    this.url = key
    this.generation = generation
    this.position = position
    this.checked = position
    this.startedAt = startedAt
    this.bornAt = bornAt
    this.freshUntil = bornAt + rules.ttl
    this.costMs = loadedAt === undefined ? undefined : loadedAt - startedAt
    this.promise = undefined
    this.#rules = rules
  }

  get askedAt(): number {
    return this.startedAt
  }

  get tags(): readonly string[] {
    return this.#rules.tags
  }

  get refreshAt(): number {
    const { refreshAhead, ttl } = this.#rules
    return refreshAhead === undefined ? Number.POSITIVE_INFINITY : this.bornAt + ttl * refreshAhead
  }

  get staleWhileRevalidateUntil(): number {
    return this.#rules.softTimeout === 0 ? this.keepUntil : this.freshUntil
  }

  /** In the past if there is no grace: an invalidated value still within its ttl must not stand in. */
  get staleIfErrorUntil(): number {
    return this.#rules.grace > 0 ? this.keepUntil : this.bornAt
  }

  get keepUntil(): number {
    return this.freshUntil + this.#rules.grace
  }

  get mustRevalidate(): boolean {
    return false
  }
}
