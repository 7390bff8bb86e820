import { describe, expect, test } from 'vitest'
import { samplerFor } from '../../src/tracing/sampler.ts'

describe('OTEL_TRACES_SAMPLER', () => {
  test.each([
    [undefined, undefined, 'ParentBased{root=AlwaysOnSampler'],
    ['', undefined, 'ParentBased{root=AlwaysOnSampler'],
    ['always_on', undefined, 'AlwaysOnSampler'],
    ['always_off', undefined, 'AlwaysOffSampler'],
    ['ALWAYS_OFF', undefined, 'AlwaysOffSampler'],
    ['traceidratio', '0.25', 'TraceIdRatioBased{0.25}'],
    ['traceidratio', undefined, 'TraceIdRatioBased{1}'],
    ['parentbased_always_on', undefined, 'ParentBased{root=AlwaysOnSampler'],
    ['parentbased_always_off', undefined, 'ParentBased{root=AlwaysOffSampler'],
    ['parentbased_traceidratio', '0.5', 'ParentBased{root=TraceIdRatioBased{0.5}'],
  ])('%s with %s is %s', (name, arg, expected) => {
    const { sampler, fault } = samplerFor(name, arg)
    expect(sampler.toString().slice(0, expected.length)).toBe(expected)
    expect(fault).toBeUndefined()
  })

  test.each([
    ['jaeger_remote', undefined, 'OTEL_TRACES_SAMPLER: no sampler jaeger_remote'],
    ['parentbased_', undefined, 'OTEL_TRACES_SAMPLER: no sampler parentbased_'],
    ['constructor', undefined, 'OTEL_TRACES_SAMPLER: no sampler constructor'],
  ])('%s counts as not set', (name, arg, expected) => {
    const { sampler, fault } = samplerFor(name, arg)
    expect(sampler.toString()).toContain('ParentBased{root=AlwaysOnSampler')
    expect(fault).toBe(expected)
  })

  test.each(['2', '-1', 'half', 'NaN'])('a ratio of %s counts as 1', (arg) => {
    const { sampler, fault } = samplerFor('traceidratio', arg)
    expect(sampler.toString()).toBe('TraceIdRatioBased{1}')
    expect(fault).toContain(arg)
  })
})
