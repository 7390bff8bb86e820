/** The closed sets that label values come from. */
import type { ErrorCode } from '../errors.ts'
import type { EventPayloads } from '../events.ts'
import type { ForwardReason } from '../model.ts'

/** What a member of an event's payload may be, as a list. */
export type Member<
  Name extends keyof EventPayloads,
  Key extends keyof EventPayloads[Name],
> = readonly EventPayloads[Name][Key][]

/** How many names of routes, and how many of origins, reloads can add to those at the start. */
export const MAX_ADDED_NAMES = 100

export const CODE_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx']

/** RFC 9211 section 2.2. */
export const REASONS: readonly ForwardReason[] = [
  'bypass',
  'method',
  'uri-miss',
  'vary-miss',
  'miss',
  'request',
  'stale',
  'partial',
]

const ORIGIN_ERRORS: readonly ErrorCode[] = [
  'origin_refused',
  'origin_reset',
  'origin_invalid',
  'origin_timeout',
  'overloaded',
  'client_gone',
  'internal',
]

/** What an origin answered: a status code (RFC 9110 section 15), or why there was none. */
export const ORIGIN_CODES = [...Array.from({ length: 500 }, (_, at) => String(100 + at)), ...ORIGIN_ERRORS]

/** Upper bounds in seconds. */
export const REQUEST_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
export const ORIGIN_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
