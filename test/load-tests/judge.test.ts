import { describe, expect, test } from 'vitest'
import { type Ending, isHit, judge } from '../../load-tests/chaos/judge.ts'

const answered = (more: Partial<Extract<Ending, { kind: 'answered' }>> = {}): Ending => ({
  kind: 'answered',
  status: 200,
  cacheStatus: 'herdgate; fwd=uri-miss',
  isComplete: true,
  isCorrect: true,
  ...more,
})

const HIT = { cacheStatus: 'herdgate; hit; ttl=3' }
const FAILING = { originFails: true, hadCopy: false }

test('complete and correct content is right, whatever else fails', () => {
  expect(judge(answered(), FAILING)).toBe('right')
  expect(judge(answered(HIT), { originFails: false, hadCopy: true })).toBe('right')
})

describe('an error', () => {
  const errors: readonly (readonly [string, Ending])[] = [
    ['a 502', answered({ status: 502 })],
    ['a 503', answered({ status: 503 })],
    ['a 504', answered({ status: 504 })],
    ['content that is cut off', answered({ isComplete: false })],
  ]

  test.each(errors)('is explained by a failing origin: %s', (_, ending) => {
    expect(judge(ending, FAILING)).toBe('explained')
  })

  test.each(errors)('is wrong if the origin did not fail, or there was a copy: %s', (_, ending) => {
    expect(judge(ending, { originFails: false, hadCopy: false })).toBe('wrong')
    expect(judge(ending, { originFails: true, hadCopy: true })).toBe('wrong')
  })
})

test.each<[string, Ending]>([
  ['no answer', { kind: 'unanswered', why: 'refused' }],
  ['a 500', answered({ status: 500 })],
  ['a 404', answered({ status: 404 })],
  ['other content', answered({ isCorrect: false })],
  ['other content that is cut off', answered({ isCorrect: false, isComplete: false })],
  ['a copy that is cut off', answered({ ...HIT, isComplete: false })],
])('nothing explains %s', (_, ending) => {
  expect(judge(ending, FAILING)).toBe('wrong')
})

test('a hit is distinguished from a forwarded request', () => {
  expect(isHit(answered(HIT))).toBe(true)
  expect(isHit(answered({ cacheStatus: 'herdgate; fwd=stale; collapsed' }))).toBe(false)
  expect(isHit({ kind: 'unanswered', why: '' })).toBe(false)
})
