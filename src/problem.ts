/**
 * A HerdgateError as application/problem+json (RFC 9457). What routes of the admin port answer:
 * routes/admin/problem.ts.
 */
import type { ErrorCode, HerdgateError } from './errors.ts'
import { headText } from './head-text.ts'
import { STATUS_CODES } from './node-http.ts'

/** The content of an error answer. Names no address and repeats no input. */
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

/** What the status calls for beside its content: name and value in turns. */
function fieldsCalledFor(error: HerdgateError): readonly string[] {
  switch (error.code) {
    case 'overloaded':
      return ['Retry-After', '1'] // seconds (RFC 9110 section 10.2.3)
    case 'method_not_allowed':
      return ['Allow', ''] // what CONNECT names allows nothing (RFC 9110 section 10.2.1)
    default:
      return NO_FIELDS
  }
}

const NO_FIELDS: readonly string[] = []

/**
 * Fields of an error answer: names and values in turns.
 * @param cacheStatus without it, that of one that no route is known for
 * @param framing says how long the content is, where the caller has to
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
  ...fieldsCalledFor(error),
]

/** Octets of the content. */
export const problemLength = (error: HerdgateError): number => Buffer.byteLength(JSON.stringify(problemOf(error)))

/**
 * A whole HTTP/1.1 message, for a socket that has no response object. The connection ends with it.
 * @param cacheStatus as for problemFields
 */
export function rawProblem(error: HerdgateError, cacheStatus?: string): string {
  const content = JSON.stringify(problemOf(error))
  const date = new Date().toUTCString()
  const length = String(Buffer.byteLength(content))
  const fields = ['Date', date, ...problemFields(error, cacheStatus), 'Content-Length', length, 'Connection', 'close']
  return `${headText(error.status, STATUS_CODES[error.status] ?? 'Error', fields)}\r\n${content}`
}
