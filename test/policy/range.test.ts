import { describe, expect, it } from 'vitest'
import type { PartialContent } from '../../src/model.ts'
import {
  ifRangeHolds,
  coversWhole,
  parseContentRange,
  parseRange,
  rangeFor,
  missingRange,
  requestedRanges,
  select,
  strongValidator,
  union,
} from '../../src/policy/range.ts'
import fc from '../support/fast-check.ts'
import { requestWith } from './support.ts'
import { fieldsOf } from '../support/fields.ts'

const specs = (value: string) => {
  const asked = parseRange(value)
  return asked?.kind === 'bytes' ? asked.specs : asked?.kind
}

describe('a Range', () => {
  it.each([
    ['bytes=0-0', [{ first: 0, last: 0 }]],
    ['BYTES=1-', [{ first: 1, last: undefined }]],
    ['bytes=-5', [{ suffix: 5 }]],
    ['bytes=0-1, 4-,\t-2', [{ first: 0, last: 1 }, { first: 4, last: undefined }, { suffix: 2 }]],
    ['bytes=,0-1,,', [{ first: 0, last: 1 }]],
    ['bytes=99999999999999999999-', [{ first: Number.MAX_SAFE_INTEGER, last: undefined }]],
    ['bytes=0-18446744073709551615', [{ first: 0, last: Number.MAX_SAFE_INTEGER }]],
  ])('%s is parsed', (value, expected) => expect(specs(value)).toEqual(expected))

  it.each([
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=5-2',
    'bytes=a-b',
    'bytes=0x1-2',
    'bytes = 0-1',
    'bytes=1-2;',
    'bytes=--1',
    '0-1',
    '',
  ])('%j is ignored', (value) => expect(specs(value)).toBeUndefined())

  it('of another unit is left to the origin', () => expect(specs('items=0-1')).toBe('other'))

  it('of eight ranges is parsed, one of nine is ignored', () => {
    const many = (count: number) => `bytes=${Array.from({ length: count }, (_, at) => `${at}-${at}`).join(',')}`
    expect(specs(many(8))).toHaveLength(8)
    expect(specs(many(9))).toBeUndefined()
    expect(specs(`bytes=${'0-,'.repeat(1000)}`)).toBeUndefined()
  })

  it('is read to its end or not at all, however many empty members it has', () => {
    expect(specs(`bytes=0-0${','.repeat(60)}1-2`)).toHaveLength(2)
    expect(specs(`bytes=0-0${','.repeat(100)}1-2`)).toBeUndefined()
    expect(specs(`bytes=0-0${','.repeat(100)}evil`)).toBeUndefined()
  })

  it('applies to GET only', () => {
    expect(requestedRanges(requestWith({ Range: 'bytes=0-1' }))).toBeDefined()
    expect(requestedRanges(requestWith({ Range: 'bytes=0-1' }, { method: 'HEAD' }))).toBeUndefined()
  })
})

describe('a Content-Range', () => {
  it.each([
    ['bytes 0-4/10', { first: 0, last: 4, complete: 10 }],
    ['bytes 4-9/*', { first: 4, last: 9, complete: undefined }],
  ])('%s is parsed', (value, expected) => expect(parseContentRange(value)).toEqual(expected))

  it.each([
    'bytes 5-4/10',
    'bytes 0-10/10',
    'bytes */10',
    'items 0-4/10',
    'bytes 0-4',
    'bytes=0-4/10',
    'bytes 0-4/10, bytes 5-9/10',
    '',
    undefined,
  ])('%j is rejected', (value) => expect(parseContentRange(value)).toBeUndefined())
})

const full = { status: 200, fields: fieldsOf({ ETag: '"1"' }) }
const selected = (range: string, length = 10, more: Record<string, string> = {}) =>
  select(requestWith({ Range: range, ...more }), full, length)

describe('from a complete copy', () => {
  it.each([
    ['bytes=0-1', [[0, 1]]],
    ['bytes=8-', [[8, 9]]],
    ['bytes=-3', [[7, 9]]],
    ['bytes=-99', [[0, 9]]],
    ['bytes=5-99', [[5, 9]]],
    [
      'bytes=8-9,0-1',
      [
        [8, 9],
        [0, 1],
      ],
    ],
    ['bytes=0-4,2-6', [[0, 6]]],
    ['bytes=0-1,99-', [[0, 1]]],
  ])('%s is satisfied', (range, expected) => {
    const ranges = expected.map(([first, last]) => ({ first, last }))
    expect(selected(range)).toEqual({ kind: 'parts', ranges })
  })

  it.each(['bytes=10-', 'bytes=-0', 'bytes=99-100'])('%s is unsatisfiable', (range) => {
    expect(selected(range)).toEqual({ kind: 'unsatisfiable' })
  })

  it('the whole is given when the range does not apply', () => {
    expect(selected('bytes=5-2')).toEqual({ kind: 'whole' })
    expect(selected('items=0-1')).toEqual({ kind: 'whole' })
    expect(selected('bytes=0-1', 0)).toEqual({ kind: 'whole' })
    expect(select(requestWith({ Range: 'bytes=0-1' }), full, undefined)).toEqual({ kind: 'whole' })
    expect(select(requestWith({ Range: 'bytes=0-1' }), { ...full, status: 404 }, 10)).toEqual({ kind: 'whole' })
    expect(selected('bytes=0-1', 10, { 'If-Range': '"2"' })).toEqual({ kind: 'whole' })
  })
})

describe('If-Range', () => {
  const date = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toUTCString()
  const copy = fieldsOf({ ETag: '"1"', 'Last-Modified': date(0), Date: date(1) })
  const holds = (value: string, fields = copy) => ifRangeHolds(fieldsOf({ 'If-Range': value }), fields)

  it('compares entity-tags strongly', () => {
    expect(holds('"1"')).toBe(true)
    expect(holds('"2"')).toBe(false)
    expect(holds('W/"1"')).toBe(false)
    expect(holds('W/"1"', fieldsOf({ ETag: 'W/"1"' }))).toBe(false)
    expect(holds('garbage')).toBe(false)
    expect(ifRangeHolds([], copy)).toBe(true)
  })

  it('compares dates exactly, and only strong ones', () => {
    expect(holds(date(0))).toBe(true)
    expect(holds(date(5))).toBe(false)
    expect(holds(date(0), fieldsOf({ 'Last-Modified': date(0), Date: date(0) }))).toBe(false)
    expect(holds(date(0), fieldsOf({ 'Last-Modified': date(0) }))).toBe(false)
  })

  it('and the joining of parts use the same validators', () => {
    expect(strongValidator(copy)).toBe('"1"')
    expect(strongValidator(fieldsOf({ ETag: 'W/"1"', 'Last-Modified': date(0), Date: date(9) }))).toBeUndefined()
    expect(strongValidator(fieldsOf({ 'Last-Modified': date(0), Date: date(9) }))).toBe(date(0))
  })
})

const held = (parts: [number, number][], more: Partial<PartialContent> = {}): PartialContent => ({
  parts: parts.map(([first, last]) => ({ first, last })),
  complete: 10,
  reachesEnd: false,
  asked: undefined,
  contentRange: undefined,
  ...more,
})

describe('from parts', () => {
  const from = (partial: PartialContent, range: string) =>
    select(requestWith({ Range: range }), { status: 206, fields: [], partial }, undefined).kind

  it('only what they hold is given', () => {
    const partial = held([
      [0, 3],
      [6, 9],
    ])
    expect(['bytes=0-3', 'bytes=1-2,7-8', 'bytes=-4', 'bytes=6-'].map((range) => from(partial, range))).toEqual(
      Array(4).fill('parts'),
    )
    for (const range of ['bytes=3-4', 'bytes=0-', 'bytes=-5', 'bytes=5-6', 'bytes=0-1,5-6']) {
      expect([range, from(partial, range)]).toEqual([range, 'missing'])
    }
    expect(from(partial, 'bytes=10-')).toBe('unsatisfiable')
  })

  it('without a known end, only closed ranges are given', () => {
    const partial = held([[4, 8]], { complete: undefined })
    expect(['bytes=5-6', 'bytes=5-', 'bytes=-1', 'bytes=20-'].map((range) => from(partial, range))).toEqual([
      'parts',
      'missing',
      'missing',
      'missing',
    ])
    expect(from({ ...partial, reachesEnd: true }, 'bytes=-1')).toBe('parts')
    expect(from({ ...partial, reachesEnd: true }, 'bytes=20-')).toBe('missing')
  })

  it('the same Range gets the answer as it was received', () => {
    expect(from(held([[0, 4]], { asked: 'bytes=-5' }), 'bytes=-5')).toBe('as-received')
  })

  it('a request for the whole gets nothing', () => {
    expect(select(requestWith({}), { status: 206, fields: [], partial: held([[0, 4]]) }, undefined).kind).toBe(
      'missing',
    )
  })

  it('a single gap can be requested', () => {
    const missing = (partial: PartialContent) => {
      const range = missingRange(partial)
      return range && rangeFor(range, partial.complete)
    }
    expect(missing(held([[0, 4]]))).toBe('bytes=5-')
    expect(missing(held([[5, 9]]))).toBe('bytes=0-4')
    expect(
      missing(
        held([
          [0, 1],
          [8, 9],
        ]),
      ),
    ).toBe('bytes=2-7')
    expect(
      missing(
        held([
          [1, 1],
          [8, 9],
        ]),
      ),
    ).toBeUndefined()
    expect(missing(held([[0, 4]], { complete: undefined }))).toBeUndefined()
  })

  it('those without a gap are the whole', () => {
    expect(coversWhole(held([[0, 9]]))).toBe(true)
    expect(coversWhole(held([[0, 8]]))).toBe(false)
    expect(
      coversWhole(
        held([
          [0, 3],
          [5, 9],
        ]),
      ),
    ).toBe(false)
  })
})

describe('joined ranges', () => {
  const range = fc.tuple(fc.nat(40), fc.nat(10)).map(([first, length]) => ({ first, last: first + length }))

  it('hold the same bytes in order, each once', () => {
    const bytes = (ranges: readonly { first: number; last: number }[]) =>
      ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at))
    fc.assert(
      fc.property(fc.array(range, { maxLength: 8 }), (ranges) => {
        const expected = [...new Set(bytes(ranges))].sort((one, other) => one - other)
        expect(bytes(union(ranges))).toEqual(expected)
      }),
    )
  })

  it('give no more octets than a complete copy has', () => {
    fc.assert(
      fc.property(
        fc.array(range, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 50 }),
        (ranges, length) => {
          const value = `bytes=${ranges.map(({ first, last }) => `${first}-${last}`).join(',')}`
          const selection = select(requestWith({ Range: value }), full, length)
          const wanted = ranges.some(({ first }) => first < length)
          expect(selection.kind).toBe(wanted ? 'parts' : 'unsatisfiable')
          if (selection.kind !== 'parts') return
          const sum = selection.ranges.reduce((octets, { first, last }) => octets + last - first + 1, 0)
          expect(sum).toBeLessThanOrEqual(length)
        },
      ),
    )
  })
})

it('two ETag lines of a copy are no validator that an If-Range could name', () => {
  const twice = fieldsOf({ ETag: ['"a"', '"a"'] })
  expect(strongValidator(twice)).toBeUndefined()
  expect(ifRangeHolds(fieldsOf({ 'If-Range': ['"a"', '"a"'] }), twice)).toBe(false)
  expect(strongValidator(fieldsOf({ ETag: '"a"' }))).toBe('"a"')
})
