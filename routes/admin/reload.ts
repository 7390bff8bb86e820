/** Reloading the configuration. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Reloading } from '../../src/for-routes.ts'
import { ignoreContent } from './ignored-content.ts'
import { onlyMethods } from './methods.ts'
import { json, ProblemError, problems } from './problem.ts'

const Reloaded = z.object({
  status: z.literal('reloaded'),
  needsRestart: z
    .array(z.string())
    .describe('Changed parts that take effect only after a restart; empty when everything is in effect.'),
})

/** POST /config/reload, relative to the scope's prefix. */
export function reloadRoute(app: FastifyInstance, reload: () => Reloading | Promise<Reloading>): void {
  onlyMethods(app, '/config/reload', ['POST'])
  app.register(async (scope) => {
    ignoreContent(scope)
    scope.post('/config/reload', {
      schema: {
        operationId: 'reload',
        tags: ['Running'],
        summary:
          'Reload flags, environment and file: origins and routes are replaced at once, stored responses are kept',
        security: [{ bearer: [] }],
        response: { 200: json('It is in effect.', Reloaded), ...problems([401, 403, 405, 422, 429]) },
      },
      handler: async (_request, reply) => {
        const outcome = await reload()
        if (outcome.ok) return reply.send({ status: 'reloaded', needsRestart: outcome.needsRestart })
        throw new ProblemError({
          status: 422,
          title: 'Invalid configuration',
          detail: 'Nothing has changed.',
          errors: outcome.faults.map(({ where, key, message }) => ({
            at: where,
            detail: key === '' ? message : `${key}: ${message}`,
          })),
        })
      },
    })
  })
}
