/** Probes. They check nothing outside this process: a cache without its origin or its Redis still has work to do. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { onlyMethods } from './methods.ts'
import { json, problems, sendProblem } from './problem.ts'

export interface Readiness {
  /** Listening and not draining. */
  readonly ready: boolean
  /** What works worse than configured; being ready does not depend on it. */
  readonly degraded: readonly string[]
}

const Alive = z.object({ status: z.literal('alive') })

const Ready = z.object({
  status: z.literal('ready'),
  degraded: z.array(z.string()).optional().describe('Parts that work worse than configured; absent when none do.'),
})

/** GET /livez (also /healthz) and /readyz. */
export function healthRoutes(app: FastifyInstance, readiness: () => Readiness): void {
  for (const url of ['/livez', '/healthz']) {
    onlyMethods(app, url, ['GET', 'HEAD'])
    app.get(url, {
      schema: {
        tags: ['Running'],
        summary: 'Is the process alive?',
        response: { 200: json('The event loop runs.', Alive), ...problems([405]) },
      },
      handler: async (_request, reply) => reply.send({ status: 'alive' }),
    })
  }
  onlyMethods(app, '/readyz', ['GET', 'HEAD'])
  app.get('/readyz', {
    schema: {
      tags: ['Running'],
      summary: 'Is it ready for requests?',
      response: { 200: json('Yes.', Ready), ...problems([405, 503]) },
    },
    handler: async (_request, reply) => {
      const { ready, degraded } = readiness()
      if (ready) return reply.send({ status: 'ready', ...(degraded.length > 0 && { degraded }) })
      reply.header('Retry-After', '1')
      return sendProblem(reply, { status: 503, title: 'Not ready' })
    },
  })
}
