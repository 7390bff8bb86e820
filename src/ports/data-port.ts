import type { RequestListener, Server } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import { requestBegun } from '../heap/connection-memory.ts'
import { refuseConnect } from './connect.ts'
import { openConnections } from './connections.ts'
import { continueUnlessAnswered, holdContinue } from './continuing.ts'
import { refuseCutOffContent } from './cut-off-content.ts'
import type { Limits } from '../config/defaults.ts'
import { waitOnlyForResponses } from './draining.ts'
import { acceptEveryMethod } from './every-method.ts'
import { fewAtATime } from './few-at-a-time.ts'
import { refuseLateHeads } from './late-heads.ts'
import { lingerWhereUnread } from './lingering-close.ts'
import { refuseMalformed } from './malformed.ts'
import { boundConnections, type OnRefusedConnection } from './max-connections.ts'
import type { Clock, ProcessPressure } from '../model.ts'
import { MAX_FIELDS } from '../policy/head.ts'
import { createServer } from '../node-http.ts'
import { boundPipelining } from './pipelining.ts'
import { ignoreRefusal, type OnRefusal } from './refusals.ts'
import { NO_SCHEMA_COMPILERS } from './schema-compilers.ts'
import { dropSlowClients } from './slow-clients.ts'
import { type IsUpgrade, isUpgrade } from './websocket-handshake.ts'

/** The limits that concern client connections. */
export type ConnectionLimits = Omit<Limits, 'maxWaiting' | 'maxBodiesInProgress'>

/** How often node:http looks for heads that take too long, in ms. */
const HEAD_CHECK_INTERVAL_MS = 250
/** Most connections dropped in one turn of the event loop. Each takes half a millisecond, all consequences included. */
const DROPPED_AT_ONCE = 4

const NO_PRESSURE: ProcessPressure = { high: false, exhausted: false }

export interface DataPortOptions {
  /** Wraps everything that is done for a request. */
  readonly wrapHandler?: (handler: RequestListener) => RequestListener
  readonly upgrades?: IsUpgrade
  readonly onRefusal?: OnRefusal
  readonly onRefusedConnection?: OnRefusedConnection
  /** By default memory suffices. */
  readonly pressure?: ProcessPressure
}

export interface DataPort {
  /** Does no routing: every request, however odd, reaches one handler. */
  readonly app: FastifyInstance
  /** Makes each response from now on the last of its connection. */
  readonly drain: () => void
}

export function createDataPort(limits: ConnectionLimits, clock: Clock, options: DataPortOptions = {}): DataPort {
  const { wrapHandler = (handler) => handler, upgrades = isUpgrade, onRefusal = ignoreRefusal } = options
  const inTurn = fewAtATime(DROPPED_AT_ONCE)
  const lateHeads = refuseLateHeads(inTurn, onRefusal)
  const app = Fastify({
    pluginTimeout: 0, // only on a machine that stands still do they take long
    rewriteUrl: () => '/',
    bodyLimit: Number.MAX_SAFE_INTEGER, // bodies are streamed
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    schemaController: NO_SCHEMA_COMPILERS,
    serverFactory: (handler) =>
      createLimitedServer(
        lateHeads.watch(
          refuseCutOffContent(boundPipelining(continueUnlessAnswered(wrapHandler(handler)), onRefusal), onRefusal),
        ),
        limits,
        upgrades,
      ),
    clientErrorHandler: (error: NodeJS.ErrnoException, socket) => {
      if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') lateHeads.refuse(error, socket)
      else refuseMalformed(error, socket, onRefusal)
    },
  })
  app.server.prependListener('request', requestBegun)
  lingerWhereUnread(app.server)
  refuseConnect(app.server, onRefusal)
  const open = openConnections(app.server)
  const { pressure = NO_PRESSURE, onRefusedConnection: onRefused = () => {} } = options
  const { maxConnections } = limits
  boundConnections(app.server, { maxConnections, pressure, open: () => open.size, clock, onRefused })
  const drain = waitOnlyForResponses(app, open)
  const guard = dropSlowClients(open, { ...limits, clock, inTurn })
  app.server.once('close', () => guard.stop())
  acceptEveryMethod(app)
  return { app, drain }
}

function createLimitedServer(handler: RequestListener, limits: ConnectionLimits, upgrades: IsUpgrade): Server {
  const options = {
    headersTimeout: limits.headTimeout,
    connectionsCheckingInterval: Math.min(HEAD_CHECK_INTERVAL_MS, limits.headTimeout),
    keepAliveTimeout: limits.idleTimeout,
    maxHeaderSize: limits.headBytes,
    requestTimeout: 0, // an upload may take any time, at the minimum rate
    requireHostHeader: false, // checked with everything else about the target
    shouldUpgradeCallback: upgrades,
  }
  const server: Server & { httpAllowHalfOpen?: boolean; dropMaxConnection?: boolean } = createServer(options, handler)
  // By default a full worker hands connections back, and they go round for ever:
  // docs/decisions/workers/a-full-worker-closes-connections.md.
  server.dropMaxConnection = true
  server.maxHeadersCount = MAX_FIELDS + 1 // more are not kept: Node 26 refuses the head, Node 24 leaves them out
  server.httpAllowHalfOpen = true // a client that has ended its side still wants the response
  // Refused like any other malformed request, so that nothing after it is processed.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
  holdContinue(server)
  return server
}
