import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** What is injected, and whose answer nobody reads, is never told to have ended. */
const ANSWERED_WITHIN_MS = 30_000

/**
 * Fastify closes without waiting for what is injected, and for what came to the second server of a `localhost` with two
 * addresses.
 * @returns settles when no request is in progress, or after as long as `herdgate serve` waits when it ends
 */
export function countRequests(app: FastifyInstance): () => Promise<void> {
  const inProgress = new Set<ServerResponse>()
  let lastHasEnded = (): void => {}
  app.addHook('onRequest', (_, { raw }, done) => {
    inProgress.add(raw)
    raw.once('close', () => {
      if (inProgress.delete(raw) && inProgress.size === 0) lastHasEnded()
    })
    done()
  })
  return async () => {
    if (inProgress.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    lastHasEnded = resolve
    // It holds the process, unlike those of a clock: what the application does when it has closed is to be done.
    const timer = setTimeout(resolve, ANSWERED_WITHIN_MS)
    await promise
    clearTimeout(timer)
  }
}
