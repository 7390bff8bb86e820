import { type Context, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api'
import { asHerdgateError } from '../errors.ts'
import type { Origin, OriginRequest, Signal } from '../model.ts'
import { methodOf, serverOf, spanName } from './attributes.ts'
import { withContext } from './trace-context.ts'

export interface TracedOriginOptions {
  readonly urls: readonly string[]
  readonly tracer: Tracer
  /** The context of the request for which the origin is asked. */
  readonly context: () => Context
}

/**
 * An origin whose requests have client spans, from the request to the last octet of its answer, and carry their
 * context. A request that nobody waits for begins a trace of its own, linked to the one that triggered it.
 */
export function tracedOrigin(origin: Origin, { urls, tracer, context }: TracedOriginOptions): Origin {
  const where = { 'herdgate.origin': origin.name, ...serverOf(urls) }

  const begin = ({ method, target, background }: OriginRequest, cause: Context): Span => {
    const [path] = target.split('?', 1)
    const attributes = { ...methodOf(method), 'url.path': path, ...where }
    const options = { kind: SpanKind.CLIENT, attributes }
    if (!background) return tracer.startSpan(spanName(method), options, cause)
    const trigger = trace.getSpanContext(cause)
    const links = trigger === undefined ? [] : [{ context: trigger }]
    return tracer.startSpan(spanName(method), { ...options, links, root: true }, cause)
  }

  return {
    name: origin.name,
    async fetch(request, signal) {
      const cause = context()
      const span = begin(request, cause)
      const traced = { ...request, fields: withContext(request.fields, trace.setSpan(cause, span)) }
      try {
        const response = await origin.fetch(traced, signal)
        recordStatus(span, response.status)
        const body = watched(response.body, span, signal)
        return { ...response, body, trailers: () => response.trailers() }
      } catch (error) {
        recordFailure(span, error)
        span.end()
        throw error
      }
    },
    close: () => origin.close(),
  }
}

function recordStatus(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status)
  if (status >= 400) span.setAttribute('error.type', String(status)).setStatus({ code: SpanStatusCode.ERROR })
}

function recordFailure(span: Span, thrown: unknown): void {
  const { code, message } = asHerdgateError(thrown)
  span.setAttribute('error.type', code)
  if (code !== 'client_gone') span.setStatus({ code: SpanStatusCode.ERROR, message })
}

/** Ends the span with the content, or when nobody wants the rest of it. */
function watched(body: AsyncIterable<Uint8Array>, span: Span, signal?: Signal): AsyncIterable<Uint8Array> {
  if (!span.isRecording()) return body
  const end = () => {
    signal?.removeEventListener('abort', end)
    if (span.isRecording()) span.end()
  }
  if (signal?.aborted) end()
  signal?.addEventListener('abort', end)
  return (async function* () {
    try {
      yield* body
    } catch (error) {
      if (span.isRecording()) recordFailure(span, error)
      throw error
    } finally {
      end()
    }
  })()
}
