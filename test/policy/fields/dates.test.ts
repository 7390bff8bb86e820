import { describe, expect, it } from 'vitest'
import { parseDate } from '../../../src/policy/fields/dates.ts'
import fc from '../../support/fast-check.ts'
import { NOW } from '../support.ts'

const instant = Date.UTC(1994, 10, 6, 8, 49, 37)

const year = (digits: string, reference: number) =>
  new Date(parseDate(`Monday, 01-Jun-${digits} 00:00:00 GMT`, reference) ?? 0).getUTCFullYear()

describe('parseDate', () => {
  it.each([
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    'sun, 06 NOV 1994 08:49:37 gMT',
    'Sun, 06 Nov 1994 08:49:37 UTC',
  ])('reads %j', (value) => expect(parseDate(value, NOW)).toBe(instant))

  it.each([
    undefined,
    '',
    '0',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 8:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 AEST',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06-Nov-1994 08:49:37 GMT',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 23:60:00 GMT',
    'Sun, 06 Nov 1994 23:59:61 GMT',
    'Sun, 06 Nov 0050 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
  ])('rejects %j', (value) => expect(parseDate(value, NOW)).toBeUndefined())

  it('accepts a leap second', () => {
    expect(parseDate('Sat, 31 Dec 2016 23:59:60 GMT', NOW)).toBe(Date.UTC(2017, 0))
  })

  it('reads a two-digit year as the latest that is at most 50 years in the future', () => {
    expect(year('50', NOW)).toBe(2050)
    expect(year('75', NOW)).toBe(2075)
    expect(year('78', NOW)).toBe(1978)
    expect(year('10', Date.UTC(2090, 0))).toBe(2110)
  })

  it('reads back every whole second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (second) => {
        expect(parseDate(new Date(second * 1000).toUTCString(), NOW)).toBe(second * 1000)
      }),
    )
  })

  it('returns an instant or undefined for any input', () => {
    const part = fc.constantFrom('Sun', ', ', '06', ' Nov ', '1994', ' ', '08:49:37', ' GMT', '99', '-')
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const instant = parseDate(parts.join(''), NOW)
        return instant === undefined || Number.isFinite(instant)
      }),
    )
  })
})
