import type { FastifyInstance } from 'fastify'
import { ProblemError } from './problem.ts'

/** Answers every other method on a path with 405 and the list of allowed ones (RFC 9110 section 15.5.6). */
export function onlyMethods(app: FastifyInstance, url: string, allowed: readonly string[]): void {
  app.route({
    method: app.supportedMethods.filter((method) => !allowed.includes(method)),
    url,
    schema: { hide: true },
    // Before any content is read.
    onRequest: async (_request, reply) => {
      reply.header('Allow', allowed.join(', '))
      throw new ProblemError({ status: 405, title: 'Method not allowed' })
    },
    handler: async () => undefined,
  })
}
