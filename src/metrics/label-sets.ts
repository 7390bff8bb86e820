/** Label values by number, so that counting needs neither objects nor strings. */

/** Stands for whatever is not in a label's closed set. */
const OTHER = '_OTHER'

/** One label and the closed set of its values. */
export class Label {
  readonly name: string
  /** Whether this label becomes `_OTHER` in label sets for which there is no room left. */
  readonly mergesWhenFull: boolean
  /** How many values there can ever be, `_OTHER` included. */
  readonly size: number
  /** How many values there were at the start, without `_OTHER`. */
  readonly atStart: number
  readonly #values: string[]
  readonly #indexes: Map<string, number>

  /** @param mostAdded how many values can be added later; for the first label of a metric only */
  constructor(name: string, values: readonly string[], { mergesWhenFull = false, mostAdded = 0 } = {}) {
    this.name = name
    this.mergesWhenFull = mergesWhenFull
    this.size = values.length + mostAdded + 1
    this.atStart = values.length
    this.#values = [...values]
    this.#indexes = new Map(values.map((value, index) => [value, index]))
  }

  /** How many values have been added since. */
  get added(): number {
    return this.#values.length - this.atStart
  }

  /** `_OTHER` comes last. */
  get other(): number {
    return this.size - 1
  }

  /** The index of a value; that of `_OTHER` when it is not in the set. */
  indexOf(value: string): number {
    return this.#indexes.get(value) ?? this.other
  }

  at(index: number): string {
    return this.#values[index] ?? OTHER
  }

  /** @returns the values that were added; those without room stay `_OTHER` */
  add(values: readonly string[]): string[] {
    const added = values.filter((value) => !this.#indexes.has(value)).slice(0, this.other - this.#values.length)
    for (const value of added) this.#indexes.set(value, this.#values.push(value) - 1)
    return added
  }
}

export type LabelValues = Readonly<Record<string, string>>

/** How many label sets are counted separately. */
export interface Room {
  /** For each value of the first label. */
  readonly each: number
  /** Values of the first label that there is room for, even if there are fewer at the start. */
  readonly atLeast: number
}

/**
 * Numbers the label sets of one metric that have occurred: each gets a slot, in order of occurrence.
 *
 * Where room is limited, only that many sets get a slot of their own. Later ones are counted with `_OTHER` in place of
 * each label that `mergesWhenFull`, so that no traffic makes a metric grow without bound and no count is lost.
 */
export class LabelSets {
  /** The most slots there can ever be. */
  readonly capacity: number
  readonly #labels: readonly Label[]
  readonly #room: Room | undefined
  readonly #slots = new Map<number, number>()
  readonly #sets: LabelValues[] = []
  /** How many were given a slot while there was room. */
  #separate = 0
  readonly #second: number
  readonly #third: number
  readonly #fourth: number

  constructor(labels: readonly Label[], room?: Room) {
    const whenFull = product(labels.map((label) => (label.mergesWhenFull ? 1 : label.size)))
    this.#labels = labels
    this.#room = room
    this.#second = sizeOf(labels[1])
    this.#third = sizeOf(labels[2])
    this.#fourth = sizeOf(labels[3])
    const mostAdded = (labels[0]?.other ?? 0) - (labels[0]?.atStart ?? 0)
    this.capacity = Math.min(product(labels.map(sizeOf)), this.#limitFor(labels[0], mostAdded) + whenFull)
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
    const hasRoom = this.#separate < this.#limitFor(this.#labels[0], this.#labels[0]?.added ?? 0)
    if (hasRoom) this.#separate++
    const slot = hasRoom ? this.#append(indexes) : this.#slotWhenFull(indexes)
    this.#slots.set(this.#codeOf(...indexes), slot)
    return slot
  }

  /** @param added values of the first label added since the start: each brings its own room */
  #limitFor(first: Label | undefined, added: number): number {
    if (this.#room === undefined) return Number.POSITIVE_INFINITY
    const { each, atLeast } = this.#room
    return (Math.max(first?.atStart ?? 0, atLeast) + added) * each
  }

  #slotWhenFull([first, second, third, fourth]: readonly [number, number, number, number]): number {
    const merged = (index: number, at: number): number => {
      const label = this.#labels[at]
      return label?.mergesWhenFull ? label.other : index
    }
    const indexes = [merged(first, 0), merged(second, 1), merged(third, 2), merged(fourth, 3)] as const
    return this.#slots.get(this.#codeOf(...indexes)) ?? this.#remember(indexes)
  }

  #remember(indexes: readonly [number, number, number, number]): number {
    const slot = this.#append(indexes)
    this.#slots.set(this.#codeOf(...indexes), slot)
    return slot
  }

  #append(indexes: readonly number[]): number {
    const values = this.#labels.map((label, at) => [label.name, label.at(indexes[at] ?? 0)])
    return this.#sets.push(Object.fromEntries(values)) - 1
  }
}

const sizeOf = (label: Label | undefined): number => label?.size ?? 1

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1)
