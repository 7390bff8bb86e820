/** The admin listener: a server of its own, so that no request to the data port can ever reach it. */
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import { bearer, unauthorized } from '../../routes/admin/bearer.ts'
import { explainRoute } from '../../routes/admin/explain.ts'
import { allows, EVERYTHING, grantOf } from '../../routes/admin/grant.ts'
import { healthRoutes, type Readiness } from '../../routes/admin/health.ts'
import { createHolder, refusal } from '../../routes/admin/holder.ts'
import { latePages } from '../../routes/admin/late-pages.ts'
import { liveRoute } from '../../routes/admin/live.ts'
import { type MetricsSource, metricsRoute } from '../../routes/admin/metrics.ts'
import { HerdgateError } from '../errors.ts'
import { badRequest, sendProblem } from '../../routes/admin/problem.ts'
import { purgeRoutes } from '../../routes/admin/purge.ts'
import { createLimiter, type Limiter, type Rate, tooMany } from '../../routes/admin/rate.ts'
import { reloadRoute } from '../../routes/admin/reload.ts'
import { statsRoute } from '../../routes/admin/stats.ts'
import type { Cache } from '../cache/create-cache.ts'
import type { Statistics } from '../cache/statistics.ts'
import { systemClock } from '../clock.ts'
import type { LimitedToken } from '../config.ts'
import { answerError, BODY_LIMIT, problemFor } from './admin-errors.ts'
import { refuseConnect } from './connect.ts'
import { openConnections } from './connections.ts'
import { waitOnlyForResponses } from './draining.ts'
import { acceptEveryMethod } from './every-method.ts'
import { fewAtATime } from './few-at-a-time.ts'
import type { Live } from '../live/live.ts'
import { lingerWhereUnread } from './lingering-close.ts'
import { refuseMalformed } from './malformed.ts'
import type { Awaitable, Clock } from '../model.ts'
import { MAX_FIELDS } from '../policy/head.ts'
import { createServer } from '../node-http.ts'
import { boundPipelining } from './pipelining.ts'
import { NO_SCHEMA_COMPILERS } from './schema-compilers.ts'
import type { Reloading } from '../server/reload.ts'
import { dropSlowClients } from './slow-clients.ts'

export interface AdminParts {
  readonly cache: Pick<Cache, 'purge' | 'invalidate' | 'explain'> & { stats(): Awaitable<Statistics> }
  readonly metrics: MetricsSource
  readonly live: Live
  /** Grants everything under /v1. Not empty. */
  readonly token: string
  /** Others, which grant less. */
  readonly limitedTokens?: readonly LimitedToken[]
  readonly logger: Logger
  readonly ready: () => Readiness
  readonly version: string
  readonly clock?: Clock
  /** Reloads the configuration. */
  readonly reload: () => Awaitable<Reloading>
  readonly extension?: AdminExtension | undefined
}

/** Additions to the admin port. */
export interface AdminExtension {
  /** Browser modules in src/dashboard that are loaded with the dashboard, by file name. */
  readonly panels: readonly string[]
  /** Adds routes under /v1, behind the token that grants everything. */
  routes(scope: FastifyInstance): void
}

const ALWAYS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }
const HEAD_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
/** How often node:http looks for heads and requests that take too long. */
const LATE_CHECK_INTERVAL_MS = 1_000
/** Between two requests of a connection. */
const IDLE_TIMEOUT_MS = 72_000
/** The least that a client must read of a response, or send of its request; `minRate` in bytes per second. */
const MIN_RATE = { minRate: 16 * 1024, minRateWindow: 10_000 }
/** Most connections dropped in one turn of the event loop. */
const DROPPED_AT_ONCE = 4
/** A tag in a path may be as long as the request line allows; its own limit is checked with a message. */
const MAX_PARAMETER_LENGTH = 16 * 1024
/** Requests with another expectation than 100-continue. node:http would refuse them without problem details. */
const expectingOther = new WeakSet<IncomingMessage>()
/** Limit for requests without the right token, from all clients together. Those with a known token are not held up. */
const WRONG_TOKENS: Rate = { burst: 1000, perSecond: 50 }

/**
 * The Fastify instance of the admin port; does not listen by itself.
 * @throws RangeError when the token is empty
 */
export function createAdmin(parts: AdminParts): FastifyInstance {
  const admin = createInstance(parts, (app) => {
    latePages(app, async () => {
      const { pages } = await import('../../routes/admin/pages.ts')
      const { version, extension } = parts
      const instance = createInstance(parts, (late) => pages(late, { version, panels: extension?.panels ?? [] }))
      await instance.ready()
      return instance
    })
  })
  const open = openConnections(admin.server)
  waitOnlyForResponses(admin, open)
  const { clock = systemClock } = parts
  const guard = dropSlowClients(open, { ...MIN_RATE, clock, inTurn: fewAtATime(DROPPED_AT_ONCE) })
  admin.server.once('close', () => guard.stop())
  return admin
}

/** @param pages adds the pages for people, before all other routes, so that OpenAPI can describe those */
function createInstance(parts: AdminParts, pages: (app: FastifyInstance) => void): FastifyInstance {
  const { metrics, token, limitedTokens = [], logger, ready, clock = systemClock, extension } = parts
  const limited = limitedTokens.map((each) => [each.token, createHolder(grantOf(each), clock)] as const)
  const holderOf = bearer([[token, createHolder(EVERYTHING, clock)], ...limited])
  const limitGuesses = createLimiter(WRONG_TOKENS, clock)
  const app: FastifyInstance = Fastify({
    pluginTimeout: 0, // only on a machine that stands still do they take long
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // /readyz reports it
    serverFactory: createAdminServer,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    clientErrorHandler: refuseMalformed,
    schemaController: NO_SCHEMA_COMPILERS,
    frameworkErrors: (error, request, reply) => {
      reply.headers(ALWAYS) // hooks do not run here
      const refused = request.raw.url?.startsWith('/v1') && holderOf(request) === undefined
      if (refused) refuseUnauthorized(reply, limitGuesses)
      else sendProblem(reply, problemFor(error))
    },
  })
  refuseConnect(app.server)
  acceptEveryMethod(app)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.setErrorHandler(answerError(logger))
  app.setNotFoundHandler(answerNotFound)
  app.addHook('onRequest', async ({ raw }, reply) => {
    if (expectingOther.has(raw)) {
      reply.header('Connection', 'close') // whether its content follows is uncertain
      throw new HerdgateError('expectation_failed')
    }
    if (raw.rawHeaders.length > MAX_FIELDS * 2) throw new HerdgateError('head_too_large')
    const lacksHost = raw.headers.host === undefined && raw.httpVersion !== '1.0'
    if (lacksHost) throw badRequest([{ at: 'Host', detail: 'missing' }])
    // The router would ignore what follows it.
    if (raw.url?.includes('#')) throw badRequest([{ at: 'path', detail: 'a fragment is never sent' }])
  })
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(ALWAYS)
  })

  pages(app)
  app.register(async (open) => {
    healthRoutes(open, ready)
    metricsRoute(open, metrics)
  })
  app.register(
    async (guarded) => {
      guarded.decorateRequest('holder')
      guarded.addHook('onRequest', async (request, reply) => {
        const holder = holderOf(request)
        if (holder === undefined) return refuseUnauthorized(reply, limitGuesses)
        request.holder = holder
        if (!allows(holder.grant, request.routeOptions.config.right)) throw refusal(holder, reply)
      })
      protectedRoutes(guarded, parts, clock)
      extension?.routes(guarded)
    },
    { prefix: '/v1' },
  )
  return app
}

function createAdminServer(handler: RequestListener): Server {
  const options = {
    headersTimeout: HEAD_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: LATE_CHECK_INTERVAL_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    requireHostHeader: false, // a hook checks it, and answers with problem details
  }
  const server = createServer(options, boundPipelining(handler))
  server.maxHeadersCount = MAX_FIELDS + 1 // as on the data port
  server.on('checkExpectation', (request, response) => {
    expectingOther.add(request)
    server.emit('request', request, response)
  })
  lingerWhereUnread(server)
  return server
}

function refuseUnauthorized(reply: FastifyReply, limitGuesses: Limiter): FastifyReply {
  const wait = limitGuesses()
  return wait > 0 ? tooMany(reply, wait) : unauthorized(reply)
}

function protectedRoutes(app: FastifyInstance, { cache, live, reload }: AdminParts, clock: Pick<Clock, 'now'>): void {
  app.setNotFoundHandler(answerNotFound)
  app.register(async (scope) => purgeRoutes(scope, cache, clock))
  explainRoute(app, cache)
  statsRoute(app, cache)
  liveRoute(app, live)
  reloadRoute(app, reload)
}

function answerNotFound(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(reply, { status: 404, title: 'Not found' })
}
