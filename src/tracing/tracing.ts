/** OpenTelemetry traces, where they are asked for. The packages that make them are loaded only then. */
import type { RequestListener } from 'node:http'
import type { Logger } from 'pino'
import type { Environment } from '../config/environment.ts'
import type { Events } from '../events.ts'
import type { Origin } from '../model.ts'

/** Wraps the parts of a server in spans, from outside; without tracing a part is returned as it is. */
export interface Tracing {
  /** Whether there are spans: if so, every request has to go through `listener`. */
  readonly enabled: boolean
  /** A server span for every request, its parent the client's `traceparent`. */
  listener(listener: RequestListener): RequestListener
  /** Ends server spans, with what `request` events say of them. */
  observe(events: Events): void
  /**
   * A client span for every request to the origin, which gets its `traceparent`.
   * @param urls those of the origin
   */
  origin(origin: Origin, urls: readonly string[]): Origin
  /** `trace_id` and `span_id` of the request that is being handled; undefined where there is none. */
  readonly logMembers: () => object | undefined
  /** Sends what has not been sent yet, for a bounded time. Never rejects. */
  close(): Promise<void>
}

export const NO_TRACING: Tracing = {
  enabled: false,
  listener: (listener) => listener,
  observe() {},
  origin: (origin) => origin,
  logMembers: () => undefined,
  async close() {},
}

/** Traces, if the environment names an endpoint of OTLP. */
export async function openTracing(env: Environment, logger: Logger): Promise<Tracing> {
  if (!asksForTraces(env)) return NO_TRACING
  const { createTracing } = await import('./create-tracing.ts')
  return createTracing(env, logger)
}

function asksForTraces(env: Environment): boolean {
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT']
  if (!endpoint || env['OTEL_TRACES_EXPORTER'] === 'none') return false
  return env['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true'
}
