import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestListener } from 'node:http'
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api'
import type { RequestEvent } from '../events.ts'
import { requestAttributes, methodOf, spanName } from './attributes.ts'
import { contextIn } from './trace-context.ts'

/** Server spans, from a request's head to the last octet of its answer, and the context of what happens meanwhile. */
export class RequestSpans {
  readonly #tracer: Tracer
  readonly #contexts = new AsyncLocalStorage<Context>()

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  /** The context of the request that is being handled; a shared fetch goes on in that of the first request. */
  get context(): Context {
    return this.#contexts.getStore() ?? ROOT_CONTEXT
  }

  around(listener: RequestListener): RequestListener {
    return (request, response) => {
      const parent = contextIn(request.rawHeaders)
      const { method = 'GET', httpVersion } = request
      const attributes = { ...methodOf(method), 'network.protocol.version': httpVersion }
      const span = this.#tracer.startSpan(spanName(method), { kind: SpanKind.SERVER, attributes }, parent)
      this.#contexts.run(trace.setSpan(parent, span), listener, request, response)
    }
  }

  /** The span's request was answered, or its client left. */
  end(request: RequestEvent): void {
    const span = trace.getSpan(this.context)
    if (span === undefined) return
    if (span.isRecording()) span.setAttributes(requestAttributes(request))
    if (request.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  }

  logMembers(): object | undefined {
    const context = trace.getSpanContext(this.context)
    return context && { trace_id: context.traceId, span_id: context.spanId }
  }
}
