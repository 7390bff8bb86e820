/**
 * Every error Herdgate raises or reports: its code, the status a client sees, and whose fault it is.
 *
 * The two rules of failure: a store that fails is a miss and an event, never an error to the client; an origin
 * that fails is a stale copy within its grace, otherwise 502 or 504.
 */
export type ErrorSource = 'client' | 'origin' | 'internal'

interface Kind {
  readonly status: number
  readonly title: string
  readonly source: ErrorSource
}

const KINDS = {
  malformed_request: { status: 400, title: 'Malformed request', source: 'client' },
  unknown_route: { status: 404, title: 'No route for this request', source: 'client' },
  method_not_allowed: { status: 405, title: 'Method not allowed', source: 'client' },
  request_timeout: { status: 408, title: 'Request took too long', source: 'client' },
  expectation_failed: { status: 417, title: 'Expectation failed', source: 'client' },
  misdirected: { status: 421, title: 'Host is not served here', source: 'client' },
  head_too_large: { status: 431, title: 'Request header fields too large', source: 'client' },
  origin_refused: { status: 502, title: 'Origin could not be reached', source: 'origin' },
  origin_reset: { status: 502, title: 'Origin closed the connection', source: 'origin' },
  origin_invalid: { status: 502, title: 'Origin sent an invalid response', source: 'origin' },
  origin_timeout: { status: 504, title: 'Origin did not answer in time', source: 'origin' },
  not_cached: { status: 504, title: 'Only a cached response was requested and there is none', source: 'client' },
  version_not_supported: { status: 505, title: 'HTTP version not supported', source: 'client' },
  loop: { status: 508, title: 'This request has already passed through here', source: 'client' },
  not_logged: { status: 503, title: 'The record could not be logged', source: 'internal' },
  overloaded: { status: 503, title: 'Too many requests in progress', source: 'internal' },
  client_gone: { status: 499, title: 'The client closed the connection', source: 'client' },
  internal: { status: 500, title: 'Internal error', source: 'internal' },
} as const satisfies Record<string, Kind>

export type ErrorCode = keyof typeof KINDS

export const ERROR_CODES = Object.keys(KINDS) as readonly ErrorCode[]

/** An error with a code. `message` is for logs and may name addresses; only `code` and `title` reach a client. */
export class HerdgateError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string = KINDS[code].title, options?: ErrorOptions) {
    super(message, options)
    this.name = 'HerdgateError'
    this.code = code
  }
  get status(): number {
    return KINDS[this.code].status
  }
  get title(): string {
    return KINDS[this.code].title
  }
  get source(): ErrorSource {
    return KINDS[this.code].source
  }
}

/** Anything thrown, as an error with a code. */
export function asHerdgateError(thrown: unknown): HerdgateError {
  if (isHerdgateError(thrown)) return thrown
  return new HerdgateError('internal', messageOf(thrown), { cause: thrown })
}

/** The error's message if the origin failed, else undefined. */
export const whyOriginFailed = ({ source, message }: HerdgateError): string | undefined =>
  source === 'origin' ? message : undefined

/** The code that `asHerdgateError` would give it, without creating an error. */
export const codeOf = (thrown: unknown): ErrorCode => (isHerdgateError(thrown) ? thrown.code : 'internal')

/** What a thrown value says went wrong. Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } catch {
    return 'something that cannot be written as text'
  }
}

/**
 * Why a connection failed. If none of a host's several addresses answers, the error has a reason for each and no
 * message of its own.
 */
export function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === '') return cause.errors.map(reasonOf).join('; ')
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}

/** A thrown value may be one for which even `instanceof` throws. */
function isHerdgateError(thrown: unknown): thrown is HerdgateError {
  try {
    return thrown instanceof HerdgateError
  } catch {
    return false
  }
}
