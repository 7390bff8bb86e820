/** A metric as it is handed over when scraped, and what is made of all of them. */
import type { LabelValues } from './label-sets.ts'

export interface Sample {
  readonly value: number
  /** Label names and values; those in `sharedLabels` follow. */
  readonly labels: LabelValues
  /** The same object for every scrape, so that its text is made once. */
  readonly sharedLabels?: LabelValues
  /** When it is not the metric's own. */
  readonly metricName?: string
}

export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** How the numbers of several processes make one; their sum unless said. */
  readonly aggregator?: Aggregator | undefined
  /** Their numbers at this moment. */
  samples(): Sample[]
}

export type Aggregator = 'sum' | 'min' | 'max'

/** What a metric is called, and the sentence about it. */
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
