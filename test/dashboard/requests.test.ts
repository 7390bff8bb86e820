import { expect, test } from 'vitest'
import { newestFirst } from '../../src/dashboard/requests.js'

const rows = (...times: readonly number[]) => times.map((at) => ({ at }))

test('the newest request is first, although one of several workers reported it later than the others', () => {
  expect(newestFirst(rows(2_500, 4_000), rows(3_000, 2_000))).toEqual(rows(4_000, 3_000, 2_500, 2_000))
  expect(newestFirst([], rows(3_000, 2_000))).toEqual(rows(3_000, 2_000))
})

test('requests from before a clock was set back do not stay above new ones', () => {
  expect(newestFirst(rows(100_000), rows(3_700_000, 3_600_000))).toEqual(rows(100_000))
})
