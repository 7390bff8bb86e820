import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'

const DEFAULT = 'parentbased_always_on'
const PARENT_BASED = 'parentbased_'

const ROOTS: Readonly<Record<string, (ratio: number) => Sampler>> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
}

/**
 * The sampler that `OTEL_TRACES_SAMPLER` and its `_ARG` name (OpenTelemetry SDK environment variables). An invalid
 * value counts as not set, and `fault` says so.
 */
export function samplerFor(name: string | undefined, arg: string | undefined): { sampler: Sampler; fault?: string } {
  const wanted = name?.trim().toLowerCase() || DEFAULT
  const isParentBased = wanted.startsWith(PARENT_BASED)
  const rootName = isParentBased ? wanted.slice(PARENT_BASED.length) : wanted
  const root = Object.hasOwn(ROOTS, rootName) ? ROOTS[rootName] : undefined
  if (root === undefined) return { ...samplerFor(DEFAULT, undefined), fault: `OTEL_TRACES_SAMPLER: no sampler ${name}` }
  const ratio = arg?.trim() ? Number(arg) : 1
  const isRatio = ratio >= 0 && ratio <= 1
  const sampler = root(isRatio ? ratio : 1)
  return {
    sampler: isParentBased ? new ParentBasedSampler({ root: sampler }) : sampler,
    ...(!isRatio && { fault: `OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got ${arg}` }),
  }
}
