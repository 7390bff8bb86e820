/** Every metric of a run, its thresholds, and whether they hold. */
import type { Options } from 'k6/options'
import { createSink, type MetricType, type Sink } from './sinks.ts'
import { type MetricSelector, parseSelector, parseThreshold, type Threshold } from './thresholds.ts'
import { parseDuration } from './durations.ts'

export type Tags = Readonly<Record<string, string>>

interface Metric {
  readonly type: MetricType
  readonly sink: Sink
  readonly parts: Part[]
}

/** All samples of a metric, or those with certain tags, and what is required of them. */
interface Part {
  readonly name: string
  readonly tags: Tags
  readonly sink: Sink
  readonly required: readonly Required[]
}

interface Required extends Threshold {
  readonly abortAfterMs: number | undefined
}

/** What handleSummary gets. */
export interface MetricSummary {
  readonly type: MetricType
  readonly values: Readonly<Record<string, number>>
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>
}

const metrics = new Map<string, Metric>()

/** @throws if there is one of that name and another type */
export function declare(name: string, type: MetricType): void {
  const declared = metrics.get(name)
  if (declared !== undefined && declared.type !== type) throw new Error(`the metric ${name} is a ${declared.type}`)
  if (declared === undefined) metrics.set(name, { type, sink: createSink(type), parts: [] })
}

export function record(name: string, value: number, tags: Tags): void {
  const metric = metrics.get(name)
  if (metric === undefined) throw new Error(`no metric ${name}`)
  metric.sink.add(value)
  for (const part of metric.parts) {
    if (part.sink !== metric.sink && matches(part, tags)) part.sink.add(value)
  }
}

const matches = (part: Part, tags: Tags): boolean =>
  Object.entries(part.tags).every(([name, value]) => tags[name] === value)

/** To be called before the first sample. @throws if a threshold names no metric, or an aggregation its type lacks */
export function require(thresholds: NonNullable<Options['thresholds']>): void {
  for (const [name, expressions] of Object.entries(thresholds)) {
    const selector = parseSelector(name)
    const metric = metrics.get(selector.metric)
    if (metric === undefined) throw new Error(`threshold on ${name}: no such metric`)
    const part = partOf(metric, name, selector, expressions)
    for (const { aggregation } of part.required) part.sink.read(aggregation, 1)
    metric.parts.push(part)
  }
}

function partOf(metric: Metric, name: string, { tags }: MetricSelector, expressions: readonly unknown[]): Part {
  const isAll = Object.keys(tags).length === 0
  return { name, tags, sink: isAll ? metric.sink : createSink(metric.type), required: expressions.map(requiredOf) }
}

function requiredOf(given: unknown): Required {
  if (typeof given === 'string') return { ...parseThreshold(given), abortAfterMs: undefined }
  const {
    threshold,
    abortOnFail = false,
    delayAbortEval = '0s',
  } = given as {
    threshold: string
    abortOnFail?: boolean
    delayAbortEval?: string
  }
  return { ...parseThreshold(threshold), abortAfterMs: abortOnFail ? parseDuration(delayAbortEval) : undefined }
}

/** The thresholds that do not hold, such as `http_req_failed: rate==0 (is 0.02)`. */
export function broken(elapsedMs: number): string[] {
  return all().flatMap(([, part]) =>
    part.required
      .map((required) => ({ required, seen: part.sink.read(required.aggregation, elapsedMs / 1_000) }))
      .filter(({ required, seen }) => !required.holds(seen))
      .map(({ required, seen }) => `${part.name}: ${required.source} (is ${seen ?? 'without a sample'})`),
  )
}

/** Whether a broken threshold must abort the run. One without a sample is not broken yet. */
export function mustAbort(elapsedMs: number): boolean {
  return all().some(([, part]) =>
    part.required.some((required) => {
      const { abortAfterMs = Number.POSITIVE_INFINITY } = required
      const seen = part.sink.read(required.aggregation, elapsedMs / 1_000)
      return elapsedMs >= abortAfterMs && seen !== undefined && !required.holds(seen)
    }),
  )
}

export function summarize(elapsedMs: number): Record<string, MetricSummary> {
  const whole = [...metrics].map(([name, metric]) => [name, describe(metric.type, metric.sink, [], elapsedMs)] as const)
  const parts = all().map(([metric, part]) => {
    return [part.name, describe(metric.type, part.sink, part.required, elapsedMs)] as const
  })
  return Object.fromEntries([...whole, ...parts])
}

function describe(type: MetricType, sink: Sink, required: readonly Required[], elapsedMs: number): MetricSummary {
  const read = (aggregation: string) => sink.read(aggregation, elapsedMs / 1_000)
  const values = Object.fromEntries(sink.shown.map((aggregation) => [aggregation, read(aggregation) ?? 0]))
  const verdicts = required.map(({ source, aggregation, holds }) => [source, { ok: holds(read(aggregation)) }] as const)
  return { type, values, ...(verdicts.length > 0 && { thresholds: Object.fromEntries(verdicts) }) }
}

const all = (): [Metric, Part][] =>
  [...metrics.values()].flatMap((metric) => metric.parts.map((part) => [metric, part] as [Metric, Part]))
