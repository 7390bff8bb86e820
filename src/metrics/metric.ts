/** A metric as it is handed over when scraped. */
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
  /** Their numbers at this moment. */
  samples(): Sample[]
}

/** What a metric is called, and the sentence about it. */
export interface Description {
  readonly name: string
  readonly help: string
}

const NO_LABELS: LabelValues = {}

/** A gauge that is read only when scraped. */
export function gauge(
  { name, help }: Description,
  read: () => Iterable<{ readonly labels?: LabelValues; readonly value: number }>,
): Metric {
  const samples = () => Array.from(read(), ({ labels, value }) => ({ labels: labels ?? NO_LABELS, value }))
  return { name, help, type: 'gauge', samples }
}
