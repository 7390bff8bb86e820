/** The data port: what the client asked goes to the cache, what the cache replies goes to the client. Nothing else. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Cache, Peer, Reply } from '../src/for-routes.ts'
import { HerdgateError, problemReply } from '../src/for-routes.ts'
import { readRequest } from './proxy/client-request.ts'
import type { Exchange } from './proxy/exchange.ts'
import { comesTooLate, endWith } from './proxy/last-answer.ts'
import { send } from './proxy/send.ts'

export interface ProxyOptions {
  readonly cache: Pick<Cache, 'handle' | 'events'>
  /** Who is at the other end of a connection; asked once per connection. */
  readonly peerOf: (socket: IncomingMessage['socket']) => Peer
}

/**
 * Answers every request of a Fastify scope from the cache. Bodies are streams and are never parsed. The hooks of an
 * application around it run first.
 */
export function proxyRoute(app: FastifyInstance, { cache, peerOf }: ProxyOptions): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  // Below /api is not /apiary.
  for (const url of app.prefix === '' ? ['*'] : ['/', '/*']) {
    app.route({
      method: app.supportedMethods,
      url,
      handler: (request, reply) => {
        reply.hijack()
        answer(request.raw, reply.raw, cache, peerOf)
      },
    })
  }
}

/**
 * The same for an instance that does nothing else: the answer begins before Fastify looks at content and its type, on
 * which it has views (a malformed Content-Type, a QUERY without one) that are the origin's to have.
 */
export function proxyEverything(app: FastifyInstance, { cache, peerOf }: ProxyOptions): void {
  app.addHook('onRequest', (request, reply) => {
    reply.hijack()
    answer(request.raw, reply.raw, cache, peerOf)
  })
  app.route({ method: app.supportedMethods, url: '/', handler: () => {} })
}

function answer(
  message: IncomingMessage,
  response: ServerResponse,
  cache: ProxyOptions['cache'],
  peerOf: ProxyOptions['peerOf'],
): void {
  if (comesTooLate(message, response)) return
  const peer = peerOf(message.socket)
  const exchange: Exchange = { message, response, peer, events: cache.events, startedAt: performance.now(), url: '' }
  const request = readRequest(message, response, peer)
  if (request instanceof HerdgateError) {
    endWith(exchange)
    return send(problemReply('', request), exchange)
  }
  exchange.url = request.url
  if (request.body !== undefined) response.once('finish', () => message.resume()) // what nobody reads holds up the connection
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

  /** What cannot be written as HTTP ends this answer, not the process. */
  function fail(thrown: unknown): void {
    if (response.headersSent) response.destroy()
    else send(problemReply('', new HerdgateError('internal', String(thrown))), exchange)
  }
}
