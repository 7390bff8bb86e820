/** The data port: what the client asked goes to the cache, what the cache replies goes to the client. Nothing else. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { BodyReader, Cache, CacheRequest, Fields, Peer, Reply } from '../src/library.ts'
import { HerdgateError, hopsLeft, lines, localAuthority, problem, readHead, schemeOf } from '../src/library.ts'
import { STATUS_CODES } from '../src/node-http.ts'

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
  app.route({
    method: app.supportedMethods,
    url: '*',
    handler: (request, reply) => {
      reply.hijack()
      answer(request.raw, reply.raw, cache, peerOf)
    },
  })
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
    return send(problem('', request), exchange)
  }
  exchange.url = request.url
  if (request.body !== undefined) response.once('finish', () => message.resume()) // what nobody reads holds up the connection
  try {
    const reply = answerOfOurs(request) ?? cache.handle(request)
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
    else send(problem('', new HerdgateError('internal', String(thrown))), exchange)
  }
}

/** Connections on which a request was refused that leaves in doubt where the next one begins. */
const doubtful = new WeakSet<IncomingMessage['socket']>()

/** The answer is the connection's last. */
function endWith({ message, response }: Pick<Exchange, 'message' | 'response'>): void {
  response.shouldKeepAlive = false
  doubtful.add(message.socket)
}

/**
 * Does the request come behind the last answer? Its octets may have come at once with those of a request that was
 * refused: then it is not processed (RFC 9112 section 9.6). Without a socket a response waits for earlier ones.
 */
function comesTooLate({ socket }: IncomingMessage, response: ServerResponse): boolean {
  return response.socket === null ? doubtful.has(socket) : socket.writableEnded
}

/** One request and its answer on their way through. */
interface Exchange {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  readonly peer: Peer
  readonly events: ProxyOptions['cache']['events']
  /** Monotonic milliseconds. */
  readonly startedAt: number
  url: string
}

// ------------------------------------------------------------------------------------------------- the request

function readRequest(message: IncomingMessage, response: ServerResponse, peer: Peer): CacheRequest | HerdgateError {
  const head = readHead({
    method: message.method ?? 'GET',
    target: (message as { originalUrl?: string }).originalUrl ?? message.url ?? '',
    version: message.httpVersion,
    fields: message.rawHeaders,
    scheme: schemeOf(message, peer),
    local: () => localAuthority(message.socket),
  })
  if (!head.ok) return new HerdgateError(head.code, head.detail)
  if (head.asksForUpgrade) endWith({ message, response })
  return new ClientRequest(message, response, head.url, head.hasContent, peer)
}

/** The answer to a request that may go no further (RFC 9110 section 7.6.2). TRACE is answered by origins alone. */
function answerOfOurs(request: CacheRequest): Reply | undefined {
  const hops = hopsLeft(request)
  if (hops === undefined || hops > 0) return undefined
  if (Number.isNaN(hops)) return problem('', new HerdgateError('malformed_request', 'Max-Forwards is malformed'))
  if (request.method === 'TRACE') return problem('', new HerdgateError('method_not_allowed'))
  const outcome = { result: 'pass', detail: 'max-forwards' } as const
  const fields = [
    'Allow',
    'GET, HEAD, OPTIONS',
    'Cache-Control',
    'no-store',
    'Cache-Status',
    'herdgate; detail=max-forwards',
  ]
  return { route: '', status: 204, fields, body: undefined, outcome }
}

class ClientRequest implements CacheRequest {
  readonly method: string
  readonly url: string
  readonly fields: Fields
  readonly peer: Peer
  readonly body: IncomingMessage | undefined
  readonly #message: IncomingMessage
  readonly #response: ServerResponse
  #signal: AbortSignal | undefined

  constructor(message: IncomingMessage, response: ServerResponse, url: string, hasContent: boolean, peer: Peer) {
    this.method = message.method ?? 'GET'
    this.url = url
    this.fields = message.rawHeaders
    this.peer = peer
    this.body = hasContent ? message : undefined
    this.#message = message
    this.#response = response
  }

  /** Made on demand: a hit never needs it. */
  get signal(): AbortSignal {
    this.#signal ??= abortedWith(this.#response)
    return this.#signal
  }

  onInterim(status: number, fields: Fields): void {
    if (!this.#response.headersSent && this.#message.httpVersion !== '1.0') writeInterim(this.#response, status, fields)
  }
}

/**
 * Straight to the socket, which a response has when it is its turn: node:http's own call takes one form of Link field
 * and no other field.
 */
function writeInterim({ socket }: ServerResponse, status: number, fields: Fields): void {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Interim'}\r\n`
  for (let at = 0; at + 1 < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`
  socket?.write(`${head}\r\n`, 'latin1')
}

function abortedWith(response: ServerResponse): AbortSignal {
  const abort = new AbortController()
  if (response.destroyed) abort.abort()
  response.once('close', () => {
    if (!response.writableFinished) abort.abort()
  })
  return abort.signal
}

// --------------------------------------------------------------------------------------------------- the reply

function send(reply: Reply, exchange: Exchange): void {
  const { response } = exchange
  // What is malformed in one place may be so in another, where it ends included.
  if (reply.status === 400 && reply.outcome.result === 'error') endWith(exchange)
  const firstByteMs = performance.now() - exchange.startedAt
  if (response.destroyed) {
    reply.body?.discard()
    return report(reply, exchange, firstByteMs, 0, true)
  }
  const whole = reply.body === undefined ? NOTHING : reply.body.bytes
  try {
    response.writeHead(reply.status, reply.fields as string[])
  } catch (error) {
    if (response.headersSent) throw error
    reply.body?.discard()
    response.statusMessage = ''
    return send(problem(reply.route, new HerdgateError('origin_invalid')), exchange)
  }
  if (whole === undefined) {
    void stream(reply, exchange, firstByteMs)
  } else {
    // As text that stands for bytes, a short body leaves in one write with the head; a buffer would take a writev.
    if (whole.length <= ONE_WRITE_BYTES) response.end(whole.toString('latin1'), 'latin1')
    else response.end(whole)
    report(reply, exchange, firstByteMs, whole.length, false)
  }
}

const NOTHING = Buffer.alloc(0)
const ONE_WRITE_BYTES = 32 * 1024

async function stream(reply: Reply, exchange: Exchange, firstByteMs: number): Promise<void> {
  const { response } = exchange
  const reader = reply.body?.read()
  if (reader === undefined) return
  response.flushHeaders()
  const leave = () => reader.cancel()
  response.once('close', leave)
  let bytes = 0
  try {
    bytes = await copy(reader, response)
    response.addTrailers(trailersOf(reader))
    response.end()
    report(reply, exchange, firstByteMs, bytes, false)
  } catch {
    breakOff(exchange)
    report(reply, exchange, firstByteMs, bytes, true)
  } finally {
    response.off('close', leave)
  }
}

/** The client must see that this is not the whole of it. Where the connection's end is the content's, only a reset says so. */
function breakOff({ message, response }: Exchange): void {
  if (message.httpVersion === '1.0') response.socket?.resetAndDestroy()
  else response.destroy()
}

/** Trailers may not carry what frames or routes a message (RFC 9110 section 6.5.1). */
const NEVER_TRAILERS = new Set([
  'content-length',
  'transfer-encoding',
  'trailer',
  'host',
  'content-encoding',
  'connection',
])

function trailersOf(reader: BodyReader): Record<string, string> {
  const trailers: Record<string, string> = Object.create(null)
  for (const [name, value] of lines(reader.trailers())) {
    if (!NEVER_TRAILERS.has(name)) trailers[name] = name in trailers ? `${trailers[name]}, ${value}` : value
  }
  return trailers
}

/** At the client's pace. @returns octets copied */
async function copy(reader: BodyReader, response: ServerResponse): Promise<number> {
  let bytes = 0
  for (;;) {
    const next = reader.next()
    const chunk = next instanceof Promise ? await next : next
    if (chunk === undefined) return bytes
    bytes += chunk.length
    if (!response.write(chunk)) await drained(response)
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      response.off('drain', settle)
      response.off('close', settle)
      if (response.destroyed) reject(new HerdgateError('client_gone'))
      else resolve()
    }
    response.once('drain', settle)
    response.once('close', settle)
  })
}

function report(reply: Reply, exchange: Exchange, firstByteMs: number, bytes: number, aborted: boolean): void {
  const { message, events, startedAt, url } = exchange
  const { route, status, outcome } = reply
  const totalMs = performance.now() - startedAt
  const method = message.method ?? 'GET'
  const peer = exchange.peer.address
  events.emit('request', { route, method, url, status, outcome, bytes, firstByteMs, totalMs, aborted, peer })
}
