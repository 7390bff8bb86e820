/** The data port: passes a client's request to the cache, and the cache's reply to the client. Nothing else. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { type Cache, HerdgateError, type Peer, type Pressure, problemReply, type Reply } from '../src/for-routes.ts'
import { readRequest } from './proxy/client-request.ts'
import type { Exchange } from './proxy/exchange.ts'
import { drainContent, type Given, ignoreErrors, restoreSocket } from './proxy/given-content.ts'
import { closeAfter, isAfterLastResponse } from './proxy/last-answer.ts'
import { send } from './proxy/send.ts'

export interface ProxyOptions {
  readonly cache: Pick<Cache, 'handle' | 'events'>
  /** Who is at the other end of a connection. */
  readonly peerOf: (socket: IncomingMessage['socket']) => Peer
  /** While memory is short, what is refused closes its connection. */
  readonly pressure?: Pressure | undefined
}

/**
 * Answers every request of a Fastify scope from the cache. Bodies are streams and are never parsed. The hooks of the
 * surrounding application run first.
 */
export function proxyRoute(app: FastifyInstance, options: ProxyOptions): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, payload, done) => {
    if (payload !== request.raw) ignoreErrors(payload)
    done(null, payload)
  })
  // With `*` alone the prefix /api would match /apiary.
  for (const url of app.prefix === '' ? ['*'] : ['/', '/*']) {
    app.route({
      method: app.supportedMethods,
      url,
      handler: (request, reply) => {
        reply.hijack()
        if (restoreSocket(request.raw, reply.raw)) answer(request.raw, reply.raw, options, request)
        else reply.raw.destroy()
      },
    })
  }
}

/**
 * The same for an instance that does nothing else: it answers before Fastify looks at content and its type, because
 * what Fastify would refuse (a malformed Content-Type, a QUERY without one) is for the origin to judge.
 */
export function proxyEverything(app: FastifyInstance, options: ProxyOptions): void {
  app.addHook('onRequest', (request, reply) => {
    reply.hijack()
    answer(request.raw, reply.raw, options)
  })
  app.route({ method: app.supportedMethods, url: '/', handler: () => {} })
}

function answer(
  message: IncomingMessage,
  response: ServerResponse,
  { cache, peerOf, pressure }: ProxyOptions,
  given?: Given,
): void {
  if (isAfterLastResponse(message, response)) return
  const peer = peerOf(message.socket)
  const { events } = cache
  const exchange: Exchange = { message, response, peer, events, pressure, startedAt: performance.now(), url: '' }
  const request = readRequest(message, response, peer, given)
  if (request instanceof HerdgateError) {
    if (request.source === 'internal') given?.log.error(request)
    closeAfter(exchange)
    return send(problemReply('', request), exchange)
  }
  exchange.url = request.url
  const { body } = request
  const { socket } = message
  if (body !== undefined) response.once('finish', () => drainContent(body, message, socket))
  try {
    const reply = cache.handle(request)
    if (reply instanceof Promise) reply.then(deliver, fail)
    else send(reply, exchange)
  } catch (error) {
    fail(error)
  }

  function deliver(reply: Reply): void {
    try {
      send(reply, exchange)
    } catch (error) {
      fail(error)
    }
  }

  /** A reply that cannot be written as HTTP ends this response, not the process. */
  function fail(thrown: unknown): void {
    if (response.headersSent) response.destroy()
    else send(problemReply('', new HerdgateError('internal', String(thrown))), exchange)
  }
}
