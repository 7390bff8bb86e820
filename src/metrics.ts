/**
 * Metrics, derived from events: an event adds to plain numbers, which prom-client sees only when scraped. Names and
 * labels are listed in docs/metrics.md.
 */
import type { Events } from './events.ts'
import { connectionMetrics } from './metrics/connection-metrics.ts'
import { engineMetrics } from './metrics/engine-metrics.ts'
import { createExposition, type Exposition } from './metrics/exposition.ts'
import { type Description, gauge, type Metric, type Rendered } from './metrics/metric.ts'
import { type OriginUsage, originMetrics } from './metrics/origin-metrics.ts'
import { purgeMetrics } from './metrics/purge-metrics.ts'
import { requestMetrics } from './metrics/request-metrics.ts'
import { storeMetrics } from './metrics/store-metrics.ts'
import type { Tier, TierUsage } from './model.ts'

export interface MetricsParts {
  readonly events: Events
  /** Usage of each store tier; read when scraped. */
  readonly usage: () => readonly TierUsage[]
  /** Tiers whose operations and evictions are counted; their series start at 0. */
  readonly tiers: readonly Tier[]
  /**
   * Names of all routes: the only values of the label `route`, besides `_OTHER` and those of later `routing` events.
   */
  readonly routes: readonly string[]
  /** Names of all origins. */
  readonly origins: readonly string[]
  readonly originUsage?: () => readonly OriginUsage[]
  readonly log: () => { position: number; synced: boolean }
  /** When the configuration was last read, in epoch seconds. Absent: it cannot be reloaded. */
  readonly lastReload?: () => { readonly successful: boolean; readonly at: number }
  readonly build: {
    readonly version: string
    /** Source revision. */
    readonly revision: string
  }
}

export interface Metrics {
  /** @param accept the request's Accept: OpenMetrics if it asks for that, else the Prometheus text format */
  render(accept?: string): Promise<Rendered>
  /** The raw numbers, for aggregation with those of other processes. */
  report: Exposition['report']
}

const BUILD: Description = {
  name: 'herdgate_build_info',
  help: 'Always 1; the labels name the version, the revision of the source code and the version of Node.',
  aggregator: 'max',
}

/** Counts events from now on. */
export function createMetrics(parts: MetricsParts): Metrics {
  const { events, routes, origins } = parts
  const { version, revision } = parts.build
  const build = { version, revision, node: process.version }
  const exposition = createExposition([
    ...requestMetrics(events, routes),
    ...connectionMetrics(events),
    ...originMetrics(events, origins, parts.originUsage),
    ...engineMetrics(events, routes),
    ...storeMetrics(events, parts.usage, parts.tiers),
    ...purgeMetrics(events, parts.log),
    ...(parts.lastReload === undefined ? [] : reloadMetrics(parts.lastReload)),
    gauge(BUILD, () => [{ labels: build, value: 1 }]),
  ])
  return { render: (accept) => exposition.render(accept), report: () => exposition.report() }
}

function reloadMetrics(last: NonNullable<MetricsParts['lastReload']>): Metric[] {
  const successful = {
    name: 'herdgate_config_last_reload_successful',
    help: '1 if the configuration was valid when last read, else 0.',
  }
  const at = {
    name: 'herdgate_config_last_reload_timestamp_seconds',
    help: 'When the configuration was last read, valid or not.',
  }
  return [gauge(successful, () => [{ value: last().successful ? 1 : 0 }]), gauge(at, () => [{ value: last().at }])]
}
