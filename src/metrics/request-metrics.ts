/** What is counted for every request. */
import type { Events, RequestEvent } from '../events.ts'
import { NAMED_METHODS } from '../methods.ts'
import { RESULTS, type Result } from '../model.ts'
import { Counter } from './counter.ts'
import { Histogram } from './histogram.ts'
import { Label } from './label-sets.ts'
import { CODE_CLASSES, MAX_ADDED_NAMES, REQUEST_BOUNDS } from './labels.ts'
import type { Metric } from './metric.ts'

/** Label sets are counted separately per route, for at least this many routes; the limit keeps the exposition small. */
const ROUTES_AT_LEAST = 20
const COUNTERS = { each: 15, atLeast: ROUTES_AT_LEAST }
const HISTOGRAMS = { each: 2, atLeast: ROUTES_AT_LEAST }

/** By result: whether the content came from the cache or was fetched for the request. Our own errors are neither. */
const SOURCES: ReadonlyMap<Result, 'cache' | 'origin'> = new Map([
  ['hit', 'cache'],
  ['stale', 'cache'],
  ['stale_if_error', 'cache'],
  ['revalidated', 'cache'],
  ['collapsed', 'cache'],
  ['miss', 'origin'],
  ['pass', 'origin'],
])

/** Where a request is counted. Most are counted in the same place as the one before. */
interface Slots {
  readonly route: string
  readonly method: string
  readonly result: Result
  readonly codeClass: number
  readonly requests: number
  readonly duration: number
  readonly firstByte: number
  readonly bytes: number | undefined
}

export function requestMetrics(events: Events, routes: readonly string[]): Metric[] {
  const families = openFamilies(routes)
  const { labels, requests, bytes, duration, firstByte } = families
  for (const name of routes) startAtZero(families, name)
  let last: Slots | undefined
  events.on('routing', (now) => {
    for (const name of labels.route.add(now.routes)) startAtZero(families, name)
    last = undefined
  })
  events.on('request', (request) => {
    if (last === undefined || !isCountedAt(last, request)) last = slotsFor(families, request)
    requests.add(last.requests, 1)
    duration.observe(last.duration, request.totalMs)
    firstByte.observe(last.firstByte, request.firstByteMs)
    if (last.bytes !== undefined) bytes.add(last.bytes, request.bytes)
  })
  return [requests, bytes, duration, firstByte]
}

type Families = ReturnType<typeof openFamilies>

function openFamilies(routes: readonly string[]) {
  const route = new Label('route', routes, { mergesWhenFull: true, mostAdded: MAX_ADDED_NAMES })
  const method = new Label('method', NAMED_METHODS, { mergesWhenFull: true })
  const result = new Label('result', RESULTS)
  const codeClass = new Label('code_class', CODE_CLASSES)
  const source = new Label('source', ['cache', 'origin'])
  return {
    labels: { route, method, result, codeClass, source },
    requests: new Counter(
      { name: 'herdgate_requests_total', help: 'Requests answered.' },
      [route, method, result, codeClass],
      COUNTERS,
    ),
    bytes: new Counter(
      { name: 'herdgate_response_bytes_total', help: 'Octets of content sent to clients, by where they came from.' },
      [route, source],
    ),
    duration: new Histogram(
      { name: 'herdgate_request_duration_seconds', help: 'From the request head to the last byte of the response.' },
      [route, result],
      REQUEST_BOUNDS,
      HISTOGRAMS,
    ),
    firstByte: new Histogram(
      { name: 'herdgate_time_to_first_byte_seconds', help: 'From the request head to the response head.' },
      [route, result],
      REQUEST_BOUNDS,
      HISTOGRAMS,
    ),
  }
}

/** So that a rate sees the first event of each kind, and so that these label sets are counted separately. */
function startAtZero({ labels, requests, bytes, duration, firstByte }: Families, routeName: string): void {
  const { route, method, result, codeClass, source } = labels
  const routeIndex = route.indexOf(routeName)
  const [get, success, failure] = [method.indexOf('GET'), codeClass.indexOf('2xx'), codeClass.indexOf('5xx')]
  for (const name of RESULTS) {
    const classIndex = name === 'error' || name === 'shed' ? failure : success
    requests.sets.slotOf(routeIndex, get, result.indexOf(name), classIndex)
  }
  for (const histogram of [duration, firstByte]) {
    for (const name of ['hit', 'miss']) histogram.sets.slotOf(routeIndex, result.indexOf(name))
  }
  for (const name of ['cache', 'origin']) bytes.sets.slotOf(routeIndex, source.indexOf(name))
}

function slotsFor(
  { labels, requests, bytes, duration, firstByte }: Families,
  { route: name, method: by, status, outcome }: RequestEvent,
): Slots {
  const { route, method, result, codeClass, source } = labels
  const routeIndex = route.indexOf(name)
  const resultIndex = result.indexOf(outcome.result)
  const classIndex = within(codeClass, classOf(status))
  const from = SOURCES.get(outcome.result)
  return {
    route: name,
    method: by,
    result: outcome.result,
    codeClass: classOf(status),
    requests: requests.sets.slotOf(routeIndex, method.indexOf(by), resultIndex, classIndex),
    duration: duration.sets.slotOf(routeIndex, resultIndex),
    firstByte: firstByte.sets.slotOf(routeIndex, resultIndex),
    bytes: from === undefined ? undefined : bytes.sets.slotOf(routeIndex, source.indexOf(from)),
  }
}

function isCountedAt({ route, method, result, codeClass }: Slots, request: RequestEvent): boolean {
  const isSameKind = request.outcome.result === result && classOf(request.status) === codeClass
  return isSameKind && request.route === route && request.method === method
}

/** From 0 for 1xx. */
const classOf = (status: number): number => Math.floor(status / 100) - 1

const within = (label: Label, index: number): number => (index >= 0 && index < label.other ? index : label.other)
