import { expect, test } from 'vitest'
import { ResponseRecord, withChanges } from '../src/response-record.ts'
import { storedResponse } from './support/stored-response.ts'

const TIMES = {
  bornAt: 1.5,
  freshUntil: 2.5,
  refreshAt: Number.POSITIVE_INFINITY,
  staleWhileRevalidateUntil: 3.5,
  staleIfErrorUntil: 4.5,
  keepUntil: 5.5,
  startedAt: Number.NEGATIVE_INFINITY,
  askedAt: 7.5,
}

test('a record has all the parts it was created with', () => {
  const parts = storedResponse({ ...TIMES, costMs: 6.5, tags: ['t'], mustRevalidate: true, checked: 7 })
  expect(new ResponseRecord(parts)).toMatchObject(parts)
})

test('an unknown cost stays unknown, and differs from zero', () => {
  expect(new ResponseRecord(storedResponse()).costMs).toBeUndefined()
  expect(new ResponseRecord(storedResponse({ costMs: 0 })).costMs).toBe(0)
})

test('a changed record has the changes, and the rest unchanged', () => {
  const partial = { parts: [{ first: 0, last: 1 }], complete: 2, reachesEnd: true, asked: undefined, contentRange: '' }
  const parts = storedResponse({ ...TIMES, costMs: 6.5, url: 'a.test/x', partial })
  const record = withChanges(new ResponseRecord(parts), { staleIfErrorUntil: 9.5, status: 206, partial: undefined })
  expect(record).toMatchObject({ ...parts, staleIfErrorUntil: 9.5, status: 206, partial: undefined })
})
