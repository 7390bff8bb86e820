import { describe, expect, test } from 'vitest'
import {
  bestStaticRatio,
  hitRatio,
  type Keeper,
  optimalRatio,
  randomFrom,
  type Trace,
  TRACES,
} from '../../../load-tests/bench/traces.ts'
import type { Store, StoredResponse } from '../../../src/model.ts'
import { costOf, nextDivision, FIRST_DIVISION, outweighs } from '../../../src/stores/memory/admission.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import { response } from '../store-contract.ts'

describe('the decision', () => {
  test('a newcomer is admitted if it saves more per byte, and not if it saves the same', () => {
    expect(outweighs({ bytes: 100, savesUs: 50 }, { bytes: 100, savesUs: 49 })).toBe(true)
    expect(outweighs({ bytes: 100, savesUs: 50 }, { bytes: 100, savesUs: 50 })).toBe(false)
    expect(outweighs({ bytes: 1_000, savesUs: 90 }, { bytes: 100, savesUs: 10 })).toBe(false)
    expect(outweighs({ bytes: 10, savesUs: 2 }, { bytes: 100, savesUs: 10 })).toBe(true)
  })

  test('an entry that was never used is always evicted for a newcomer', () => {
    expect(outweighs({ bytes: 8_000_000, savesUs: 1 }, { bytes: 100, savesUs: 0 })).toBe(true)
  })

  test('an unknown origin time counts as typical, and extreme times are clamped', () => {
    expect([costOf(undefined, 80), costOf(200, 80), costOf(0, 80), costOf(3_600_000, 80)]).toEqual([80, 200, 1, 10_000])
  })

  test('the window keeps changing in the same direction while that helps, otherwise back', () => {
    const larger = nextDivision({ window: 0.2, step: 0.05, hitRatio: 0.5 }, 0.51)
    expect(larger.window).toBeGreaterThan(0.2)
    expect(nextDivision(larger, 0.52).window).toBeGreaterThan(larger.window)
    expect(nextDivision(larger, 0.5).window).toBeLessThan(larger.window)
  })

  test('the window stays within its bounds, and the search can still react to other traffic', () => {
    let division = FIRST_DIVISION
    for (let period = 0; period < 1_000; period++) division = nextDivision(division, 0.5)
    expect(division.window).toBeLessThanOrEqual(0.8)
    expect(Math.abs(division.step)).toBeLessThan(0.001)
    expect(Math.abs(nextDivision(division, 0.1).step)).toBeGreaterThan(0.05)
  })
})

// -------------------------------------------------------------------------------------------------- hit ratios

const PLACES = 1_000
const LENGTH = 200_000

describe('hit ratios', () => {
  test('with popular keys and 30 % scan: 1.15 x plain LRU and more, within 10 % of the best static choice', () => {
    const { plain, admitting, best } = ratios('Zipf(0.9) and 30 % scan')
    expect(admitting).toBeGreaterThanOrEqual(1.15 * plain)
    expect(admitting).toBeGreaterThanOrEqual(0.9 * best)
  })

  test('with popular keys alone: better than plain LRU, within 10 % of the best static choice', () => {
    const { plain, admitting, best } = ratios('Zipf(0.9)')
    expect(admitting).toBeGreaterThanOrEqual(1.1 * plain)
    expect(admitting).toBeGreaterThanOrEqual(0.9 * best)
  })

  test('in a loop over more than fits, where plain LRU never hits: most of the possible hits', () => {
    const { plain, admitting, optimal } = ratios('loop')
    expect(plain).toBe(0)
    expect(admitting).toBeGreaterThanOrEqual(0.8 * optimal)
  })

  test('with shifting popularity, a crawler and a loop: better than plain LRU', () => {
    const { plain, admitting, optimal } = ratios('mixed')
    expect(admitting).toBeGreaterThanOrEqual(1.15 * plain)
    expect(admitting).toBeLessThanOrEqual(optimal)
  })

  test('when only recent keys are requested, the window grows until it is nearly plain LRU', () => {
    const trace = traceOf('recent', 2 * LENGTH)
    const late = trace.subarray(LENGTH)
    const admitting = keeperOf('on')
    hitRatio(trace.subarray(0, LENGTH), admitting)
    const plain = keeperOf('off')
    hitRatio(trace.subarray(0, LENGTH), plain)
    expect(hitRatio(late, admitting)).toBeGreaterThanOrEqual(0.8 * hitRatio(late, plain))
  })

  test('on a scan nothing can hit', () => {
    expect(ratios('scan')).toMatchObject({ plain: 0, admitting: 0, optimal: 0 })
  })

  test('the computed optimum is right: for a loop over n keys with k places, k - 1 of n - 1', () => {
    const trace = Int32Array.from({ length: 10_000 }, (_, at) => at % 11)
    expect(optimalRatio(trace, 6)).toBeCloseTo(6 / 11, 2)
    expect(optimalRatio(trace, 11)).toBeCloseTo(1, 2)
  })
})

describe('admission', () => {
  test('entries expensive to fetch outlast equally popular cheap ones', () => {
    const keep = (dearMs: number, cheapMs: number) => {
      const store = memoryStore({ maxBytes: PLACES * EACH, seed: 1 })
      for (let round = 0; round < 20; round++) {
        for (let n = 0; n < PLACES; n++) {
          ask(store, `dear${n}`, dearMs)
          ask(store, `cheap${n}`, cheapMs)
        }
      }
      return Array.from({ length: PLACES }, (_, n) => store.get(`dear${n}`)).filter(Boolean).length / PLACES
    }
    expect(keep(2_000, 20)).toBeGreaterThan(0.8)
    expect(keep(20, 2_000)).toBeLessThan(0.2)
  })

  test('small entries outlast equally popular large ones', () => {
    const store = memoryStore({ maxBytes: 2_000_000, seed: 1 })
    const bodies = [response('x'.repeat(1_000)), response('x'.repeat(50_000))] as const
    const random = randomFrom(6)
    for (let request = 0; request < 20_000; request++) {
      const n = Math.floor(random() * 1_000)
      const key = n < 500 ? `small${n}` : `large${n}`
      if (store.get(key) === undefined) void store.set(key, bodies[n < 500 ? 0 : 1], 60_000)
    }
    const kept = Array.from({ length: 500 }, (_, n) => store.get(`small${n}`)).filter(Boolean).length
    expect(kept).toBeGreaterThan(400)
  })
})

// ----------------------------------------------------------------------------------------------------- keepers

const BODY = 'x'.repeat(1_000)
const EACH = 2_000
const ONE = response(BODY)

function ask(store: Store, key: string, costMs: number): void {
  if (store.get(key) === undefined) void store.set(key, { ...ONE, costMs } satisfies StoredResponse, 60_000)
}

const traceOf = (name: string, length: number): Trace => TRACES[name]?.(length) ?? new Int32Array()

function ratios(name: string) {
  const trace = traceOf(name, LENGTH)
  return {
    plain: hitRatio(trace, keeperOf('off')),
    admitting: hitRatio(trace, keeperOf('on')),
    best: bestStaticRatio(trace, PLACES),
    optimal: optimalRatio(trace, PLACES),
  }
}

/** A memory store with room for `PLACES` responses. */
function keeperOf(admission: 'on' | 'off'): Keeper {
  const keyOf = (key: number) => `/${String(key).padStart(8, '0')}`
  const one = memoryStore({ maxBytes: '1MiB', admission: 'off' })
  void one.set(keyOf(0), ONE, 60_000)
  const store = memoryStore({ maxBytes: PLACES * (one.usage()[0]?.bytes ?? 0), admission, seed: 1 })
  return {
    has: (key) => store.get(keyOf(key)) !== undefined,
    add: (key) => void store.set(keyOf(key), ONE, 60_000),
  }
}
