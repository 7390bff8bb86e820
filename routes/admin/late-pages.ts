/**
 * The pages for people, and the OpenAPI description behind them: they take large libraries that most processes never
 * need. They are loaded at the first request for one of them, into an instance of their own that answers from then on.
 */
import type { FastifyInstance } from 'fastify'

const PATHS = ['/openapi.json', '/docs', '/docs/*', '/dashboard', '/dashboard/*']

/** @param load loads the instance that has the pages, and resolves when that is ready */
export function latePages(app: FastifyInstance, load: () => Promise<FastifyInstance>): void {
  let loading: Promise<FastifyInstance> | undefined
  // If loading failed, it is tried again the next time.
  const loaded = () =>
    (loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    }))
  app.register(async (scope) => {
    // Before any content is read.
    scope.addHook('onRequest', async ({ raw: request }, reply) => {
      const pages = await loaded()
      reply.hijack()
      pages.routing(request, reply.raw)
    })
    scope.addHook('onClose', async () => {
      const pages = await loading?.catch(() => undefined)
      await pages?.close()
    })
    for (const url of PATHS) {
      const method = scope.supportedMethods
      scope.route({ method, url, schema: { hide: true }, exposeHeadRoute: false, handler: async () => undefined })
    }
  })
}
