/** The one place where errors of undici, TLS and the network become HerdgateErrors. */
import { errors } from 'undici'
import { type ErrorCode, HerdgateError, reasonOf } from '../errors.ts'

/** How far an exchange had come: reaching the origin, waiting for the response's head, receiving its content. */
export type Stage = 'connect' | 'head' | 'body'

/**
 * A transport failure as an error with a code. Its message names the origin and is for logs only.
 * @param where the origin's authority
 */
export function failure(cause: unknown, stage: Stage, where: string): HerdgateError {
  if (cause instanceof HerdgateError) return cause
  return new HerdgateError(errorCode(cause, stage), `${where}: ${reasonOf(cause)}`, { cause })
}

/** The caller's signal was aborted. */
export function clientGone(): HerdgateError {
  return new HerdgateError('client_gone')
}

/** Whether the connection itself ended, as opposed to carrying something invalid. */
export function isConnectionLoss(cause: unknown): boolean {
  return LOSSES.has(codeOf(cause)) || (codeOf(cause) === 'UND_ERR_SOCKET' && !isUnexpectedMessage(cause))
}

function errorCode(cause: unknown, stage: Stage): ErrorCode {
  const code = codeOf(cause)
  if (TIMEOUTS.has(code)) return 'origin_timeout'
  if (EXHAUSTED.has(code)) return 'overloaded'
  if (BAD_REQUESTS.has(code)) return 'malformed_request'
  if (stage === 'connect') return 'origin_refused'
  if (stage === 'body' && CUT_SHORT.has(code)) return 'origin_reset'
  if (isInvalid(code) || isUnexpectedMessage(cause)) return 'origin_invalid'
  return isConnectionLoss(cause) || SHUT_DOWN.has(code) ? 'origin_reset' : 'internal'
}

const TIMEOUTS = new Set(['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])

/** This machine has run out of something; the origin is not at fault. */
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL'])

/** A field or a length that cannot be sent as it is. */
const BAD_REQUESTS = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'ERR_INVALID_CHAR',
  'ERR_INVALID_HTTP_TOKEN',
  'ERR_UNESCAPED_CHARACTERS',
])

/** Content that ended before its announced end (RFC 9112 section 8). */
const CUT_SHORT = new Set(['HPE_INVALID_EOF_STATE', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'])

const LOSSES = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTCONN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ERR_STREAM_PREMATURE_CLOSE',
])

const SHUT_DOWN = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED', 'UND_ERR_INFO', 'UND_ERR_ABORTED'])

/** undici's parser refuses by assertion what its grammar lets through, such as a status below 100. */
const ASSERTION = 'ERR_ASSERTION'

function isInvalid(code: string): boolean {
  if (code === ASSERTION) return true
  return code.startsWith('HPE_') || code.startsWith('UND_ERR_RES') || code === 'UND_ERR_HEADERS_OVERFLOW'
}

/** undici reports an unsolicited response, an unsolicited 101 and any 100 as socket errors told apart by message. */
function isUnexpectedMessage(cause: unknown): boolean {
  return cause instanceof Error && (cause.message === 'bad response' || cause.message === 'bad upgrade')
}

function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return ''
  if ('code' in cause && typeof cause.code === 'string') return cause.code
  return cause instanceof errors.HTTPParserError ? parserCode(cause) : ''
}

/** undici 8 leaves the code of its parser's errors empty; the reason is in the message. */
function parserCode({ message }: Error): string {
  return message.includes('Invalid EOF state') ? 'HPE_INVALID_EOF_STATE' : 'HPE_INVALID'
}
