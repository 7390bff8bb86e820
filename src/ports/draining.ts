import { setTimeout } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { HttpSocket } from './connections.ts'
import { isLingering } from './lingering-close.ts'
import { hasBegun, lastResponse } from './pipelining.ts'

/** Interval at which connections are checked while a listener closes, in ms. */
const SWEEP_MS = 50
/** How long the first request of a new connection is waited for, in ms. */
const FIRST_REQUEST_MS = 1_000
/** Two rounds without a new connection: the backlog is empty. In ms, not turns: a worker's come from its primary. */
const ROUND_MS = 10
const QUIET_ROUNDS = 2
/** A second in all, as connections may keep coming. */
const MAX_ROUNDS = 100

/**
 * Makes a closing listener wait for responses that are due, and for nothing else. By itself it would wait for every
 * connection on which something has arrived: half of a head, the rest of an upload that was answered long ago, a
 * keep-alive client that is between requests. A new connection is waited for: its request may be on its way.
 * @param open the listener's connections
 * @returns makes every response from now on the last of its connection; closing begins with that
 */
export function waitOnlyForResponses(app: FastifyInstance, open: ReadonlySet<HttpSocket>): () => void {
  const drain = endConnectionsOf(app, open)
  const connectedAt = new WeakMap<HttpSocket, number>()
  let accepted = 0
  app.server.on('connection', (socket) => {
    connectedAt.set(socket, performance.now())
    accepted++
  })
  const closeIdle = () => {
    const newSince = performance.now() - FIRST_REQUEST_MS
    for (const socket of open) {
      const mayStillRequest = socket.bytesRead === 0 && (connectedAt.get(socket) ?? 0) > newSince
      if (!socket._httpMessage && !isEnding(socket) && !mayStillRequest) socket.destroySoon()
    }
  }
  // To node:http a connection is idle once its response is handed over: what the client has yet to read is lost.
  app.server.closeIdleConnections = closeIdle
  app.addHook('preClose', async () => {
    drain()
    await backlogAccepted(() => accepted)
    const sweep = setInterval(() => {
      closeIdle()
      if (open.size === 0) clearInterval(sweep)
    }, SWEEP_MS)
  })
  return drain
}

/**
 * Resolves when no connection seems to be left in the system's backlog, or after a second: when the listener closes,
 * the system resets those not accepted yet, whatever their clients have sent. Each turn of the event loop accepts one.
 * @param accepted how many have been accepted so far
 */
export async function backlogAccepted(accepted: () => number): Promise<void> {
  let quietRounds = 0
  for (let round = 0; round < MAX_ROUNDS && quietRounds < QUIET_ROUNDS; round++) {
    const before = accepted()
    await setTimeout(ROUND_MS)
    quietRounds = accepted() === before ? quietRounds + 1 : 0
  }
}

/** Whether the connection closes by itself once the client has read what is left. */
const isEnding = (socket: HttpSocket): boolean =>
  isLingering(socket) || (socket.writableEnded && !socket.writableFinished)

/**
 * Makes every response the last of its connection (RFC 9112 section 9.6), unless a pipelined request already follows:
 * a client that sends on a connection about to close gets a reset. Fastify, when it closes, would make each response
 * the last, and lose the requests that follow.
 * @returns begins it
 */
function endConnectionsOf(app: FastifyInstance, open: ReadonlySet<HttpSocket>): () => void {
  let isDraining = false
  app.addHook('onRequest', ({ raw: { socket } }, { raw: response }, done) => {
    if (isDraining) {
      if (lastResponse(socket) === response) response.shouldKeepAlive = false
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
 * Makes the last response in progress the last of the connection. One that has yet to begin is made so when it does, as
 * others may follow until then; one whose head is made stays as it is.
 */
function announceEnd(socket: HttpSocket): void {
  const last = lastResponse(socket)
  if (last && !last.headersSent && hasBegun(last, socket)) last.shouldKeepAlive = false
}
