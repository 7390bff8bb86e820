import { readdirSync, readFileSync } from 'node:fs'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { NO_TRACING, openTracing } from '../../src/tracing/tracing.ts'

const ENDPOINT = 'http://127.0.0.1:9'
const silent = pino({ level: 'silent' })

test.each<Record<string, string>>([
  {},
  { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
  { OTEL_SERVICE_NAME: 'edge', OTEL_TRACES_SAMPLER: 'always_on' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_TRACES_EXPORTER: 'none' },
])('off with %o', async (env) => {
  expect(await openTracing(env, silent)).toBe(NO_TRACING)
})

test.each(['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'])('on with %s', async (name) => {
  const tracing = await openTracing({ [name]: ENDPOINT }, silent)
  expect(tracing.enabled).toBe(true)
  await tracing.close()
})

test('OpenTelemetry is loaded only when tracing is on', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const outside = sources.filter((name) => name === 'tracing/tracing.ts' || !name.startsWith('tracing/'))
  const loading = outside.filter((name) => {
    const text = readFileSync(`src/${name}`, 'utf8')
    return /from '(?:@opentelemetry\/|[./]+\/(?:tracing\/(?!tracing\.ts)|create-tracing))/.test(text)
  })
  expect(loading).toEqual([])
})
