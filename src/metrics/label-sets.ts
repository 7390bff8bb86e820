/** Label values by number, so that counting needs neither objects nor strings. */

/** Stands for whatever is not in a label's closed set. */
export const OTHER = '_OTHER'

/** One label and the closed set of its values. */
export class Label {
  readonly name: string
  /** `_OTHER` comes last. */
  readonly values: readonly string[]
  /** When there is no room for a set of its own, this label becomes `_OTHER`. */
  readonly gives: boolean
  readonly #indexes: ReadonlyMap<string, number>
  readonly #other: number

  constructor(name: string, values: readonly string[], gives: boolean = false) {
    this.name = name
    this.values = [...values, OTHER]
    this.gives = gives
    this.#other = values.length
    this.#indexes = new Map(values.map((value, index) => [value, index]))
  }

  get other(): number {
    return this.#other
  }

  /** Where a value stands; that of `_OTHER` when it is not in the set. */
  indexOf(value: string): number {
    return this.#indexes.get(value) ?? this.#other
  }
}

export type LabelValues = Readonly<Record<string, string>>

/**
 * Numbers the label sets of one metric that have occurred: each gets a slot, in order of occurrence.
 *
 * At most `limit` sets get a slot of their own. What comes after is counted with `_OTHER` in the place of each
 * label that gives, so that no traffic makes a metric grow without bound and no count is lost.
 */
export class LabelSets {
  /** The most slots there can ever be. */
  readonly capacity: number
  readonly #labels: readonly Label[]
  readonly #limit: number
  readonly #slots = new Map<number, number>()
  readonly #sets: LabelValues[] = []
  readonly #second: number
  readonly #third: number
  readonly #fourth: number

  constructor(labels: readonly Label[], limit: number = Number.POSITIVE_INFINITY) {
    const whenFull = product(labels.map((label) => (label.gives ? 1 : label.values.length)))
    this.#labels = labels
    this.#limit = limit
    this.#second = sizeOf(labels[1])
    this.#third = sizeOf(labels[2])
    this.#fourth = sizeOf(labels[3])
    this.capacity = Math.min(product(labels.map(sizeOf)), limit + whenFull)
  }

  /** How many slots are taken. */
  get size(): number {
    return this.#sets.length
  }

  /** The slot for a label set, given as each label's index; up to four labels. */
  slotOf(first: number, second: number = 0, third: number = 0, fourth: number = 0): number {
    return this.#slots.get(this.#codeOf(first, second, third, fourth)) ?? this.#take([first, second, third, fourth])
  }

  /** The label set of a slot: the same object every time. */
  at(slot: number): LabelValues {
    return this.#sets[slot] ?? {}
  }

  #codeOf(first: number, second: number, third: number, fourth: number): number {
    return ((first * this.#second + second) * this.#third + third) * this.#fourth + fourth
  }

  #take(indexes: readonly [number, number, number, number]): number {
    const slot = this.size < this.#limit ? this.#append(indexes) : this.#slotWhenFull(indexes)
    this.#slots.set(this.#codeOf(...indexes), slot)
    return slot
  }

  #slotWhenFull([first, second, third, fourth]: readonly [number, number, number, number]): number {
    const given = (index: number, at: number): number => {
      const label = this.#labels[at]
      return label?.gives ? label.other : index
    }
    const indexes = [given(first, 0), given(second, 1), given(third, 2), given(fourth, 3)] as const
    return this.#slots.get(this.#codeOf(...indexes)) ?? this.#remember(indexes)
  }

  #remember(indexes: readonly [number, number, number, number]): number {
    const slot = this.#append(indexes)
    this.#slots.set(this.#codeOf(...indexes), slot)
    return slot
  }

  #append(indexes: readonly number[]): number {
    const values = this.#labels.map((label, at) => [label.name, label.values[indexes[at] ?? 0] ?? OTHER])
    return this.#sets.push(Object.fromEntries(values)) - 1
  }
}

const sizeOf = (label: Label | undefined): number => label?.values.length ?? 1

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1)
