/** Combines the numbers of several processes into those of one. */
import { Registry } from 'prom-client'
import { wantsOpenMetrics } from './accept.ts'
import type { LabelValues } from './label-sets.ts'
import type { Rendered } from './metric.ts'

/** A metric of one process as plain data. */
export interface MetricReport {
  readonly name: string
  readonly help: string
  readonly type: string
  /** How the numbers of several processes are combined. */
  readonly aggregator: string
  readonly values: readonly {
    readonly value: number
    readonly labels: LabelValues
    readonly metricName?: string | undefined
  }[]
}

type Source = Pick<Registry, 'getMetricsAsJSON'>

/** What a registry holds at this moment. */
export async function reportOf(registry: Source): Promise<MetricReport[]> {
  const metrics: readonly object[] = await registry.getMetricsAsJSON()
  return metrics.map((metric) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its types leave out the type and the shared labels
    const { name, help, type, aggregator, values } = metric as MetricReport & { readonly values: readonly Shared[] }
    return { name, help, type, aggregator, values: values.map(plain) }
  })
}

type Shared = MetricReport['values'][number] & { readonly sharedLabels?: LabelValues }

function plain({ value, labels, sharedLabels, metricName }: Shared): MetricReport['values'][number] {
  const all = { ...labels, ...sharedLabels }
  return metricName === undefined ? { value, labels: all } : { value, labels: all, metricName }
}

/** Renders several reports as one. */
export async function renderReports(
  reports: readonly (readonly MetricReport[])[],
  accept: string | undefined,
): Promise<Rendered> {
  const isOpen = wantsOpenMetrics(accept)
  const registry = aggregate(isOpen ? reports.map((report) => report.map(familyOf)) : reports)
  registry.setContentType(isOpen ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE)
  return { contentType: registry.contentType, body: await registry.metrics() }
}

/** OpenMetrics names a counter by its family; rendering appends `_total` to each sample. */
function familyOf(metric: MetricReport): MetricReport {
  return metric.type === 'counter' ? { ...metric, name: metric.name.replace(/_total$/, '') } : metric
}

/** The sums of the cumulative metrics of several reports: they stay true of a process that has ended. */
export function sumOfCounts(reports: readonly (readonly MetricReport[])[]): Promise<MetricReport[]> {
  return reportOf(
    aggregate(reports.map((report) => report.filter(({ type }) => type !== 'gauge' && type !== 'summary'))),
  )
}

function aggregate(reports: readonly (readonly MetricReport[])[]) {
  return Registry.aggregate<typeof Registry.PROMETHEUS_CONTENT_TYPE | typeof Registry.OPENMETRICS_CONTENT_TYPE>(
    reports.map((report) => [...report]),
  )
}
