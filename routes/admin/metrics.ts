import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { onlyMethods } from './methods.ts'
import { problems } from './problem.ts'

export interface MetricsSource {
  render(accept?: string): Promise<{ readonly contentType: string; readonly body: string }>
}

const text = { schema: z.string() }

/** GET /metrics. */
export function metricsRoute(app: FastifyInstance, metrics: MetricsSource): void {
  onlyMethods(app, '/metrics', ['GET', 'HEAD'])
  app.get('/metrics', {
    schema: {
      operationId: 'metrics',
      tags: ['Watching'],
      summary: 'Metrics for Prometheus',
      response: {
        200: {
          description: 'The Prometheus text format; OpenMetrics when Accept asks for it.',
          content: { 'text/plain': text, 'application/openmetrics-text': text },
        },
        ...problems([405]),
      },
    },
    handler: async (request, reply) => {
      const { contentType, body } = await metrics.render(request.headers.accept)
      return reply.type(contentType).send(body)
    },
  })
}
