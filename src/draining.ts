import type { FastifyInstance } from 'fastify'
import { openConnections } from './connections.ts'

/** How often connections are looked through while a listener closes, in ms. */
const SWEEP_MS = 50

/**
 * Lets a closing listener wait for answers that are due, and for nothing else. By itself it would wait for every
 * connection on which something has arrived: half of a head, the rest of an upload that was answered long ago, a
 * keep-alive client that is between requests.
 */
export function waitOnlyForAnswers(app: FastifyInstance): void {
  const open = openConnections(app.server)
  app.addHook('preClose', (done) => {
    const sweep = setInterval(() => {
      for (const socket of open) if (!socket._httpMessage) socket.destroySoon()
      if (open.size === 0) clearInterval(sweep)
    }, SWEEP_MS)
    done()
  })
}
