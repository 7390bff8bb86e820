/**
 * The pages for people, and the description they are made from: large libraries that most processes never need. They
 * are loaded when the first of them is asked for, into an instance of their own that answers from then on.
 */
import type { FastifyInstance } from 'fastify'

const PATHS = ['/openapi.json', '/docs', '/docs/*', '/dashboard', '/dashboard/*']

/** @param load gives the instance that has the pages, ready */
export function latePages(app: FastifyInstance, load: () => Promise<FastifyInstance>): void {
  let loading: Promise<FastifyInstance> | undefined
  app.register(async (scope) => {
    // Before any content is looked at.
    scope.addHook('onRequest', async ({ raw: request }, reply) => {
      loading ??= load()
      const pages = await loading
      reply.hijack()
      pages.routing(request, reply.raw)
    })
    scope.addHook('onClose', async () => {
      await (await loading)?.close()
    })
    for (const url of PATHS) {
      const method = scope.supportedMethods
      scope.route({ method, url, schema: { hide: true }, exposeHeadRoute: false, handler: async () => undefined })
    }
  })
}
