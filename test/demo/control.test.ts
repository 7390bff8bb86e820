import { expect, test } from 'vitest'
import { changeControl, type Control } from '../../src/demo/control.ts'
import { hitCounter } from '../../src/demo/hit-counter.ts'

const initial: Control = { latencyMs: 800, outage: 'none', errorRate: 0 }

test('a change sets what it names and keeps the rest', () => {
  expect(changeControl(initial, '{"outage":"hang"}')).toEqual({ ...initial, outage: 'hang' })
  expect(changeControl(initial, '{"latencyMs":0,"errorRate":1}')).toEqual({
    latencyMs: 0,
    outage: 'none',
    errorRate: 1,
  })
})

test.each([
  ['no JSON', '{'],
  ['nothing', ''],
  ['a negative latency', '{"latencyMs":-1}'],
  ['an hour of latency', '{"latencyMs":3600000}'],
  ['an unknown outage', '{"outage":"explode"}'],
  ['a rate above one', '{"errorRate":2}'],
  ['an unknown name', '{"latency":5}'],
])('%s is a problem and changes nothing', (_, json) => {
  expect(changeControl(initial, json)).toEqual({ problem: expect.any(String) })
})

test('paths beyond the limit, and very long ones, are counted together', () => {
  const counter = hitCounter({ maxPaths: 2, maxPathLength: 5 })
  for (const path of ['/a', '/b', '/c', '/a', '/d']) counter.count(path)
  expect(counter.byPath()).toEqual({ '/a': 2, '/b': 1, '(other)': 2 })
  expect([counter.hits(), counter.hits('/a'), counter.hits('/c')]).toEqual([5, 2, 0])

  const lengths = hitCounter({ maxPathLength: 5 })
  lengths.count('/abcdef')
  expect(lengths.byPath()).toEqual({ '(other)': 1 })
})
