/** Purging and invalidating over HTTP. */
import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { type Cache, type Clock, fieldLines, type Receipt, type Targets } from '../../src/for-routes.ts'
import { beyond } from './grant.ts'
import { Forbidden, refusal } from './holder.ts'
import { ignoreContent } from './ignored-content.ts'
import { onlyMethods } from './methods.ts'
import { badRequest, json, ProblemError, problems } from './problem.ts'
import { tooMany, tooManyError } from './rate.ts'
import { repeatedMember } from './repeated-member.ts'
import { type Selected, Selectors, Tag, targetsOf } from './selectors.ts'

type Verb = 'purge' | 'invalidate'
type Purger = Pick<Cache, Verb>

interface PurgeParts {
  readonly cache: Purger
  readonly clock: Pick<Clock, 'now'>
}

const Answer = z
  .object({
    id: z.string(),
    position: z.int().describe('Position of the record in the invalidation log.'),
    nodes: z.object({
      expected: z.int().describe('Live nodes.'),
      acked: z.int().describe('Live nodes that have acknowledged the record.'),
    }),
    tookMs: z.int().describe('Time to log it and to wait for the nodes.'),
  })
  .meta({ id: 'Receipt' })

const SUMMARIES: Readonly<Record<Verb, string>> = {
  purge: 'Never serve the selected responses again, not even stale',
  invalidate: 'Revalidate the selected responses before their next use; grace still applies',
}

const ANSWERS = {
  200: json('Logged, and acknowledged by every live node.', Answer),
  202: json('Logged, but not acknowledged by every live node in time.', Answer),
}

/** Seconds after which a failed append is worth another try. */
const RETRY_AFTER = '1'

/** POST /purge, /invalidate, and both with /tags/{tag}, relative to the scope's prefix. */
export function purgeRoutes(app: FastifyInstance, cache: Purger, clock: Pick<Clock, 'now'>): void {
  const parts = { cache, clock }
  app.addHook('onRequest', async ({ method, holder }, reply) => {
    const wait = method === 'POST' ? (holder?.purges() ?? 0) : 0
    if (wait > 0) return tooMany(reply, wait)
  })
  for (const verb of ['purge', 'invalidate'] as const) {
    app.register(async (scope) => bySelectors(scope, parts, verb))
    app.register(async (scope) => byTag(scope, parts, verb))
  }
}

function bySelectors(app: FastifyInstance, parts: PurgeParts, verb: Verb): void {
  onlyJson(app)
  onlyMethods(app, `/${verb}`, ['POST'])
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: `/${verb}`,
    config: { right: 'purge' },
    onRequest: async (request) => refuseEncoded(request),
    schema: {
      operationId: verb,
      tags: ['Purging'],
      summary: SUMMARIES[verb],
      security: [{ bearer: [] }],
      body: Selectors,
      response: { ...ANSWERS, ...problems([400, 401, 403, 405, 413, 415, 429, 503]) },
    },
    handler: (request, reply) => append(parts, verb, request, grantedTargets(request, reply, request.body), reply),
  })
}

function byTag(app: FastifyInstance, parts: PurgeParts, verb: Verb): void {
  ignoreContent(app)
  const url = `/${verb}/tags/:tag`
  onlyMethods(app, url, ['POST'])
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url,
    config: { right: 'purge' },
    schema: {
      operationId: `${verb}Tag`,
      tags: ['Purging'],
      summary: `${SUMMARIES[verb]} (selected by one tag)`,
      security: [{ bearer: [] }],
      params: z.object({ tag: Tag.describe('Percent-encoded; may contain encoded slashes.') }),
      response: { ...ANSWERS, ...problems([400, 401, 403, 405, 429, 503]) },
    },
    handler: (request, reply) =>
      append(parts, verb, request, grantedTargets(request, reply, { tags: [request.params.tag] }), reply),
  })
}

/** All of them or none. */
function grantedTargets({ holder }: Pick<FastifyRequest, 'holder'>, reply: FastifyReply, selected: Selected): Targets {
  if (holder === undefined) throw new Forbidden([])
  const notGranted = beyond(holder.grant, selected)
  if (notGranted.length > 0) throw refusal(holder, reply, notGranted)
  const targets = targetsOf(selected, holder.grant.by)
  const wait = holder.names(countOf(targets))
  if (wait > 0) throw tooManyError(reply, wait)
  return targets
}

const countOf = ({ tags = [], urls = [], prefixes = [] }: Targets): number =>
  tags.length + urls.length + prefixes.length

async function append(
  { cache, clock }: PurgeParts,
  verb: Verb,
  { holder }: Pick<FastifyRequest, 'holder'>,
  targets: Targets,
  reply: FastifyReply,
): Promise<z.infer<typeof Answer>> {
  const startedAt = clock.now()
  const receipt = await cache[verb](targets).catch(() => {
    holder?.names(-countOf(targets)) // not used: the same purge may be tried again
    reply.header('Retry-After', RETRY_AFTER)
    throw NOT_LOGGED
  })
  const { id, position, nodes } = receipt
  reply.code(isEverywhere(receipt) ? 200 : 202)
  return { id, position, nodes, tookMs: Math.round(clock.now() - startedAt) }
}

const NOT_LOGGED = new ProblemError({
  status: 503,
  title: 'Not logged',
  detail: 'The record could not be logged: nothing is certain to have been invalidated. Try again.',
})

const isEverywhere = ({ nodes }: Receipt): boolean => nodes.acked >= nodes.expected

/**
 * Accepts application/json only: in UTF-8, because misread octets would purge something else, and with no member given
 * twice, because JSON.parse keeps only the last.
 */
function onlyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, content, done) => {
    if (!isUtf8(content)) return done(badRequest([{ at: '', detail: 'the content is not UTF-8' }]))
    const text = content.toString()
    void parse(request, text, (error, parsed) => {
      const repeated = error === null ? repeatedMember(text) : undefined
      if (repeated === undefined) done(error, parsed)
      else done(badRequest([{ at: repeated, detail: 'given twice' }]))
    })
  })
}

/** Refuses content in a coding, and several Content-Type fields, of which node:http shows only one. */
function refuseEncoded({ headers, raw: { rawHeaders } }: FastifyRequest): void {
  const coding = headers['content-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'identity')
    throw unsupported('Content-Encoding is not supported')
  if (fieldLines(rawHeaders, 'content-type').length > 1) throw unsupported('expected one Content-Type')
}

const unsupported = (detail: string): ProblemError =>
  new ProblemError({ status: 415, title: 'Unsupported media type', detail })
