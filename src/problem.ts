/** A HerdgateError as application/problem+json (RFC 9457). For routes of the admin port see routes/admin/problem.ts. */
import type { ErrorCode, HerdgateError } from './errors.ts'
import { headText } from './head-text.ts'
import { STATUS_CODES } from './node-http.ts'

/** The content of an error response. Contains no addresses and no input. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
}

const PROBLEM_TYPE = 'application/problem+json'

export function problemOf({ title, status, code }: HerdgateError): Problem {
  return { type: 'about:blank', title, status, code }
}

/** Fields required by the status. */
function fieldsRequiredBy(error: HerdgateError): readonly string[] {
  switch (error.code) {
    case 'overloaded':
      return ['Retry-After', '1'] // seconds (RFC 9110 section 10.2.3)
    case 'method_not_allowed':
      return ['Allow', ''] // a CONNECT target allows no method (RFC 9110 section 10.2.1)
    default:
      return NO_FIELDS
  }
}

const NO_FIELDS: readonly string[] = []

/**
 * Fields of an error response.
 * @param cacheStatus defaults to that of a request without a known route
 * @param framing Content-Length, if the caller has to send it
 */
export const problemFields = (
  error: HerdgateError,
  cacheStatus = `herdgate; detail=${error.code}`,
  framing = NO_FIELDS,
): readonly string[] => [
  'Content-Type',
  PROBLEM_TYPE,
  'Cache-Control',
  'no-store',
  ...framing,
  'Cache-Status',
  cacheStatus,
  ...fieldsRequiredBy(error),
]

/** Length of the content in bytes. */
export const problemLength = (error: HerdgateError): number => Buffer.byteLength(JSON.stringify(problemOf(error)))

/**
 * A complete HTTP/1.1 message, for a socket without a response object. It closes the connection.
 * @param method of the request, if known: a response to HEAD has no content (RFC 9110 section 9.3.2)
 * @param cacheStatus as in problemFields
 */
export function rawProblem(error: HerdgateError, method: string | undefined, cacheStatus?: string): string {
  const content = JSON.stringify(problemOf(error))
  const date = new Date().toUTCString()
  const length = String(Buffer.byteLength(content))
  const fields = ['Date', date, ...problemFields(error, cacheStatus), 'Content-Length', length, 'Connection', 'close']
  return `${headText(error.status, STATUS_CODES[error.status] ?? 'Error', fields)}\r\n${method === 'HEAD' ? '' : content}`
}
