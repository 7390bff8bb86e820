/** A metric as it is collected when scraped, and the text made of all of them. */
import type { LabelValues } from './label-sets.ts'

export interface Sample {
  readonly value: number
  /** Label names and values, besides those in `sharedLabels`. */
  readonly labels: LabelValues
  /** The same object for every scrape, so that its text is rendered only once. */
  readonly sharedLabels?: LabelValues
  /** When it differs from the metric's own. */
  readonly metricName?: string
}

export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** How the numbers of several processes are combined; summed by default. */
  readonly aggregator?: Aggregator | undefined
  /** The numbers at this moment. */
  samples(): Sample[]
}

export type Aggregator = 'sum' | 'min' | 'max'

/** A metric's name and help text. */
export interface Description {
  readonly name: string
  readonly help: string
  readonly aggregator?: Aggregator
}

const NO_LABELS: LabelValues = {}

/** A gauge that is read only when scraped. */
export function gauge(
  { name, help, aggregator }: Description,
  read: () => Iterable<{ readonly labels?: LabelValues; readonly value: number }>,
): Metric {
  const samples = () => Array.from(read(), ({ labels, value }) => ({ labels: labels ?? NO_LABELS, value }))
  return { name, help, type: 'gauge', aggregator, samples }
}

/** All metrics as text. */
export interface Rendered {
  readonly contentType: string
  readonly body: string
}
