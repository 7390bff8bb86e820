import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Statistics as Counted } from '../../src/for-routes.ts'
import { onlyMethods } from './methods.ts'
import { json, problems } from './problem.ts'

const count = z.int()

export const Statistics = z
  .object({
    requests: z.record(z.string(), count).describe('Answered requests by result.'),
    hitRatio: z.number().describe('Share answered from the cache, not counting passes and errors; 0 to 1.'),
    originTimeSavedMs: count.describe('Milliseconds of waiting for an origin that clients were spared.'),
    originRequests: count,
    inFlight: count.describe('Fetches in progress.'),
    waiting: count.describe('Requests waiting for a fetch or a store.'),
    tiers: z.array(
      z.object({
        tier: z.string(),
        bytes: count,
        maxBytes: count,
        objects: count,
        degraded: z.boolean().optional().describe('Whether it is out of order at present.'),
      }),
    ),
    purges: z.object({ purge: count, invalidate: count, failed: count }),
    log: z.object({ generation: z.string(), position: count }),
    nodes: z.array(z.object({ id: z.string(), position: count })),
  })
  .describe('Counted since the process started.')

export interface StatisticsSource {
  stats(): Counted | Promise<Counted>
}

/** GET /stats, relative to the scope's prefix. */
export function statsRoute(app: FastifyInstance, cache: StatisticsSource): void {
  onlyMethods(app, '/stats', ['GET', 'HEAD'])
  app.get('/stats', {
    config: { right: 'read' },
    schema: {
      operationId: 'stats',
      tags: ['Watching'],
      summary: 'Counters as JSON',
      security: [{ bearer: [] }],
      response: { 200: json('The counters.', Statistics), ...problems([401, 403, 405, 429]) },
    },
    handler: async (_request, reply) => reply.send(await cache.stats()),
  })
}
