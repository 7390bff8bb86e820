import { type Label, LabelSets, type Room } from './label-sets.ts'
import type { Description, Metric, Sample } from './metric.ts'

/** Durations in seconds per label set. Observing one is a short search and two additions in arrays. */
export class Histogram implements Metric {
  readonly name: string
  readonly help: string
  readonly type = 'histogram'
  readonly sets: LabelSets
  readonly #bounds: Float64Array
  /** Per slot: one count for each bound, and one for what is above them all. */
  readonly #counts: Float64Array
  readonly #sums: Float64Array

  /**
   * @param bounds upper bounds of the buckets in seconds, ascending
   * @param room label sets that are observed separately; see LabelSets
   */
  constructor({ name, help }: Description, labels: readonly Label[], bounds: readonly number[], room?: Room) {
    this.name = name
    this.help = help
    this.sets = new LabelSets(labels, room)
    this.#bounds = Float64Array.from(bounds)
    this.#counts = new Float64Array(this.sets.capacity * (bounds.length + 1))
    this.#sums = new Float64Array(this.sets.capacity)
  }

  observe(slot: number, ms: number): void {
    const bounds = this.#bounds
    const seconds = ms / 1000
    let bucket = 0
    while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket++
    const at = slot * (bounds.length + 1) + bucket
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#sums[slot] = (this.#sums[slot] ?? 0) + seconds
  }

  samples(): Sample[] {
    const samples: Sample[] = []
    for (let slot = 0; slot < this.sets.size; slot++) this.#sample(slot, samples)
    return samples
  }

  #sample(slot: number, samples: Sample[]): void {
    const sharedLabels = this.sets.at(slot)
    let count = 0
    const add = (suffix: string, labels: Record<string, string>, value: number) =>
      samples.push({ metricName: `${this.name}${suffix}`, labels, sharedLabels, value })
    for (let bucket = 0; bucket <= this.#bounds.length; bucket++) {
      count += this.#counts[slot * (this.#bounds.length + 1) + bucket] ?? 0
      add('_bucket', { le: String(this.#bounds[bucket] ?? '+Inf') }, count)
    }
    add('_sum', {}, this.#sums[slot] ?? 0)
    add('_count', {}, count)
  }
}
