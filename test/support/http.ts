import { once } from 'node:events'
import http, { type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Origin {
  readonly url: string
  readonly server: Server
  /** Requests received so far. */
  readonly hits: () => number
  /** Stops listening and drops all connections; `start` listens again on the same port. */
  kill(): Promise<void>
  start(): Promise<void>
}

/** A plain origin on a free port of the loopback address. */
export async function startOrigin(handler: RequestListener): Promise<Origin> {
  let hits = 0
  const counted: RequestListener = (request, response) => {
    hits++
    handler(request, response)
  }
  let server = http.createServer({ keepAliveTimeout: 60_000 }, counted)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    get server() {
      return server
    },
    hits: () => hits,
    async kill() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
    async start() {
      server = http.createServer(counted)
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
  }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly cacheStatus: string
  /** Milliseconds until the response was complete. */
  readonly totalMs: number
}

/** Unlimited connections, each used for one request, as in a herd. */
const agent = new http.Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })

/** One request on a connection of its own; rejects if the response is incomplete. */
export async function get(url: string, options: http.RequestOptions & { body?: string } = {}): Promise<Answer> {
  const startedAt = performance.now()
  const { body: content, ...rest } = options
  const request = http.request(url, { agent, ...rest })
  request.end(content)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
    cacheStatus: String(response.headers['cache-status'] ?? ''),
    totalMs: performance.now() - startedAt,
  }
}
