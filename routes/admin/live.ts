/** What happens now, as a stream of server-sent events. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Live } from '../../src/for-routes.ts'
import { rightsOf } from './grant.ts'
import { onlyMethods } from './methods.ts'
import { ProblemError, problems } from './problem.ts'
import { Statistics } from './stats.ts'

/** A reader that falls this far behind is dropped: a few hundred quiet snapshots, some dozens of busy ones. */
const MAX_BEHIND_BYTES = 1024 * 1024
/** Seconds after which a place may have become free. */
const RETRY_AFTER = '5'
const TYPE = 'text/event-stream; charset=utf-8'

const count = z.int()
const ms = z.number()
const counts = z.array(count)

export const Snapshot = z
  .object({
    at: count.describe('When it was taken, epoch milliseconds.'),
    elapsedMs: count.describe('The time it covers.'),
    stats: Statistics,
    synced: z.boolean().describe('Whether this node receives the invalidation log.'),
    requests: z.record(z.string(), count).describe('Requests answered in that time, by result.'),
    latency: z
      .object({ boundsMs: z.array(ms), hit: counts, miss: counts })
      .describe('Requests by time to first byte: a count for each bound and one for everything above.'),
    herd: z
      .object({
        waiting: count.describe('Clients that waited for an origin.'),
        fetching: count.describe('Requests in progress at origins.'),
      })
      .describe('Largest number at once.'),
    origins: z.array(
      z.object({
        origin: z.string(),
        inFlight: count,
        queued: count,
        requests: count,
        failures: count.describe('Requests that the origin did not answer, or with a 5xx.'),
        meanMs: ms.optional().describe('Mean time to the response head.'),
      }),
    ),
    evictions: z.array(z.object({ tier: z.string(), reason: z.string(), count })),
    recent: z
      .array(
        z.object({
          at: count,
          method: z.string(),
          url: z.string(),
          cut: z.boolean().describe('Whether the URL has been cut short.'),
          route: z.string(),
          status: count,
          outcome: z
            .object({
              result: z.string(),
              fwd: z.string().optional(),
              fwdStatus: count.optional(),
              stored: z.boolean().optional(),
              collapsed: z.boolean().optional(),
              ttlMs: ms.nullable().optional().describe('Null: for ever.'),
              detail: z.string().optional(),
              originMs: ms.optional(),
            })
            .describe('The members of Cache-Status.'),
          firstByteMs: ms,
          totalMs: ms,
          bytes: count,
          aborted: z.boolean(),
        }),
      )
      .describe('A sample of the requests: at most 50, of which at most 30 are hits.'),
  })
  .describe('Sent once a second.')

/** GET /live, relative to the scope's prefix. The streams end when the listener closes. */
export function liveRoute(app: FastifyInstance, live: Live): void {
  const open = new Set<Readable>()
  app.addHook('preClose', (done) => {
    for (const stream of open) stream.push(null)
    done()
  })
  onlyMethods(app, '/live', ['GET', 'HEAD'])
  app.get('/live', {
    config: { right: 'read' },
    schema: {
      operationId: 'live',
      tags: ['Watching'],
      summary: 'Server-sent events, one per second: what happened since the last one',
      security: [{ bearer: [] }],
      response: {
        200: {
          description: 'An endless stream; the `data` of each event is a snapshot.',
          content: { 'text/event-stream': { schema: Snapshot } },
        },
        ...problems([401, 403, 405, 429, 503]),
      },
    },
    handler: async ({ method, holder }, reply) => {
      reply.type(TYPE).header('X-Accel-Buffering', 'no') // an nginx in between would hold snapshots back
      if (holder !== undefined) reply.header('Herdgate-Rights', rightsOf(holder.grant).join(', '))
      const stream = method === 'HEAD' ? '' : openStream(live, open)
      if (stream !== undefined) return reply.send(stream)
      reply.header('Retry-After', RETRY_AFTER)
      throw new ProblemError({ status: 503, title: 'Too many watchers' })
    },
  })
}

/** @returns undefined if no more may watch */
function openStream(live: Live, open: Set<Readable>): Readable | undefined {
  const stream = new Readable({ read() {} })
  const leave = live.watch((snapshot) => {
    if (stream.readableLength > MAX_BEHIND_BYTES) stream.destroy()
    else stream.push(`data: ${JSON.stringify(snapshot)}\n\n`)
  })
  if (leave === undefined) return undefined
  open.add(stream)
  stream.once('close', () => {
    leave()
    open.delete(stream)
  })
  stream.push('retry: 2000\n\n') // sends the head as well
  return stream
}
