import { METHODS, type ServerResponse } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import { waitOnlyForAnswers } from './draining.ts'
import { HerdgateError } from './errors.ts'
import { refuseMalformed } from './malformed.ts'
import { PROBLEM_TYPE, problemOf, rawProblem } from './problem.ts'
import { isWebSocket } from './upgrade.ts'

/** How long a client may take over a request's head, in ms. */
const HEAD_TIMEOUT_MS = 10_000
/** Longer than the idle time of the usual load balancers, so that they close first. */
const KEEP_ALIVE_MS = 65_000
const MOST_HEAD_BYTES = 16 * 1024

/** The Fastify instance of the data port. It routes nothing: every request, however odd, reaches one handler. */
export function createDataPort(): FastifyInstance {
  const app = Fastify({
    rewriteUrl: () => '/',
    bodyLimit: Number.MAX_SAFE_INTEGER, // bodies are streamed
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: 0, // an upload takes as long as it takes
    http: {
      headersTimeout: HEAD_TIMEOUT_MS,
      maxHeaderSize: MOST_HEAD_BYTES,
      requireHostHeader: false, // checked with everything else about the target
      shouldUpgradeCallback: isWebSocket,
    },
    clientErrorHandler: refuseMalformed,
  })
  waitOnlyForAnswers(app)
  const server = app.server as typeof app.server & { httpAllowHalfOpen?: boolean }
  server.httpAllowHalfOpen = true // who has sent all of a request and says so still wants the answer
  server.on('connect', (_request, socket) => {
    socket.on('error', () => socket.destroy()) // node:http has taken its own listener off
    socket.end(rawProblem(new HerdgateError('method_not_allowed')))
  })
  server.on('checkExpectation', (_request, response) => refuseExpectation(response))
  for (const method of METHODS) {
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method, { hasBody: true })
  }
  return app
}

/** RFC 9110 section 10.1.1: only 100-continue is an expectation. */
function refuseExpectation(response: ServerResponse): void {
  const error = new HerdgateError('expectation_failed')
  response.writeHead(error.status, { 'Content-Type': PROBLEM_TYPE, 'Cache-Control': 'no-store', Connection: 'close' })
  response.end(JSON.stringify(problemOf(error)))
}
