import { randomBytes } from 'node:crypto'
import { Agent, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Herdgate, startHerdgate } from '../support/herdgate.ts'
import { type Answer, get, type Origin, startOrigin } from '../support/http.ts'
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { until } from '../support/waiting.ts'

/** A client in a trace of its own. */
interface Client {
  readonly traceId: string
  readonly spanId: string
  readonly headers: { traceparent: string; tracestate: string }
}

function client(flags = '01'): Client {
  const traceId = randomBytes(16).toString('hex')
  const spanId = randomBytes(8).toString('hex')
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-${flags}`, tracestate: 'vendor=1' } }
}

/** Heads of the requests the origin got, by path. */
const asked = new Map<string, IncomingHttpHeaders[]>()

const headsAt = (path: string): IncomingHttpHeaders[] => asked.get(path) ?? []

const answers: RequestListener = (request, response) => {
  const url = request.url ?? ''
  asked.set(url, [...headsAt(url), request.headers])
  if (url.startsWith('/checked')) {
    if (request.headers['if-none-match'] === '"1"') return void response.writeHead(304, { ETag: '"1"' }).end()
    return void response.writeHead(200, { 'Cache-Control': 'no-cache', ETag: '"1"' }).end('checked')
  }
  if (url.startsWith('/swr')) {
    return void response.writeHead(200, { 'Cache-Control': 'max-age=1, stale-while-revalidate=600' }).end('swr')
  }
  if (url.startsWith('/cut')) {
    response.writeHead(200, { 'Content-Length': 1000, 'Cache-Control': 'no-store' }).write('some of it')
    return void setTimeout(() => response.destroy(), 50)
  }
  if (url.startsWith('/refused')) return void request.socket.destroy()
  response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end('ok')
}

describe('with an OTLP endpoint', () => {
  let receiver: OtlpReceiver
  let origin: Origin
  let herdgate: Herdgate

  beforeAll(async () => {
    receiver = await startOtlpReceiver()
    origin = await startOrigin(answers)
    herdgate = await startHerdgate(['--origin', origin.url, '--log-level', 'debug'], {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20collector',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    })
  })

  afterAll(async () => {
    await herdgate.stop()
    await origin.kill()
    await receiver[Symbol.asyncDispose]()
  })

  const ask = (path: string, { headers }: Client): Promise<Answer> => get(`${herdgate.url}${path}`, { headers })

  const serverSpan = async ({ traceId }: Client): Promise<ReceivedSpan> => one(receiver, traceId, 'server')
  const clientSpan = async ({ traceId }: Client): Promise<ReceivedSpan> => one(receiver, traceId, 'client')

  test('a miss is a server span below the client’s, and a client span that is propagated to the origin', async () => {
    const from = client()
    await ask('/miss?token=secret&page=2', from)
    const [server, upstream] = [await serverSpan(from), await clientSpan(from)]
    expect(server).toMatchObject({ name: 'GET', parentSpanId: from.spanId, failed: false, links: [] })
    expect(server.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.response.body.size': 2,
      'url.scheme': 'http',
      'url.path': '/miss',
      'url.query': 'token=*&page=*',
      'client.address': '127.0.0.1',
      'herdgate.route': 'default',
      'cache.result': 'miss',
      'cache.fwd': 'uri-miss',
      'cache.stored': true,
    })
    expect(server.attributes).not.toHaveProperty('error.type')
    expect(upstream).toMatchObject({ name: 'GET', parentSpanId: server.spanId, failed: false, links: [] })
    expect(upstream.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'url.path': '/miss',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(origin.url).port),
      'herdgate.origin': 'default',
    })
    const [head] = headsAt('/miss?token=secret&page=2')
    expect(head?.['traceparent']).toBe(`00-${from.traceId}-${upstream.spanId}-01`)
    expect(head?.['tracestate']).toBe('vendor=1')
  })

  test('the environment sets the service name, its attributes, and the headers for the collector', async () => {
    const from = client()
    await ask('/resource', from)
    const { resource } = await serverSpan(from)
    expect(resource).toMatchObject({ 'service.name': 'herdgate', 'deployment.environment.name': 'test' })
    expect(receiver.headers.authorization).toBe('Bearer collector')
  })

  test('a hit is a server span and nothing else, whatever trace it belongs to', async () => {
    await ask('/hit', client())
    const from = client()
    expect((await ask('/hit', from)).cacheStatus).toContain('hit')
    const { attributes } = await serverSpan(from)
    expect(attributes).toMatchObject({ 'cache.result': 'hit' })
    expect(attributes['cache.ttl']).toBeGreaterThan(500)
    expect(attributes['cache.ttl']).toBeLessThan(600)
    expect(headsAt('/hit')).toHaveLength(1)
    expect(receiver.spans.filter(({ traceId }) => traceId === from.traceId)).toHaveLength(1)
  })

  test('a hit on a connection that stays open is a server span and nothing else', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let asks = 0; asks < 3; asks++) await get(`${herdgate.url}/plain`, { agent })
    agent.destroy()
    const spans = await receiver.received(4, (span) => isFor(span, '/plain'))
    expect(spans.map(({ attributes }) => String(attributes['cache.result'] ?? 'origin')).sort()).toEqual([
      'hit',
      'hit',
      'miss',
      'origin',
    ])
  })

  test('without a traceparent a request begins a trace', async () => {
    await get(`${herdgate.url}/rootless`)
    const [upstream] = await receiver.received(1, (span) => isFor(span, '/rootless') && span.kind === 'client')
    const [server] = await receiver.received(1, (span) => isFor(span, '/rootless') && span.kind === 'server')
    expect(server?.parentSpanId).toBeUndefined()
    expect(upstream).toMatchObject({ traceId: server?.traceId, parentSpanId: server?.spanId })
  })

  test('a revalidation that a client waits for is a client span in its trace', async () => {
    await ask('/checked', client())
    const from = client()
    await ask('/checked', from)
    const server = await serverSpan(from)
    expect(server.attributes).toMatchObject({ 'cache.result': 'revalidated', 'cache.fwd_status': 304 })
    const upstream = await clientSpan(from)
    expect(upstream).toMatchObject({ parentSpanId: server.spanId, failed: false })
    expect(upstream.attributes).toMatchObject({ 'http.response.status_code': 304 })
  })

  test('a background refresh is a trace of its own, linked to the request that triggered it', async () => {
    await ask('/swr', client())
    let from = client()
    await until(async () => {
      from = client()
      return (await ask('/swr', from)).cacheStatus.includes('stale-while-revalidate')
    }, 'a stale answer')
    const server = await serverSpan(from)
    expect(server.attributes).toMatchObject({ 'cache.result': 'stale' })
    const [refresh] = await receiver.received(1, ({ links }) => links.some(({ spanId }) => spanId === server.spanId))
    expect(refresh).toMatchObject({ kind: 'client', parentSpanId: undefined, failed: false })
    expect(refresh?.links).toMatchObject([{ traceId: from.traceId, spanId: server.spanId }])
    expect(refresh?.traceId).not.toBe(from.traceId)
    expect(headsAt('/swr').at(-1)?.['traceparent']).toBe(`00-${refresh?.traceId}-${refresh?.spanId}-01`)
  })

  test('a fetch that several wait for belongs to the first of them', async () => {
    const clients = Array.from({ length: 5 }, () => client())
    await Promise.all(clients.map((from) => ask('/herd', from)))
    const servers = await Promise.all(clients.map((from) => serverSpan(from)))
    const upstream = await receiver.received(1, (span) => span.kind === 'client' && isFor(span, '/herd'))
    expect(upstream).toHaveLength(1)
    const first = servers.find(({ spanId }) => spanId === upstream[0]?.parentSpanId)
    expect(first?.attributes).toMatchObject({ 'cache.result': 'miss' })
  })

  test('an origin that fails is an error on both spans', async () => {
    const from = client()
    expect((await ask('/refused', from)).status).toBe(502)
    const [server, upstream] = [await serverSpan(from), await clientSpan(from)]
    expect(server.failed).toBe(true)
    expect(server.attributes).toMatchObject({
      'http.response.status_code': 502,
      'error.type': 'origin_reset',
      'cache.result': 'error',
    })
    expect(upstream.failed).toBe(true)
    expect(upstream.attributes).toMatchObject({ 'error.type': 'origin_reset' })
  })

  test('content that breaks off is an error on the client span', async () => {
    const from = client()
    await expect(ask('/cut', from)).rejects.toThrow()
    expect((await serverSpan(from)).attributes).toMatchObject({ 'herdgate.aborted': true })
    const upstream = await clientSpan(from)
    expect(upstream.failed).toBe(true)
    expect(upstream.attributes).toMatchObject({ 'http.response.status_code': 200, 'error.type': 'origin_reset' })
  })

  test('a request that the client does not sample is not recorded, and sent on as not sampled', async () => {
    const from = client('00')
    await ask('/unsampled', from)
    const [head] = headsAt('/unsampled')
    expect(head?.['traceparent']).toMatch(new RegExp(`^00-${from.traceId}-[0-9a-f]{16}-00$`))
    expect(head?.['traceparent']).not.toBe(from.headers.traceparent)
    const later = client()
    await ask('/unsampled', later)
    await serverSpan(later)
    expect(receiver.spans.filter(({ traceId }) => traceId === from.traceId)).toEqual([])
  })

  test('log lines name trace and span', async () => {
    const from = client()
    await ask('/logged', from)
    const { spanId } = await serverSpan(from)
    await until(() => herdgate.lines.some((line) => line.includes(from.traceId)), 'its line')
    const line = herdgate.lines.find((candidate) => candidate.includes(from.traceId)) ?? '{}'
    expect(JSON.parse(line)).toMatchObject({ path: '/logged', trace_id: from.traceId, span_id: spanId })
  })
})

test('the last spans are sent before the process exits', async () => {
  await using receiver = await startOtlpReceiver()
  const origin = await startOrigin(answers)
  const herdgate = await startHerdgate(['--origin', origin.url], {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: '600000',
    OTEL_SERVICE_NAME: 'edge',
  })
  await get(`${herdgate.url}/last`)
  expect(receiver.spans).toEqual([])
  expect(await herdgate.stop()).toBe(0)
  await origin.kill()
  expect(receiver.spans.map(({ kind }) => kind).sort()).toEqual(['client', 'server'])
  expect(receiver.spans[0]?.resource).toMatchObject({ 'service.name': 'edge' })
})

test('workers send their spans themselves', async () => {
  await using receiver = await startOtlpReceiver()
  const origin = await startOrigin(answers)
  const herdgate = await startHerdgate(['--origin', origin.url, '--workers', '2'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
  })
  const { traceId, spanId, headers } = client()
  await get(`${herdgate.url}/worker`, { headers })
  const server = await one(receiver, traceId, 'server')
  const upstream = await one(receiver, traceId, 'client')
  expect([server.parentSpanId, upstream.parentSpanId]).toEqual([spanId, server.spanId])
  await herdgate.stop()
  await origin.kill()
})

test('a collector that is down affects neither answers nor a clean exit', async () => {
  const origin = await startOrigin(answers)
  const herdgate = await startHerdgate(['--origin', origin.url], {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  })
  const clients = Array.from({ length: 20 }, () => client())
  const all = await Promise.all(clients.map(({ headers }) => get(`${herdgate.url}/down`, { headers })))
  expect(all.every(({ status }) => status === 200)).toBe(true)
  expect(await herdgate.stop()).toBe(0)
  expect(herdgate.lines.some((line) => line.includes('OpenTelemetry'))).toBe(true)
  await origin.kill()
})

describe('without an OTLP endpoint', () => {
  let origin: Origin
  let herdgate: Herdgate

  beforeAll(async () => {
    origin = await startOrigin(answers)
    herdgate = await startHerdgate(['--origin', origin.url])
  })

  afterAll(async () => {
    await herdgate.stop()
    await origin.kill()
  })

  test.each([
    ['a fetch that is shared', '/off', 'GET'],
    ['a request that is passed', '/off-passed', 'POST'],
  ])('%s carries the trace context as received', async (_, path, method) => {
    const { headers } = client()
    await get(`${herdgate.url}${path}`, { method, headers })
    expect(headsAt(path)).toMatchObject([headers])
  })

  test('trace context is not part of the key', async () => {
    const paths = Array.from({ length: 3 }, () => get(`${herdgate.url}/off-key`, { headers: client().headers }))
    await Promise.all(paths)
    const later = await get(`${herdgate.url}/off-key`, { headers: client().headers })
    expect(later.cacheStatus).toContain('hit')
    expect(headsAt('/off-key')).toHaveLength(1)
  })

  test('log lines name no trace', async () => {
    await get(`${herdgate.url}/off-logged`, { headers: client().headers })
    await until(() => herdgate.lines.some((line) => line.includes('/off-logged')), 'its line')
    expect(herdgate.lines.join('\n')).not.toContain('trace_id')
  })
})

async function one(receiver: OtlpReceiver, trace: string, kind: ReceivedSpan['kind']): Promise<ReceivedSpan> {
  const [span] = await receiver.received(1, (candidate) => candidate.traceId === trace && candidate.kind === kind)
  if (span === undefined) throw new Error(`no ${kind} span`)
  return span
}

const isFor = ({ attributes }: ReceivedSpan, path: string): boolean => attributes['url.path'] === path
