/** Metrics as text, through prom-client's registry. */
import { collectDefaultMetrics, Gauge, type MetricObject, type Metric as PromMetric, Registry } from 'prom-client'
import { wantsOpenMetrics } from './accept.ts'
import type { Metric, Rendered } from './metric.ts'
import { type MetricReport, reportOf } from './reports.ts'

/**
 * Node's own metrics that are left out because of their names: `_total` is for counters, and a name does not repeat its
 * type. The numbers of these gauges are also exposed by type of resource; of the event loop the lag remains.
 */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_utilization_histogram',
  'nodejs_eventloop_utilization_summary',
]

/** How often Node samples the lag of the event loop: each sample wakes an idle process. */
const LAG_SAMPLED_EVERY_MS = 20
/** The longest delay of a timer: prom-client need not sample the utilization of the loop, which is left out above. */
const HARDLY_EVER_MS = 2 ** 31 - 1
const LAGS = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'] as const
/** In seconds; Node's minimum of no samples is longer. */
const LONGEST_LAG = 2 ** 31

export interface Exposition {
  /** @param accept unless it asks for OpenMetrics, the Prometheus text format 0.0.4 is rendered */
  render(accept: string | undefined): Promise<Rendered>
  /** The numbers themselves, to be combined with those of other processes. */
  report(): Promise<MetricReport[]>
}

/** Exposes the given metrics and Node's own of the process. */
export function createExposition(metrics: readonly Metric[]): Exposition {
  const text = new Registry(Registry.PROMETHEUS_CONTENT_TYPE)
  for (const metric of metrics) register(text, { ...metricObject(metric), get: async () => collected(metric) })
  collectDefaultMetrics({
    register: text,
    eventLoopMonitoringPrecision: LAG_SAMPLED_EVERY_MS,
    eventLoopUtilizationTimeout: HARDLY_EVER_MS,
  })
  for (const name of MISNAMED) text.removeSingleMetric(name)
  for (const which of LAGS) exposeLateness(text, which)

  const openMetrics = new Registry(Registry.OPENMETRICS_CONTENT_TYPE)
  for (const metric of text.getMetricsAsArray()) if (isCollectable(metric)) register(openMetrics, renamed(metric))

  return {
    async render(accept) {
      const registry = wantsOpenMetrics(accept) ? openMetrics : text
      return { contentType: registry.contentType, body: await registry.metrics() }
    },
    report: () => reportOf(text),
  }
}

/** What a registry calls when it is scraped. prom-client's own classes are such objects. */
interface Collectable extends Pick<MetricObject, 'name' | 'help' | 'type' | 'aggregator'> {
  get(): Promise<object>
}

const isCollectable = (metric: object): metric is Collectable => 'get' in metric && typeof metric.get === 'function'

/** A registry uses only `name`, `type` and `get`; its types demand one of prom-client's classes. */
function register(registry: Registry, metric: Collectable): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  registry.registerMetric(metric as unknown as PromMetric<string>)
}

/**
 * prom-client reports the lag as the time between two samples: even an idle loop would seem late by that. Where none was
 * taken since the last scrape there is no lag to report. Of several processes the latest counts: an average would hide it
 * behind the others.
 */
function exposeLateness(registry: Registry, which: (typeof LAGS)[number]): void {
  const between = registry.getSingleMetric(`nodejs_eventloop_lag_${which}_seconds`)
  if (!(between instanceof Gauge) || !isCollectable(between)) return
  const object = { ...metricObject(between), ...(which.startsWith('p') && { aggregator: 'max' as const }) }
  const interval = which === 'stddev' ? 0 : LAG_SAMPLED_EVERY_MS / 1_000
  registry.removeSingleMetric(object.name)
  register(registry, {
    ...object,
    async get() {
      const { values } = await between.get()
      const taken = values.filter(({ value }) => value < LONGEST_LAG)
      const late = taken.map(({ value, labels }) => ({ labels, value: Math.max(0, value - interval) }))
      return { ...object, values: late }
    },
  })
}

const metricObject = ({ name, help, type, aggregator = 'sum' }: Metric | Collectable) => ({
  name,
  help,
  type,
  aggregator,
})

const collected = (metric: Metric) => ({ ...metricObject(metric), values: metric.samples() })

/** Rendering OpenMetrics strips `_total` from the name of the object it renders, so each registry has its own. */
function renamed(metric: Collectable): Collectable {
  const { name, help, type, aggregator } = metric
  return {
    name,
    help,
    type,
    aggregator,
    async get() {
      return { ...(await metric.get()), name: this.name }
    },
  }
}
