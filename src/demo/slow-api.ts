import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { systemClock } from '../clock.ts'
import type { Clock } from '../model.ts'
import { changeControl, type Control, mergeControl } from './control.ts'
import { hitCounter } from './hit-counter.ts'
import { products } from './products.ts'
import { type ApiRequest, answer, type Reply, unavailable } from './resources.ts'
import { streamEvents, streamReport } from './streams.ts'

export interface SlowApiOptions {
  /** Milliseconds between a request and its response head. Default 800. */
  readonly latencyMs?: number
  /** How long /report takes to send. Default 3000. */
  readonly reportMs?: number
  readonly clock?: Clock
  /** From 0 up to 1: decides which requests fail on /flaky and by `errorRate`. Default Math.random. */
  readonly random?: () => number
  /** Where the page links to Herdgate's dashboard. */
  readonly dashboard?: () => string
}

export interface SlowApi {
  readonly server: Server
  /** Listens on loopback; port 0, the default, takes any free one. @returns its base URL, without a slash at the end */
  listen(port?: number): Promise<string>
  /** Requests that reached the API, for one path or for all; those to `/__control` and `/__stats` are not counted. */
  hits(path?: string): number
  control(change: Partial<Control>): void
  /** Ends every connection, answered or not. */
  close(): Promise<void>
}

const MAX_REQUEST_BYTES = 64 * 1024

/** The API of the demo: slow, cacheable in every way an API can be, and able to break on request. */
export function createSlowApi(options: SlowApiOptions = {}): SlowApi {
  const { reportMs = 3_000, clock = systemClock, random = Math.random, dashboard } = options
  const counter = hitCounter()
  const catalogue = products()
  let control: Control = { latencyMs: options.latencyMs ?? 800, outage: 'none', errorRate: 0 }

  const server = createServer((request, response) => {
    response.on('error', () => response.destroy())
    void receive(request).then(
      (body) => dispatch(request, response, body),
      () => response.destroy(), // the client left while sending
    )
  })

  function dispatch(request: IncomingMessage, response: ServerResponse, body: string | undefined): void {
    const url = URL.parse(request.url ?? '/', 'http://localhost')
    if (url === null) return sendJson(response, 400, { error: 'malformed target' })
    if (body === undefined) return sendJson(response, 413, { error: 'more than 64 KiB' })
    if (url.pathname === '/__control') return changeOrShow(request, response, body)
    if (url.pathname === '/__stats') return sendJson(response, 200, { total: counter.hits(), paths: counter.byPath() })
    serve(request, response, url, body)
  }

  function changeOrShow(request: IncomingMessage, response: ServerResponse, body: string): void {
    if (request.method === 'GET' || request.method === 'HEAD') return sendJson(response, 200, control)
    if (request.method !== 'POST')
      return sendJson(response, 405, { error: 'GET or POST' }, { Allow: 'GET, HEAD, POST' })
    const changed = changeControl(control, body)
    if ('problem' in changed) return sendJson(response, 400, { error: changed.problem })
    control = changed
    sendJson(response, 200, control)
  }

  function serve(request: IncomingMessage, response: ServerResponse, url: URL, content: string): void {
    const hits = counter.count(url.pathname)
    if (control.outage === 'refuse') return void request.socket.resetAndDestroy()
    if (control.outage === 'hang') return
    if (url.pathname === '/early-hints') response.writeEarlyHints({ link: '</products/1>; rel=preload; as=fetch' })
    const { latencyMs } = control
    later(response, latencyMs, () => {
      const apiRequest: ApiRequest = {
        method: request.method ?? 'GET',
        path: url.pathname,
        query: url.searchParams,
        fields: request.headers,
        content,
        now: clock.now(),
        hits,
        latencyMs,
        products: catalogue,
        chance: random(),
        dashboard: dashboard?.(),
      }
      if (control.outage === 'error' || apiRequest.chance < control.errorRate)
        return send(response, unavailable(apiRequest))
      respond(response, apiRequest)
    })
  }

  function respond(response: ServerResponse, apiRequest: ApiRequest): void {
    const reads = apiRequest.method === 'GET' || apiRequest.method === 'HEAD'
    if (reads && apiRequest.path === '/report') return streamReport(response, apiRequest, reportMs, clock)
    if (reads && apiRequest.path === '/events') return streamEvents(response, apiRequest, clock)
    send(response, answer(apiRequest))
  }

  /** Runs when the latency has passed, unless the client has left by then. */
  function later(response: ServerResponse, delayMs: number, run: () => void): void {
    if (delayMs === 0) return run()
    const cancel = clock.after(delayMs, run)
    response.once('close', cancel)
  }

  return {
    server,
    listen: (port = 0) => listenOnLoopback(server, port),
    hits: (path) => counter.hits(path),
    control: (change) => void (control = mergeControl(control, change)),
    close: () => closeServer(server),
  }
}

/** The request's content as text; undefined when it is longer than anything the API expects. */
async function receive(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= MAX_REQUEST_BYTES) chunks.push(chunk)
  }
  return bytes <= MAX_REQUEST_BYTES ? Buffer.concat(chunks).toString() : undefined
}

function send(response: ServerResponse, { status, fields, body }: Reply): void {
  const length = status === 304 ? {} : { 'Content-Length': Buffer.byteLength(body) }
  response.writeHead(status, { ...fields, ...length })
  response.end(body)
}

function sendJson(response: ServerResponse, status: number, value: object, extra: Record<string, string> = {}): void {
  const fields = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...extra }
  send(response, { status, fields, body: `${JSON.stringify(value, null, 2)}\n` })
}

async function listenOnLoopback(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the slow API has no port')
  return `http://127.0.0.1:${address.port}`
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
