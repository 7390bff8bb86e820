/** Log lines for requests and purges. A hit costs a level check and no more, unless someone wants to see it. */
import type { Logger } from 'pino'
import type { EventPayloads, Events, RequestEvent } from '../events.ts'
import { type Fields, field } from '../fields.ts'
import type { Selectors } from '../model.ts'
import { purgeLine, requestLine } from './log-line.ts'
import { cacheStatus } from '../policy/fields/cache-status.ts'
import { rounded } from '../units.ts'
import { octetsInJson, printable } from './printable.ts'
import { redactedPath } from './redacted-path.ts'

export interface AccessLogOptions {
  /** One human-readable line per request, hits included, instead of JSON; where the level is info or lower. */
  readonly pretty: boolean
  /** Takes a human-readable line without its newline; by default standard output does. */
  readonly out?: (line: string) => void
  /** ANSI colours in human-readable lines; by default unless NO_COLOR is set (no-color.org). */
  readonly color?: boolean
  /** Origin name by route name, for the `origin` member. */
  readonly origins?: ReadonlyMap<string, string>
  /** Further members of a request's line; called while the request is handled. */
  readonly members?: () => object | undefined
}

type PurgeEvent = EventPayloads['purge']

/** How many selectors of one kind an audit line repeats, how much of each, and of all together, in octets. */
const MAX_SELECTORS = 10
const LONGEST_SELECTOR = 256
const LONGEST_SELECTORS = 3_000
/** Octets around each: two quotation marks and a comma. */
const QUOTED = 3
/** Of what a client says of itself. */
const LONGEST_AGENT = 256
const LONGEST_ID = 128

/**
 * Logs every request (hits and stale answers at debug, everything else at info) and every purge (at info, failed ones
 * as warnings; those that follow from an unsafe request at debug, because its own line is there). Query values never
 * appear in a request's line.
 */
export function logRequests(events: Events, logger: Logger, options: AccessLogOptions): void {
  if (!options.pretty) logForMachines(events, logger, options)
  else if (logger.isLevelEnabled('info')) logForPeople(events, options)
}

function logForPeople(events: Events, { out = writeLine, color = !process.env['NO_COLOR'] }: AccessLogOptions): void {
  events.on('request', (request) => out(requestLine(request, redactedPath(request.url), color)))
  events.on('purge', (purge) => {
    if (!isSideEffect(purge)) out(purgeLine(purge, color))
  })
}

function logForMachines(events: Events, logger: Logger, { origins = new Map(), members }: AccessLogOptions): void {
  // Looked up once: there may be very many hits.
  const isOn = { debug: logger.isLevelEnabled('debug'), info: logger.isLevelEnabled('info') }
  events.on('request', (request) => {
    const { result } = request.outcome
    const level = result === 'hit' || result === 'stale' ? 'debug' : 'info'
    if (isOn[level]) logger[level]({ ...requestMembers(request, origins), ...members?.() }, 'request')
  })
  events.on('purge', (purge) => {
    const level = isSideEffect(purge) ? 'debug' : purge.outcome === 'failed' ? 'warn' : 'info'
    if (logger.isLevelEnabled(level)) logger[level](purgeMembers(purge), purge.mode)
  })
}

/** An invalidation by an unsafe method (RFC 9111 section 4.4). A failed one is worth a line of its own. */
const isSideEffect = ({ by, outcome }: PurgeEvent): boolean => by === 'unsafe-method' && outcome === 'done'

function requestMembers(request: RequestEvent, origins: ReadonlyMap<string, string>): object {
  const { outcome, route } = request
  const { fields } = request.head
  return {
    method: printable(request.method) || undefined,
    path: redactedPath(request.url),
    status: request.status,
    cacheStatus: cacheStatus(outcome),
    result: outcome.result,
    ttl: outcome.ttlMs === undefined ? undefined : Math.floor(outcome.ttlMs / 1000),
    age: request.age,
    route: route || undefined,
    origin: origins.get(route),
    ttfbMs: rounded(request.firstByteMs),
    durationMs: rounded(request.totalMs),
    originMs: outcome.originMs === undefined ? undefined : rounded(outcome.originMs),
    bytes: request.bytes,
    clientIp: request.peer,
    ua: clientField(fields, 'user-agent', LONGEST_AGENT),
    reqId: clientField(fields, 'x-request-id', LONGEST_ID),
    aborted: request.aborted || undefined,
  }
}

/** What a client says of itself. */
function clientField(fields: Fields, name: string, longest: number): string | undefined {
  const value = field(fields, name)
  return value === undefined ? undefined : printable(value, longest)
}

function purgeMembers({ by, mode, outcome, selectors, receipt, tookMs }: PurgeEvent): object {
  return {
    audit: true,
    by,
    mode,
    outcome,
    ...capped(selectors),
    all: selectors.all || undefined,
    id: receipt?.id,
    position: receipt?.position,
    nodes: receipt?.nodes,
    tookMs: rounded(tookMs),
  }
}

function capped({ tags = [], urls = [], prefixes = [] }: Selectors): object {
  const kinds = Object.entries({ tags, urls, prefixes }).filter(([, selectors]) => selectors.length > 0)
  const members = kinds.map(([kind, selectors]) => {
    const shown = startOf(selectors.slice(0, MAX_SELECTORS), LONGEST_SELECTORS / kinds.length)
    return { [kind]: shown, ...(selectors.length > shown.length && { [`${kind}Count`]: selectors.length }) }
  })
  return Object.assign({}, ...members)
}

/** As many as take `longest` octets in JSON. */
function startOf(selectors: readonly string[], longest: number): string[] {
  let left = longest
  return selectors
    .map((selector) => printable(selector, LONGEST_SELECTOR))
    .filter((shown) => (left -= octetsInJson(shown) + QUOTED) >= 0)
}

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`)
}
