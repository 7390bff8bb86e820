/** What would happen to a request, and why. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { type Cache, type CacheRequest, METHODS, readUrl, TOKEN, trimmed } from '../../src/for-routes.ts'
import { onlyMethods } from './methods.ts'
import { badRequest, json, problems } from './problem.ts'

const MAX_HEADERS = 100
/** What a field value may contain (RFC 9110 section 5.5). */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Node's parser refuses a request with any other method as malformed. */
const READ_METHODS = new Set(METHODS)

const Query = z.strictObject({
  url: z.string().describe('Absolute URL, as a client requests it.'),
  method: z
    .string()
    .refine(
      (method) => READ_METHODS.has(method),
      'not a method that the data port reads: expected one that Node knows, in upper case',
    )
    .default('GET'),
  header: z
    .union([z.string(), z.array(z.string()).max(MAX_HEADERS)], `more than ${MAX_HEADERS}`)
    .optional()
    .describe('A request field as `name:value`, in UTF-8; may be repeated.'),
})

const seconds = z.number().nullable().optional()

export const Explanation = z
  .object({
    request: z.object({ method: z.string(), url: z.string() }),
    route: z.string().optional(),
    decision: z
      .string()
      .describe("serve, serve-stale, revalidate, fetch, pass, unsafe, refuse, or 'error' with its code in `why`"),
    why: z.string(),
    key: z.string().optional(),
    variant: z.string().optional().describe('Key of the variant, when the resource varies.'),
    stored: z
      .object({
        tier: z.string(),
        status: z.int(),
        bytes: z.int(),
        tags: z.array(z.string()),
        variesOn: z.array(z.string()),
        verdict: z.string().describe('valid, or stale when an invalidation selects it'),
        position: z.int().describe('Position of the invalidation log when its fetch began.'),
        logPosition: z.int(),
        freshness: z.object({
          age: seconds,
          lifetime: seconds,
          ttl: seconds,
          refreshIn: seconds,
          staleWhileRevalidateFor: seconds,
          staleIfErrorFor: seconds,
          mustRevalidate: z.boolean(),
        }),
      })
      .optional(),
  })
  .describe('Times are in seconds, negative when past.')

/** GET /explain, relative to the scope's prefix. Never asks an origin and changes nothing. */
export function explainRoute(app: FastifyInstance, cache: Pick<Cache, 'explain'>): void {
  onlyMethods(app, '/explain', ['GET', 'HEAD'])
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'GET',
    url: '/explain',
    config: { right: 'read' },
    schema: {
      operationId: 'explain',
      tags: ['Watching'],
      summary: 'What would happen to a request now, and why',
      security: [{ bearer: [] }],
      querystring: Query,
      response: { 200: json('The explanation.', Explanation), ...problems([400, 401, 403, 405, 429]) },
    },
    handler: async ({ query }, reply) => reply.send(await cache.explain(requestOf(query))),
  })
}

/**
 * The request to be explained.
 * @throws ProblemError (400) that names every fault
 */
export function requestOf({ url, method, header = [] }: z.infer<typeof Query>): CacheRequest {
  const read = readUrl(url, method)
  const lines = (typeof header === 'string' ? [header] : header).map(fieldLine)
  const faults = lines.flatMap((line, at) => (typeof line === 'string' ? [{ at: `header[${at}]`, detail: line }] : []))
  if (!read.ok) throw badRequest([{ at: 'url', detail: read.detail }, ...faults])
  if (faults.length > 0) throw badRequest(faults)
  const given = lines.flatMap((line) => (typeof line === 'string' ? [] : line))
  return { method, url: read.url, fields: ['Host', read.authority, ...given] }
}

/** Name and value, or what is wrong with the line. */
function fieldLine(text: string): [name: string, value: string] | string {
  const colon = text.indexOf(':')
  const name = text.slice(0, Math.max(colon, 0))
  const value = Buffer.from(text.slice(colon + 1)).toString('latin1') // fields are octets, and clients send UTF-8
  if (!TOKEN.test(name) || !FIELD_VALUE.test(value)) return 'expected name:value'
  return name.toLowerCase() === 'host' ? 'the host is taken from the URL' : [name, trimmed(value)]
}
