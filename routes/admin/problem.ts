/**
 * Errors that routes of the admin port answer with, as application/problem+json (RFC 9457). For a HerdgateError see
 * src/problem.ts.
 */
import type { FastifyReply } from 'fastify'
import { z } from 'zod'

const AdminProblem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    errors: z
      .array(z.object({ at: z.string().describe('Where, e.g. `tags[2]`.'), detail: z.string() }))
      .optional()
      .describe('Everything that is wrong with the request.'),
  })
  .meta({ id: 'Problem' })

export type ProblemDetails = Readonly<Omit<z.infer<typeof AdminProblem>, 'type'>>

/** An error that a handler throws, to be sent as the response. */
export class ProblemError extends Error {
  readonly problem: ProblemDetails
  constructor(problem: ProblemDetails) {
    super(problem.detail ?? problem.title)
    this.name = 'ProblemError'
    this.problem = problem
  }
}

/** A 400 that says what is wrong, and where. */
export function badRequest(errors: readonly { readonly at: string; readonly detail: string }[]): ProblemError {
  const detail = errors.map((error) => (error.at === '' ? error.detail : `${error.at}: ${error.detail}`)).join('; ')
  return new ProblemError({ status: 400, title: 'Bad request', detail, errors: [...errors] })
}

export function sendProblem(reply: FastifyReply, problem: ProblemDetails): FastifyReply {
  const content = Buffer.from(JSON.stringify({ type: 'about:blank', ...problem }))
  return reply.code(problem.status).type('application/problem+json').send(content)
}

/** For a route's schema: the errors it may answer with. */
export function problems(statuses: readonly number[]) {
  return Object.fromEntries(statuses.map((status) => [status, answer(status)]))
}

const MEANINGS: Readonly<Record<number, string>> = {
  400: 'The request is malformed; `detail` and `errors` say how.',
  401: 'The token is missing or wrong.',
  403: 'The token does not allow this; `errors` lists selectors that it does not.',
  405: 'The method is not allowed on this path; `Allow` lists those that are.',
  413: 'The content is too large.',
  415: 'The content is not application/json.',
  422: 'The configuration is not valid; `errors` lists every fault.',
  429: 'Too many such requests in a short time; `Retry-After` says when to try again.',
  503: 'Not possible now; `Retry-After` says when to try again.',
}

/** For a route's schema: a JSON response. */
export function json(description: string, schema: z.ZodType) {
  return { description, content: { 'application/json': { schema } } }
}

const answer = (status: number) => ({
  description: MEANINGS[status] ?? '',
  content: { 'application/problem+json': { schema: AdminProblem } },
})
