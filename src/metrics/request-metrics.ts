/** What is counted for every request: nothing here may allocate once each label set has been seen. */
import type { Events } from '../events.ts'
import type { Result } from '../model.ts'
import { Counter } from './counter.ts'
import { Histogram } from './histogram.ts'
import { Label } from './label-sets.ts'
import { CODE_CLASSES, METHODS, REQUEST_BOUNDS, RESULTS } from './labels.ts'
import type { Metric } from './metric.ts'

/** Label sets counted apart, per route and for at least this many routes: what keeps the exposition small. */
const ROUTES_AT_LEAST = 20
const COUNTERS_PER_ROUTE = 15
const HISTOGRAMS_PER_ROUTE = 2

/** By result: whether the content came from here or was fetched for it. Error pages of our own are neither. */
const SOURCES: ReadonlyMap<Result, 'cache' | 'origin'> = new Map([
  ['hit', 'cache'],
  ['stale', 'cache'],
  ['stale_if_error', 'cache'],
  ['revalidated', 'cache'],
  ['collapsed', 'cache'],
  ['miss', 'origin'],
  ['pass', 'origin'],
])

export function requestMetrics(events: Events, routes: readonly string[]): Metric[] {
  const route = new Label('route', routes, true)
  const method = new Label('method', METHODS, true)
  const result = new Label('result', RESULTS)
  const codeClass = new Label('code_class', CODE_CLASSES)
  const source = new Label('source', ['cache', 'origin'])
  const room = Math.max(routes.length, ROUTES_AT_LEAST)

  const requests = new Counter(
    { name: 'herdgate_requests_total', help: 'Requests answered.' },
    [route, method, result, codeClass],
    room * COUNTERS_PER_ROUTE,
  )
  const bytes = new Counter(
    { name: 'herdgate_response_bytes_total', help: 'Octets of content sent to clients, by where they came from.' },
    [route, source],
  )
  const duration = new Histogram(
    { name: 'herdgate_request_duration_seconds', help: 'From the request head to the last byte of the response.' },
    [route, result],
    REQUEST_BOUNDS,
    room * HISTOGRAMS_PER_ROUTE,
  )
  const firstByte = new Histogram(
    { name: 'herdgate_time_to_first_byte_seconds', help: 'From the request head to the response head.' },
    [route, result],
    REQUEST_BOUNDS,
    room * HISTOGRAMS_PER_ROUTE,
  )
  const sourceOf = new Map([...SOURCES].map(([name, from]) => [name, source.indexOf(from)]))

  for (const name of routes) startAtZero(route.indexOf(name))
  events.on('request', (request) => {
    const atRoute = route.indexOf(request.route)
    const atResult = result.indexOf(request.outcome.result)
    const atClass = Math.floor(request.status / 100) - 1
    requests.add(requests.sets.slotOf(atRoute, method.indexOf(request.method), atResult, within(codeClass, atClass)), 1)
    duration.observe(duration.sets.slotOf(atRoute, atResult), request.totalMs)
    firstByte.observe(firstByte.sets.slotOf(atRoute, atResult), request.firstByteMs)
    const from = sourceOf.get(request.outcome.result)
    if (from !== undefined) bytes.add(bytes.sets.slotOf(atRoute, from), request.bytes)
  })
  return [requests, bytes, duration, firstByte]

  /** So that a rate sees the first event of each kind, and so that these keep sets of their own. */
  function startAtZero(atRoute: number): void {
    const [get, success, failure] = [method.indexOf('GET'), codeClass.indexOf('2xx'), codeClass.indexOf('5xx')]
    for (const name of RESULTS) {
      const atClass = name === 'error' || name === 'shed' ? failure : success
      requests.sets.slotOf(atRoute, get, result.indexOf(name), atClass)
    }
    for (const histogram of [duration, firstByte]) {
      for (const name of ['hit', 'miss']) histogram.sets.slotOf(atRoute, result.indexOf(name))
    }
    for (const name of ['cache', 'origin']) bytes.sets.slotOf(atRoute, source.indexOf(name))
  }
}

const within = (label: Label, index: number): number => (index >= 0 && index < label.other ? index : label.other)
