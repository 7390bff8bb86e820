import type { FastifyInstance } from 'fastify'

/** Accepts any content, as the path says everything, and reads it away. */
export function ignoreContent(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })
}
