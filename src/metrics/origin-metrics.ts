import type { Events } from '../events.ts'
import { Counter } from './counter.ts'
import { Histogram } from './histogram.ts'
import { Label } from './label-sets.ts'
import { MAX_ADDED_NAMES, ORIGIN_BOUNDS, ORIGIN_CODES, REASONS } from './labels.ts'
import { gauge, type Metric } from './metric.ts'

export interface OriginUsage {
  readonly origin: string
  readonly inFlight: number
  readonly queued: number
}

/** Label sets of `origin_requests_total` counted separately, per origin and for at least ten of them. */
const COUNTERS = { each: 10, atLeast: 10 }

export function originMetrics(
  events: Events,
  origins: readonly string[],
  usage: (() => readonly OriginUsage[]) | undefined,
): Metric[] {
  const origin = new Label('origin', origins, { mergesWhenFull: true, mostAdded: MAX_ADDED_NAMES })
  const reason = new Label('reason', REASONS)
  const code = new Label('code', ORIGIN_CODES, { mergesWhenFull: true })
  const requests = new Counter(
    { name: 'herdgate_origin_requests_total', help: 'Requests sent to an origin, by the fwd token of RFC 9211.' },
    [origin, reason, code],
    COUNTERS,
  )
  const duration = new Histogram(
    {
      name: 'herdgate_origin_request_duration_seconds',
      help: 'From a request to an origin to its response head, or to its failure.',
    },
    [origin],
    ORIGIN_BOUNDS,
  )
  for (const name of origins) startAtZero(origin.indexOf(name))
  events.on('routing', (now) => {
    for (const name of origin.add(now.origins)) startAtZero(origin.indexOf(name))
  })
  events.on('origin', (asked) => {
    const originIndex = origin.indexOf(asked.origin)
    requests.add(requests.sets.slotOf(originIndex, reason.indexOf(asked.reason), code.indexOf(asked.code)), 1)
    duration.observe(duration.sets.slotOf(originIndex), asked.ms)
  })
  return [requests, duration, ...(usage === undefined ? [] : usageMetrics(usage))]

  function startAtZero(originIndex: number): void {
    requests.sets.slotOf(originIndex, reason.indexOf('uri-miss'), code.indexOf('200'))
    duration.sets.slotOf(originIndex)
  }
}

function usageMetrics(usage: () => readonly OriginUsage[]): Metric[] {
  const read = (member: 'inFlight' | 'queued') => () =>
    usage().map((of) => ({ labels: { origin: of.origin }, value: of[member] }))
  return [
    gauge({ name: 'herdgate_origin_in_flight', help: 'Requests in progress at an origin.' }, read('inFlight')),
    gauge(
      { name: 'herdgate_origin_queue_depth', help: 'Requests waiting for a free slot at an origin.' },
      read('queued'),
    ),
  ]
}
