/** What the admin port answers, as problem details, when a handler throws or Fastify refuses a request. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import { Forbidden } from '../../routes/admin/holder.ts'
import { badRequest, type ProblemDetails, ProblemError, sendProblem } from '../../routes/admin/problem.ts'
import { HerdgateError } from '../errors.ts'
import { printable } from '../logging/printable.ts'
import { STATUS_CODES } from '../node-http.ts'

/** Most bytes of a request's content. */
export const BODY_LIMIT = 1024 * 1024

export function answerError(logger: Logger) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = problemFor(error)
    if (error instanceof Forbidden) logRefusal(logger, error, request)
    const isExpected = error instanceof ProblemError // such as a 503 while the log is out of reach
    if (problem.status >= 500 && !isExpected) logger.error({ err: error }, 'admin request failed')
    return sendProblem(reply, problem)
  }
}

/** Most selectors that a line repeats, and the octets that each of them, and the path, may take. */
const MAX_SELECTORS = 10
const LONGEST_SELECTOR = 256
const LONGEST_PATH = 512

function logRefusal(logger: Logger, { beyond }: Forbidden, { holder, method, url }: FastifyRequest): void {
  const [path = ''] = url.split('?', 1)
  const selectors = beyond.slice(0, MAX_SELECTORS).map(({ selector }) => printable(selector, LONGEST_SELECTOR))
  const what = { method, path: printable(path, LONGEST_PATH), ...(selectors.length > 0 && { selectors }) }
  logger.warn({ audit: true, by: holder?.grant.by, ...what }, 'not allowed')
}

/** Never repeats a message that was not written for clients. */
export function problemFor(error: Error): ProblemDetails {
  if (error instanceof ProblemError) return error.problem
  if (error instanceof HerdgateError) return { status: error.status, title: error.title }
  if (hasZodFastifySchemaValidationErrors(error)) return invalid(error.validation).problem
  if ('code' in error && error.code === 'FST_ERR_BAD_URL')
    return badRequest([{ at: 'path', detail: 'malformed' }]).problem
  const status = 'statusCode' in error ? Number(error.statusCode) : 500
  const title = status < 500 ? STATUS_CODES[status] : undefined
  if (title === undefined) return { status: 500, title: 'Internal error' }
  return REFUSALS.find((problem) => problem.status === status) ?? { status, title }
}

/** Refusals by Fastify itself: content it cannot read, and paths it cannot match. For files there may be others. */
const REFUSALS: readonly ProblemDetails[] = [
  { status: 400, title: 'Bad request', detail: 'the content is not well-formed JSON' },
  { status: 413, title: 'Content too large', detail: `at most ${BODY_LIMIT} bytes are accepted` },
  { status: 414, title: 'URI too long' },
  { status: 415, title: 'Unsupported media type', detail: 'expected Content-Type: application/json' },
]

/** Most faults listed for one request. */
const MAX_FAULTS = 10

function invalid(faults: readonly { readonly instancePath: string; readonly message?: string }[]): ProblemError {
  const listed = faults.slice(0, MAX_FAULTS)
  return badRequest(
    listed.map(({ instancePath, message = 'invalid' }) => ({ at: placeOf(instancePath), detail: message })),
  )
}

/** `/tags/2` as `tags[2]`. */
function placeOf(path: string): string {
  return path
    .slice(1)
    .replaceAll(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.')
}
