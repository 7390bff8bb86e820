import { setTimeout } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { HttpSocket } from './connections.ts'
import { isLingering } from './lingering-close.ts'
import { hasBegun, lastAnswer } from './pipelining.ts'

/** How often connections are looked through while a listener closes, in ms. */
const SWEEP_MS = 50
/** Who has just connected has this long for a request; ms. */
const FIRST_REQUEST_MS = 1_000
/** Nobody else has come in so many rounds of so many ms: not turns, as a worker has its connections from its primary. */
const ROUND_MS = 10
const QUIET_ROUNDS = 2
/** A second: as long as connections come, others follow. */
const MOST_ROUNDS = 100

/**
 * Lets a closing listener wait for answers that are due, and for nothing else. By itself it would wait for every
 * connection on which something has arrived: half of a head, the rest of an upload that was answered long ago, a
 * keep-alive client that is between requests. Who has just connected is waited for: its request may be on its way.
 * @param open the listener's connections
 * @returns has every answer from now on be the last of its connection; what closes begins with it
 */
export function waitOnlyForAnswers(app: FastifyInstance, open: ReadonlySet<HttpSocket>): () => void {
  const drain = endConnectionsOf(app, open)
  const cameAt = new WeakMap<HttpSocket, number>()
  let taken = 0
  app.server.on('connection', (socket) => {
    cameAt.set(socket, performance.now())
    taken++
  })
  const endIdle = () => {
    const newSince = performance.now() - FIRST_REQUEST_MS
    for (const socket of open) {
      const mayYetAsk = socket.bytesRead === 0 && (cameAt.get(socket) ?? 0) > newSince
      if (!socket._httpMessage && !isEnding(socket) && !mayYetAsk) socket.destroySoon()
    }
  }
  // For node:http a connection is idle as soon as all of its answer is handed over: what the client has yet to take is lost.
  app.server.closeIdleConnections = endIdle
  app.addHook('preClose', async () => {
    drain()
    await backlogTaken(() => taken)
    const sweep = setInterval(() => {
      endIdle()
      if (open.size === 0) clearInterval(sweep)
    }, SWEEP_MS)
  })
  return drain
}

/**
 * Resolves when no connection is left that the system has made and that was not taken yet: it resets those when the
 * listener closes, whatever their clients have sent. In a turn of the event loop one is taken.
 * @param taken how many have been taken so far
 */
export async function backlogTaken(taken: () => number): Promise<void> {
  let quietRounds = 0
  for (let round = 0; round < MOST_ROUNDS && quietRounds < QUIET_ROUNDS; round++) {
    const before = taken()
    await setTimeout(ROUND_MS)
    quietRounds = taken() === before ? quietRounds + 1 : 0
  }
}

/** Nothing is added to what the client has yet to take, and then it is closed. */
const isEnding = (socket: HttpSocket): boolean =>
  isLingering(socket) || (socket.writableEnded && !socket.writableFinished)

/**
 * Every answer is the last of its connection (RFC 9112 section 9.6), unless a pipelined request follows by
 * then: who sends on a connection that is about to close gets a reset. Fastify, when it closes, would have each be the
 * last, and what follows be lost.
 * @returns begins it
 */
function endConnectionsOf(app: FastifyInstance, open: ReadonlySet<HttpSocket>): () => void {
  let isDraining = false
  app.addHook('onRequest', ({ raw: { socket } }, { raw: response }, done) => {
    if (isDraining) {
      if (lastAnswer(socket) === response) response.shouldKeepAlive = false
      else if (response.hasHeader('Connection')) response.removeHeader('Connection')
    }
    done()
  })
  return () => {
    isDraining = true
    for (const socket of open) announceEnd(socket)
  }
}

/**
 * The answer that is in the making is the last, and says so. One that has yet to begin says so when it does, and may be
 * followed until then; one whose head is made says what it said.
 */
function announceEnd(socket: HttpSocket): void {
  const last = lastAnswer(socket)
  if (last && !last.headersSent && hasBegun(last, socket)) last.shouldKeepAlive = false
}
