import { describe, expect, test } from 'vitest'
import { parseDuration } from '../../load-tests/runner/durations.ts'
import { createSink, type MetricType } from '../../load-tests/runner/sinks.ts'
import { parseSelector, parseThreshold } from '../../load-tests/runner/thresholds.ts'

describe('a threshold', () => {
  test.each([
    ['rate<0.01', 'rate', 0.009, 0.01],
    ['rate==0', 'rate', 0, 0.001],
    ['count>=500', 'count', 500, 499],
    ['count > 0', 'count', 1, 0],
    ['p(99.9)<=250', 'p(99.9)', 250, 250.1],
    ['avg!=3', 'avg', 4, 3],
    ['value<1.25', 'value', 1.2, 1.25],
  ])('%s is about %s: %d is enough, %d is not', (source, aggregation, enough, not) => {
    const threshold = parseThreshold(source)
    expect(threshold.aggregation).toBe(aggregation)
    expect(threshold.holds(enough)).toBe(true)
    expect(threshold.holds(not)).toBe(false)
  })

  test('fails without samples, whatever its condition', () => {
    expect(parseThreshold('p(95)<1000').holds(undefined)).toBe(false)
  })

  test.each(['', 'rate', 'rate<', 'rate<x', 'rate=0', 'p95<1', 'sum<1', 'rate<0.1 && count>1'])(
    'is not read from "%s"',
    (source) => {
      expect(() => parseThreshold(source)).toThrow(/is no threshold/)
    },
  )
})

test('a metric is named alone or with tags', () => {
  expect(parseSelector('checks')).toEqual({ metric: 'checks', tags: {} })
  expect(parseSelector('http_req_failed{scenario:readers, to:herdgate}')).toEqual({
    metric: 'http_req_failed',
    tags: { scenario: 'readers', to: 'herdgate' },
  })
  expect(() => parseSelector('http_req_failed{scenario}')).toThrow(/expected tags/)
  expect(() => parseSelector('')).toThrow(/names no metric/)
})

test.each<[MetricType, number[], Record<string, number | undefined>]>([
  ['counter', [1, 2], { count: 3, rate: 1.5 }],
  ['counter', [], { count: 0, rate: 0 }],
  ['rate', [0, 1, 1, 0], { rate: 0.5, passes: 2, fails: 2 }],
  ['rate', [], { rate: undefined }],
  ['gauge', [3, 1], { value: 1 }],
  ['trend', [30, 10, 20], { min: 10, med: 20, avg: 20, max: 30, 'p(50)': 20, 'p(100)': 30 }],
  ['trend', [], { max: undefined, 'p(95)': undefined }],
])('a %s of %j is reported as %j', (type, sample, told) => {
  const sink = createSink(type)
  for (const value of sample) sink.add(value)
  for (const [aggregation, value] of Object.entries(told)) expect(sink.read(aggregation, 2)).toBe(value)
})

test('an aggregation that a metric does not have is an error, not a passed threshold', () => {
  expect(() => createSink('rate').read('p(95)', 1)).toThrow(/no p\(95\)/)
  expect(() => createSink('counter').read('avg', 1)).toThrow(/no avg/)
})

test('durations have the syntax of k6', () => {
  expect(['500ms', '1m30s', '0s', '1.5s', '2h'].map(parseDuration)).toEqual([500, 90_000, 0, 1_500, 7_200_000])
  for (const text of ['', '5', '1 s', '1d']) expect(() => parseDuration(text)).toThrow(/is no duration/)
})
