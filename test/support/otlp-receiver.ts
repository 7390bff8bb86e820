import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { until } from './waiting.ts'

type Value = string | number | boolean | undefined

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: 'server' | 'client' | 'other'
  readonly failed: boolean
  readonly attributes: Readonly<Record<string, Value>>
  /** Resource attributes of the process that sent it. */
  readonly resource: Readonly<Record<string, Value>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
}

/** An OTLP receiver for traces (HTTP, JSON), limited to what the tests check. */
export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string
  readonly spans: readonly ReceivedSpan[]
  /** Headers of the last export. */
  readonly headers: http.IncomingHttpHeaders
  /** Waits for at least `count` matching spans and returns all of them. */
  received(count: number, matches: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan[]>
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  let headers: http.IncomingHttpHeaders = {}
  const take = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const isTraces = request.method === 'POST' && request.url === '/v1/traces'
    headers = request.headers
    spans.push(...spansIn((await json(request)) as Export))
    response.writeHead(isTraces ? 200 : 404, { 'Content-Type': 'application/json' }).end('{}')
  }
  const server = http.createServer((request, response) => {
    take(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    get headers() {
      return headers
    },
    async received(count, matches) {
      const found = () => spans.filter(matches)
      await until(() => found().length >= count, `${count} spans`)
      return found()
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

interface Attribute {
  readonly key: string
  readonly value: { stringValue?: string; boolValue?: boolean; intValue?: number | string; doubleValue?: number }
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly traceId: string
        readonly spanId: string
        readonly parentSpanId?: string
        readonly name: string
        readonly kind: number
        readonly status?: { readonly code?: number }
        readonly attributes?: readonly Attribute[]
        readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
      }[]
    }[]
  }[]
}

/** By OTLP enum value. */
const KINDS: Readonly<Record<number, ReceivedSpan['kind']>> = { 2: 'server', 3: 'client' }
const ERROR = 2

function spansIn({ resourceSpans }: Export): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map(({ traceId, spanId, parentSpanId, name, kind, status, attributes = [], links = [] }) => ({
        traceId,
        spanId,
        parentSpanId: parentSpanId || undefined,
        name,
        kind: KINDS[kind] ?? 'other',
        failed: status?.code === ERROR,
        attributes: valuesOf(attributes),
        resource: valuesOf(resource.attributes),
        links,
      })),
    ),
  )
}

function valuesOf(attributes: readonly Attribute[]): Record<string, Value> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? value.doubleValue ?? Number(value.intValue),
    ]),
  )
}
