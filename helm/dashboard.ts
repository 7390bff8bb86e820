/** The Grafana dashboard: rows of panels, each with its queries. */

interface Query {
  readonly expr: string
  readonly legend: string
}

interface Panel {
  readonly title: string
  readonly description: string
  readonly unit: 'reqps' | 's' | 'bytes' | 'Bps' | 'percentunit' | 'short' | 'ops'
  readonly queries: readonly Query[]
  readonly stacked?: boolean
  /** A number instead of a graph. */
  readonly number?: boolean
}

interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

const HERE = 'namespace=~"$namespace",instance=~"$instance"'
const ROUTE = `${HERE},route=~"$route"`
const WINDOW = '[$__rate_interval]'

const FROM_STORE = 'hit|stale|stale_if_error'
const ANSWERABLE = 'result!~"pass|error|shed"'

const total = (by: string, metric: string, selector: string) => `sum by (${by}) (rate(${metric}{${selector}}${WINDOW}))`
const sum = (metric: string, selector: string) => `sum(rate(${metric}{${selector}}${WINDOW}))`
/** Each pod reports its own tiers; all pods report the same numbers for the Redis that they share. */
const held = (metric: string) =>
  `sum by (tier) (${metric}{${HERE},tier!="redis"}) or max by (tier) (${metric}{${HERE},tier="redis"})`
const quantile = (share: number, metric: string, selector: string, by = 'le') =>
  `histogram_quantile(${share}, sum by (${by}) (rate(${metric}_bucket{${selector}}${WINDOW})))`

const HIT_RATIO = `${sum('herdgate_requests_total', `${ROUTE},result=~"${FROM_STORE}"`)} / ${sum('herdgate_requests_total', `${ROUTE},${ANSWERABLE}`)}`
const OFFLOAD = `1 - ${sum('herdgate_origin_requests_total', HERE)} / ${sum('herdgate_requests_total', HERE)}`
/** Since the start, as a window with only hits would have no time of an origin. */
const MEAN_TIME = `sum(herdgate_origin_request_duration_seconds_sum{${HERE}}) / sum(herdgate_origin_request_duration_seconds_count{${HERE}})`
const SAVED = `${sum('herdgate_requests_total', `${HERE},result=~"${FROM_STORE}|collapsed"`)} * ${MEAN_TIME}`

const percentiles = (results: string, name: string): Query[] =>
  [0.5, 0.95, 0.99].map((share) => ({
    expr: quantile(share, 'herdgate_request_duration_seconds', `${ROUTE},result=~"${results}"`),
    legend: `${name} p${share * 100}`,
  }))

const ROWS: readonly Row[] = [
  {
    title: 'Overview',
    panels: [
      {
        title: 'Requests',
        description: 'Answered by the data port.',
        unit: 'reqps',
        number: true,
        queries: [{ expr: sum('herdgate_requests_total', ROUTE), legend: 'requests' }],
      },
      {
        title: 'Hit ratio',
        description: 'Out of the requests that a stored response could answer.',
        unit: 'percentunit',
        number: true,
        queries: [{ expr: HIT_RATIO, legend: 'hit ratio' }],
      },
      {
        title: 'Origin offload',
        description: 'Share of requests for which no origin was asked.',
        unit: 'percentunit',
        number: true,
        queries: [{ expr: OFFLOAD, legend: 'offload' }],
      },
      {
        title: 'Origin time saved',
        description:
          'Seconds of work per second that origins were spared: answers from the store, times the mean time of an origin since the start.',
        unit: 's',
        number: true,
        queries: [{ expr: SAVED, legend: 'saved' }],
      },
    ],
  },
  {
    title: 'Traffic',
    panels: [
      {
        title: 'Requests by result',
        description: 'How each request was answered.',
        unit: 'reqps',
        stacked: true,
        queries: [{ expr: total('result', 'herdgate_requests_total', ROUTE), legend: '{{result}}' }],
      },
      {
        title: 'Requests by status',
        description: 'Classes of status codes sent to clients.',
        unit: 'reqps',
        stacked: true,
        queries: [{ expr: total('code_class', 'herdgate_requests_total', ROUTE), legend: '{{code_class}}' }],
      },
      {
        title: 'Connections refused',
        description: 'Closed as they arrived, by reason: maxConnections were open, or memory was exhausted.',
        unit: 'ops',
        stacked: true,
        queries: [{ expr: total('reason', 'herdgate_refused_connections_total', HERE), legend: '{{reason}}' }],
      },
      {
        title: 'Content sent',
        description: 'By its source.',
        unit: 'Bps',
        stacked: true,
        queries: [{ expr: total('source', 'herdgate_response_bytes_total', ROUTE), legend: '{{source}}' }],
      },
    ],
  },
  {
    title: 'Latency',
    panels: [
      {
        title: 'Hits',
        description: 'From the request head to the last byte.',
        unit: 's',
        queries: percentiles('hit', 'hit'),
      },
      {
        title: 'Misses',
        description: 'From the request head to the last byte.',
        unit: 's',
        queries: percentiles('miss', 'miss'),
      },
      {
        title: 'First byte, p99',
        description: 'By result, where it is measured separately.',
        unit: 's',
        queries: [
          { expr: quantile(0.99, 'herdgate_time_to_first_byte_seconds', ROUTE, 'le, result'), legend: '{{result}}' },
        ],
      },
    ],
  },
  {
    title: 'Origins',
    panels: [
      {
        title: 'Requests by answer',
        description: 'Status codes of origins, or why there was none.',
        unit: 'reqps',
        stacked: true,
        queries: [
          { expr: total('origin, code', 'herdgate_origin_requests_total', HERE), legend: '{{origin}} {{code}}' },
        ],
      },
      {
        title: 'Requests by reason',
        description: 'Why the store could not answer (RFC 9211).',
        unit: 'reqps',
        stacked: true,
        queries: [{ expr: total('reason', 'herdgate_origin_requests_total', HERE), legend: '{{reason}}' }],
      },
      {
        title: 'Time to response head, p95',
        description: 'By origin.',
        unit: 's',
        queries: [
          {
            expr: quantile(0.95, 'herdgate_origin_request_duration_seconds', HERE, 'le, origin'),
            legend: '{{origin}}',
          },
        ],
      },
      {
        title: 'In flight and waiting',
        description: 'Requests wait once maxConcurrency is reached.',
        unit: 'short',
        queries: [
          { expr: `sum by (origin) (herdgate_origin_in_flight{${HERE}})`, legend: '{{origin}} in flight' },
          { expr: `sum by (origin) (herdgate_origin_queue_depth{${HERE}})`, legend: '{{origin}} waiting' },
        ],
      },
    ],
  },
  {
    title: 'The herd',
    panels: [
      {
        title: 'Collapsed requests',
        description:
          'Requests that found a fetch of their key in progress: reused it, had to fetch for themselves, or timed out.',
        unit: 'reqps',
        stacked: true,
        queries: [{ expr: total('outcome', 'herdgate_collapsed_requests_total', ROUTE), legend: '{{outcome}}' }],
      },
      {
        title: 'Revalidations',
        description: 'Stored responses revalidated with their origin.',
        unit: 'ops',
        stacked: true,
        queries: [
          { expr: total('mode, outcome', 'herdgate_revalidations_total', ROUTE), legend: '{{mode}} {{outcome}}' },
        ],
      },
      {
        title: 'Stale, failed and shed',
        description: 'Answers that were not as good as they should be.',
        unit: 'reqps',
        queries: [
          {
            expr: total('result', 'herdgate_requests_total', `${ROUTE},result=~"stale_if_error|error|shed"`),
            legend: '{{result}}',
          },
        ],
      },
    ],
  },
  {
    title: 'Stores',
    panels: [
      {
        title: 'Bytes',
        description: 'Bytes held, and the limit.',
        unit: 'bytes',
        queries: [
          { expr: held('herdgate_store_bytes'), legend: '{{tier}}' },
          { expr: held('herdgate_store_max_bytes'), legend: '{{tier}} limit' },
        ],
      },
      {
        title: 'Entries',
        description: 'Stored responses and values.',
        unit: 'short',
        queries: [{ expr: held('herdgate_store_objects'), legend: '{{tier}}' }],
      },
      {
        title: 'Evictions',
        description: 'By reason. Those for size make room for others.',
        unit: 'ops',
        stacked: true,
        queries: [
          { expr: total('tier, reason', 'herdgate_store_evictions_total', HERE), legend: '{{tier}} {{reason}}' },
        ],
      },
      {
        title: 'Operations, p99',
        description: 'By tier and operation.',
        unit: 's',
        queries: [
          {
            expr: quantile(0.99, 'herdgate_store_operation_duration_seconds', HERE, 'le, tier, op'),
            legend: '{{tier}} {{op}}',
          },
        ],
      },
    ],
  },
  {
    title: 'Purges',
    panels: [
      {
        title: 'Purges and invalidations',
        description: 'Hard: removed; soft: marked stale.',
        unit: 'ops',
        stacked: true,
        queries: [
          {
            expr: total('kind, mode, outcome', 'herdgate_purges_total', HERE),
            legend: '{{kind}} {{mode}} {{outcome}}',
          },
        ],
      },
      {
        title: 'Purge propagation, p99',
        description: 'From a purge to the acknowledgement of every live node.',
        unit: 's',
        queries: [{ expr: quantile(0.99, 'herdgate_purge_propagation_seconds', HERE), legend: 'p99' }],
      },
      {
        title: 'Nodes that receive purges',
        description: '1 for each that does, 0 for one that serves only what it has revalidated with the origin.',
        unit: 'short',
        queries: [{ expr: `herdgate_log_synced{${HERE}}`, legend: '{{instance}}' }],
      },
    ],
  },
  {
    title: 'Node.js',
    panels: [
      {
        title: 'CPU',
        description: 'Cores used.',
        unit: 'short',
        queries: [{ expr: `rate(process_cpu_seconds_total{${HERE}}${WINDOW})`, legend: '{{instance}}' }],
      },
      {
        title: 'Event loop lag, p99',
        description: 'How late timers are.',
        unit: 's',
        queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${HERE}}`, legend: '{{instance}}' }],
      },
      {
        title: 'Memory',
        description: 'Resident set, and the heap within it.',
        unit: 'bytes',
        queries: [
          { expr: `process_resident_memory_bytes{${HERE}}`, legend: '{{instance}} resident' },
          { expr: `nodejs_heap_size_used_bytes{${HERE}}`, legend: '{{instance}} heap' },
        ],
      },
      {
        title: 'Garbage collection',
        description: 'Share of time, by kind, in the pod where it is largest, summed over its workers.',
        unit: 'percentunit',
        queries: [
          { expr: `max by (kind) (rate(nodejs_gc_duration_seconds_sum{${HERE}}${WINDOW}))`, legend: '{{kind}}' },
        ],
      },
    ],
  },
]

const DATASOURCE = { type: 'prometheus', uid: '${DS_PROMETHEUS}' }
const COLUMNS = 24
const ROW_HEIGHT = 1
const NUMBER_HEIGHT = 4
const GRAPH_HEIGHT = 8

/** The dashboard as Grafana stores it, whether imported by hand or provisioned from a ConfigMap. */
export function dashboard(): object {
  return {
    uid: 'herdgate',
    title: 'Herdgate',
    tags: ['herdgate', 'http-cache'],
    timezone: 'browser',
    schemaVersion: 39,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    graphTooltip: 1,
    templating: { list: variables() },
    panels: layout(ROWS),
  }
}

/** Every query, for checks. */
export const queries = (): string[] =>
  ROWS.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries.map(({ expr }) => expr)))

function variables(): object[] {
  const labelValues = (name: string, label: string, query: string) => ({
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*', // also where there is no such label
    current: { text: 'All', value: '$__all' },
  })
  return [
    { name: 'DS_PROMETHEUS', label: 'Prometheus', type: 'datasource', query: 'prometheus', current: {} },
    labelValues('namespace', 'Namespace', 'label_values(herdgate_build_info, namespace)'),
    labelValues('instance', 'Instance', 'label_values(herdgate_build_info{namespace=~"$namespace"}, instance)'),
    labelValues('route', 'Route', 'label_values(herdgate_requests_total{namespace=~"$namespace"}, route)'),
  ]
}

function layout(rows: readonly Row[]): object[] {
  let y = 0
  let id = 1
  return rows.flatMap(({ title, panels }) => {
    const heading = { id: id++, type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: COLUMNS, h: ROW_HEIGHT } }
    const height = panels.every((panel) => panel.number) ? NUMBER_HEIGHT : GRAPH_HEIGHT
    const width = COLUMNS / panels.length
    const placed = panels.map((panel, at) => ({
      id: id++,
      ...drawn(panel),
      gridPos: { x: at * width, y: y + ROW_HEIGHT, w: width, h: height },
    }))
    y += ROW_HEIGHT + height
    return [heading, ...placed]
  })
}

function drawn({ title, description, unit, queries, stacked = false, number = false }: Panel): object {
  return {
    type: number ? 'stat' : 'timeseries',
    title,
    description,
    datasource: DATASOURCE,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(!number && {
          custom: {
            fillOpacity: stacked ? 40 : 0,
            showPoints: 'never',
            stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
          },
        }),
      },
      overrides: [],
    },
    options: number
      ? { reduceOptions: { calcs: ['lastNotNull'] }, graphMode: 'area' }
      : { tooltip: { mode: 'multi', sort: 'desc' }, legend: { displayMode: 'list', placement: 'bottom' } },
    targets: queries.map(({ expr, legend }, at) => ({
      refId: String.fromCodePoint(65 + at),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
    })),
  }
}
