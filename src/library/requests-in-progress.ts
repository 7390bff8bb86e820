import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { CollectableSet } from '../collectable.ts'

/** Longest wait: an injected request whose response is not read never reports its end. */
const ANSWERED_WITHIN_MS = 30_000

/**
 * Fastify closes without waiting for injected requests, and for those to the second server of a `localhost` with two
 * addresses.
 * @returns settles when no request is in progress, or after as long as `herdgate serve` waits when it shuts down
 */
export function countRequests(app: FastifyInstance): () => Promise<void> {
  const inProgress = new CollectableSet<ServerResponse>()
  let lastHasEnded = (): void => {}
  app.addHook('onRequest', (_, { raw }, done) => {
    const leave = inProgress.add(raw)
    raw.once('close', () => {
      if (leave() && inProgress.size === 0) lastHasEnded()
    })
    done()
  })
  return async () => {
    if (inProgress.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    lastHasEnded = resolve
    // Unlike a clock's timers it keeps the process running, so that the application can do what it does after closing.
    const timer = setTimeout(resolve, ANSWERED_WITHIN_MS)
    await promise
    clearTimeout(timer)
  }
}
