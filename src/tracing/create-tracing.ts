import { setTimeout as timeout } from 'node:timers/promises'
import { diag, DiagLogLevel } from '@opentelemetry/api'
import { getNumberFromEnv } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Logger } from 'pino'
import type { Environment } from '../config/environment.ts'
import type { Tracing } from './tracing.ts'
import { VERSION } from '../version.ts'
import { RequestSpans } from './request-spans.ts'
import { samplerFor } from './sampler.ts'
import { tracedOrigin } from './traced-origin.ts'

/** How long the last spans may take to be sent, in ms. */
const CLOSE_MS = 3_000

/** Spans sent by OTLP over HTTP. The exporter reads `OTEL_EXPORTER_OTLP_*` itself. */
export function createTracing(env: Environment, logger: Logger): Tracing {
  logFailures(logger)
  const { sampler, fault } = samplerFor(env['OTEL_TRACES_SAMPLER'], env['OTEL_TRACES_SAMPLER_ARG'])
  if (fault !== undefined) logger.warn(fault)
  const processor = new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), ...batching() })
  const provider = new TracerProvider({ resource: ourResource(), sampler, spanProcessors: [processor] })
  const tracer = provider.getTracer('herdgate', VERSION)
  const spans = new RequestSpans(tracer)
  return {
    enabled: true,
    listener: (listener) => spans.around(listener),
    observe: (events) => void events.on('request', (request) => spans.end(request)),
    origin: (origin, urls) => tracedOrigin(origin, { urls, tracer, context: () => spans.context }),
    logMembers: () => spans.logMembers(),
    async close() {
      const sent = provider.shutdown().then(
        () => true,
        (error: unknown) => diag.error(String(error)),
      )
      const inTime = await Promise.race([sent, timeout(CLOSE_MS, false, { ref: false })])
      if (inTime === false) diag.warn(`the last spans could not be sent within ${CLOSE_MS / 1000} s`)
    },
  }
}

/** A collector that is down is worth a log line, and affects nothing else. */
function logFailures(logger: Logger): void {
  const log = (message: string) => logger.warn({ trouble: message }, 'OpenTelemetry')
  const ignore = () => {}
  diag.setLogger({ error: log, warn: log, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN)
}

/** `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` override these. */
function ourResource(): Resource {
  const ours = resourceFromAttributes({ 'service.name': 'herdgate', 'service.version': VERSION })
  return defaultResource()
    .merge(ours)
    .merge(detectResources({ detectors: [serviceInstanceIdDetector, envDetector] }))
}

/** The batch span processor's variables and their defaults, as OpenTelemetry specifies them; times in ms. */
const batching = () => ({
  scheduledDelayMillis: getNumberFromEnv('OTEL_BSP_SCHEDULE_DELAY') ?? 5_000,
  exportTimeoutMillis: getNumberFromEnv('OTEL_BSP_EXPORT_TIMEOUT') ?? 30_000,
  maxQueueSize: getNumberFromEnv('OTEL_BSP_MAX_QUEUE_SIZE') ?? 2_048,
  maxExportBatchSize: getNumberFromEnv('OTEL_BSP_MAX_EXPORT_BATCH_SIZE') ?? 512,
})
