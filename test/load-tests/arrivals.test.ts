import { expect, test } from 'vitest'
import { due, totalMs } from '../../load-tests/runner/arrivals.ts'
import fc from '../support/fast-check.ts'

test('arrivals at a constant rate are evenly spaced', () => {
  const stages = [{ durationMs: 10_000, target: 200 }]
  expect([0, 4, 5, 1_000, 10_000, 20_000].map((ms) => due(200, stages, ms))).toEqual([0, 0, 1, 200, 2_000, 2_000])
})

test('arrivals at a rising rate follow the area below it', () => {
  const stages = [
    { durationMs: 10_000, target: 100 },
    { durationMs: 0, target: 10 },
    { durationMs: 1_000, target: 10 },
  ]
  expect(totalMs(stages)).toBe(11_000)
  expect([5_000, 10_000, 11_000].map((ms) => due(0, stages, ms))).toEqual([125, 500, 510])
})

test('missed arrivals stay due', () => {
  const stage = fc.record({ durationMs: fc.nat(5_000), target: fc.nat(1_000) })
  fc.assert(
    fc.property(
      fc.nat(500),
      fc.array(stage, { maxLength: 4 }),
      fc.nat(20_000),
      fc.nat(100),
      (start, stages, ms, more) => {
        expect(due(start, stages, ms + more)).toBeGreaterThanOrEqual(due(start, stages, ms))
      },
    ),
  )
})
