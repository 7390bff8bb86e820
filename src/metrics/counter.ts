import { type Label, LabelSets, type LabelValues, type Room } from './label-sets.ts'
import type { Description, Metric, Sample } from './metric.ts'

const NO_LABELS: LabelValues = {}

/** A counter per label set. Adding to one is an addition in an array. */
export class Counter implements Metric {
  readonly name: string
  readonly help: string
  readonly type = 'counter'
  readonly sets: LabelSets
  readonly #totals: Float64Array

  /** @param room label sets that are counted separately; see LabelSets */
  constructor({ name, help }: Description, labels: readonly Label[], room?: Room) {
    this.name = name
    this.help = help
    this.sets = new LabelSets(labels, room)
    this.#totals = new Float64Array(this.sets.capacity)
  }

  add(slot: number, amount: number): void {
    this.#totals[slot] = (this.#totals[slot] ?? 0) + amount
  }

  samples(): Sample[] {
    return Array.from({ length: this.sets.size }, (_, slot) => {
      return { labels: NO_LABELS, sharedLabels: this.sets.at(slot), value: this.#totals[slot] ?? 0 }
    })
  }
}
