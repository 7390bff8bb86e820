import { describe, expect, it } from 'vitest'
import type { Rules } from '../../src/model.ts'
import { lifetimeOf } from '../../src/policy/freshness.ts'
import { date, NOW, rulesWith } from './support.ts'
import { fieldsOf } from '../support/fields.ts'

interface Case {
  status?: number
  rules?: Partial<Rules>
  /** Milliseconds from the request to the head. */
  delay?: number
}

const lifetime = (headers: Record<string, string | string[]>, { status = 200, rules = {}, delay = 0 }: Case = {}) =>
  lifetimeOf({ status, fields: fieldsOf(headers) }, rulesWith(rules), { requestedAt: NOW - delay, respondedAt: NOW })

/** Seconds from the response's arrival. */
const freshFor = (...input: Parameters<typeof lifetime>) => (lifetime(...input).freshUntil - NOW) / 1000
const ageOf = (...input: Parameters<typeof lifetime>) => (NOW - lifetime(...input).bornAt) / 1000

const windows = (cacheControl: string, rules: Partial<Rules> = {}) => {
  const made = lifetime({ 'Cache-Control': cacheControl }, { rules })
  return {
    whileRevalidate: (made.staleWhileRevalidateUntil - made.freshUntil) / 1000,
    ifError: (made.staleIfErrorUntil - made.freshUntil) / 1000,
    mustRevalidate: made.mustRevalidate,
  }
}

const modified = (secondsAgo: number) => ({ Date: date(NOW), 'Last-Modified': date(NOW - secondsAgo * 1000) })

const refreshIn = (headers: Record<string, string>, refreshAhead?: number) =>
  (lifetime(headers, { rules: { refreshAhead } }).refreshAt - NOW) / 1000

const keptFor = (headers: Record<string, string>, grace = 0) =>
  (lifetime(headers, { rules: { grace } }).keepUntil - NOW) / 1000

describe('the lifetime', () => {
  const expires = { Expires: date(NOW + 30_000), Date: date(NOW) }

  it('is s-maxage, else max-age, else Expires', () => {
    expect(freshFor({ ...expires, 'Cache-Control': 'max-age=20, s-maxage=10' })).toBe(10)
    expect(freshFor({ ...expires, 'Cache-Control': 'max-age=0, s-maxage=10' })).toBe(10)
    expect(freshFor({ ...expires, 'Cache-Control': 'max-age=20' })).toBe(20)
    expect(freshFor({ ...expires, 'Cache-Control': 'max-age=0' })).toBe(0)
    expect(freshFor(expires)).toBe(30)
  })

  it('by Expires counts from Date, or from arrival without one', () => {
    expect(freshFor({ Expires: date(NOW + 300_000), Date: date(NOW + 400_000) })).toBe(0)
    expect(freshFor({ Expires: date(NOW + 20_000), Date: date(NOW + 10_000) })).toBe(10)
    expect(freshFor({ Expires: date(NOW + 10_000), Date: 'foo' })).toBe(10)
    expect(freshFor({ Expires: date(NOW + 10_000) })).toBe(10)
  })

  it.each(['0', '-1', 'never', date(NOW - 10_000)])('is zero with Expires: %s', (value) => {
    expect(freshFor({ Expires: value, Date: date(NOW) }, { rules: { ttl: 9000 } })).toBe(0)
  })

  it('is zero with two Expires lines', () => {
    expect(freshFor({ ...expires, Expires: [date(NOW + 30_000), date(NOW + 40_000)] })).toBe(0)
  })

  it('is zero with no-cache, whatever else is stated', () => {
    expect(freshFor({ 'Cache-Control': 'max-age=60, no-cache' })).toBe(0)
    expect(freshFor({ 'Cache-Control': 'no-cache="set-cookie", s-maxage=60' })).toBe(0)
    expect(freshFor({ 'Cache-Control': 'no-cache' }, { rules: { ttl: 60_000 } })).toBe(0)
    expect(freshFor({ 'Cache-Control': 'no-cache', 'Last-Modified': date(NOW - 1000_000) })).toBe(0)
  })

  it('comes from the targeted field alone, even without one there', () => {
    expect(freshFor({ ...expires, 'CDN-Cache-Control': 'max-age=5', 'Cache-Control': 'max-age=9' })).toBe(5)
    expect(freshFor({ ...expires, 'CDN-Cache-Control': 'must-revalidate' })).toBe(0)
  })

  it('is at most 2^31 seconds', () => expect(freshFor({ 'Cache-Control': 'max-age=9999999999999' })).toBe(2 ** 31))

  it("is the operator's when the response states none, counted from its arrival", () => {
    const rules = { ttl: 60_000, statusTtl: new Map([[404, 10_000]]) }
    expect(freshFor({}, { rules })).toBe(60)
    expect(freshFor({ Age: '600' }, { rules, delay: 5000 })).toBe(60)
    expect(freshFor({}, { rules, status: 404 })).toBe(10)
    expect(freshFor({}, { rules, status: 500 })).toBe(0)
    expect(freshFor({ 'Cache-Control': 'max-age=5' }, { rules, status: 404 })).toBe(5)
    expect(freshFor({ 'Last-Modified': date(NOW - 1000_000) }, { rules })).toBe(60)
  })

  it('of an overriding route wins over what is stated', () => {
    const rules = { ttl: 60_000, override: true }
    expect(freshFor({ 'Cache-Control': 'no-cache, max-age=5', Age: '100' }, { rules })).toBe(60)
    expect(freshFor({ 'Cache-Control': 'max-age=5' }, { rules: { override: true } })).toBe(5)
    expect(freshFor({ 'Cache-Control': 'max-age=5' }, { rules, status: 500 })).toBe(5)
  })
})

describe('a response with Pragma: no-cache', () => {
  const PRAGMA = { Pragma: 'x, No-Cache', ...modified(1000) }

  it('gets no lifetime that it does not state: not from Last-Modified, nor the ttl of its route', () => {
    expect(freshFor(PRAGMA)).toBe(0)
    expect(freshFor(PRAGMA, { rules: { ttl: 60_000 } })).toBe(0)
    expect(lifetime(PRAGMA, { rules: { grace: 60_000 } }).mustRevalidate).toBe(true)
    expect(freshFor(PRAGMA, { rules: { ttl: 60_000, override: true } })).toBe(60)
  })

  it('keeps the lifetime that it states, as Pragma has no meaning in a response (RFC 9111 section 5.4)', () => {
    expect(freshFor({ ...PRAGMA, 'Cache-Control': 'max-age=20' })).toBe(20)
    expect(freshFor({ ...PRAGMA, 'Cache-Control': 'public' })).toBe(100)
    expect(freshFor({ ...PRAGMA, 'CDN-Cache-Control': 'max-age=20' })).toBe(20)
    expect(freshFor({ ...PRAGMA, Expires: date(NOW + 30_000) })).toBe(30)
    expect(freshFor({ ...PRAGMA, Pragma: 'no-cached' })).toBe(100)
  })
})

describe('a heuristic lifetime', () => {
  it('is a tenth of the time since the last modification, at most a day', () => {
    expect(freshFor(modified(1000))).toBe(100)
    expect(freshFor(modified(86_400 * 365))).toBe(86_400)
  })

  it('is zero for a Last-Modified that is in the future or not a date', () => {
    expect(freshFor(modified(-1000))).toBe(0)
    expect(freshFor({ 'Last-Modified': 'yesterday' })).toBe(0)
  })

  it.each([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 451, 501])('applies to status %i', (status) => {
    expect(freshFor(modified(1000), { status })).toBe(100)
  })

  it.each([201, 202, 302, 307, 403, 500, 503, 599])('applies to status %i only with public', (status) => {
    expect(freshFor(modified(1000), { status })).toBe(0)
    const headers = { ...modified(1000), 'Cache-Control': 'public' }
    expect(freshFor(headers, { status })).toBe(status < 400 ? 100 : 30)
  })

  it('gives way to any stated one', () => {
    expect(freshFor({ ...modified(1000), 'Cache-Control': 'max-age=0' })).toBe(0)
    expect(freshFor({ ...modified(1000), Expires: '0' })).toBe(0)
  })
})

describe('an error', () => {
  it.each([400, 401, 403, 429, 500, 502, 503, 504, 599])('of status %i is fresh for errorTtlMax at most', (status) => {
    expect(freshFor({ 'Cache-Control': 'max-age=60' }, { status })).toBe(30)
    expect(freshFor({ 'Cache-Control': 'max-age=5' }, { status })).toBe(5)
    expect(freshFor({ Expires: date(NOW + 60_000) }, { status, rules: { errorTtlMax: 7000 } })).toBe(7)
  })

  it.each([404, 405, 410, 414, 451, 501])('of permanent status %i is not limited', (status) => {
    expect(freshFor({ 'Cache-Control': 'max-age=60' }, { status })).toBe(60)
  })

  it('is fresh for as long as statusTtl says', () => {
    expect(freshFor({}, { status: 503, rules: { statusTtl: new Map([[503, 90_000]]) } })).toBe(90)
    expect(freshFor({ 'Cache-Control': 'public' }, { status: 503, rules: { ttl: 90_000 } })).toBe(30)
  })

  it.each([400, 401, 403, 500, 501, 503])('of status %i is neither used stale nor kept then', (status) => {
    const rules = { grace: 90_000, softTimeout: 0 }
    const made = lifetime({ 'Cache-Control': 'max-age=5, stale-if-error=60', ETag: '"a"' }, { status, rules })
    expect(made).toMatchObject({ staleWhileRevalidateUntil: NOW + 5_000, staleIfErrorUntil: NOW + 5_000 })
    expect(made.keepUntil).toBe(NOW + 5_000)
  })

  it('of permanent status may be used stale, like any response', () => {
    const { staleIfErrorUntil } = lifetime({ 'Cache-Control': 'max-age=5' }, { status: 404, rules: { grace: 90_000 } })
    expect(staleIfErrorUntil).toBe(NOW + 95_000)
  })
})

describe('the age', () => {
  it('is the larger of Age and the time since Date', () => {
    expect(ageOf({ Date: date(NOW - 10_000), Age: '25' })).toBe(25)
    expect(ageOf({ Date: date(NOW - 7_200_000) })).toBe(7200)
    expect(ageOf({ Date: date(NOW + 10_000), Age: '15' })).toBe(15)
    expect(ageOf({ Date: date(NOW + 10_000) })).toBe(0)
    expect(ageOf({})).toBe(0)
  })

  it('includes how long the origin took', () => {
    expect(ageOf({}, { delay: 2000 })).toBe(2)
    expect(ageOf({ Age: '10' }, { delay: 2000 })).toBe(12)
    expect(ageOf({ Date: date(NOW - 1000) }, { delay: 2000 })).toBe(2)
    expect(ageOf({}, { delay: -5 })).toBe(0)
  })

  it('compares dates with the wall clock, and counts by the clock of the process', () => {
    const headers = { Date: date(NOW), 'Cache-Control': 'max-age=60' }
    const ahead = { requestedAt: NOW + 3_600_000, respondedAt: NOW + 3_600_000, receivedWallTime: NOW + 5_000 }
    const lifetimeIn = (fields: Record<string, string>) =>
      lifetimeOf({ status: 200, fields: fieldsOf(fields) }, rulesWith(), ahead)
    expect(lifetimeIn(headers)).toMatchObject({ bornAt: NOW + 3_595_000, freshUntil: NOW + 3_655_000 })
    expect(lifetimeIn({ Expires: date(NOW + 65_000) }).freshUntil).toBe(NOW + 3_660_000)
    expect(lifetimeIn({ 'Last-Modified': date(NOW - 95_000) }).freshUntil).toBe(NOW + 3_610_000)
  })

  it('is not raised by a wall clock that was set wrong after the process started', () => {
    const headers = { Date: date(NOW), 'Cache-Control': 'max-age=60' }
    const behind = { requestedAt: NOW, respondedAt: NOW, receivedWallTime: NOW + 3_600_000 }
    expect(lifetimeOf({ status: 200, fields: fieldsOf(headers) }, rulesWith(), behind).bornAt).toBe(NOW)
  })

  it('does not include the fraction of a second that Date cannot express', () => {
    const made = lifetimeOf({ status: 200, fields: fieldsOf({ Date: date(NOW) }) }, rulesWith(), {
      requestedAt: NOW + 900,
      respondedAt: NOW + 900,
    })
    expect(made.bornAt).toBe(NOW + 900)
  })

  it.each([
    ['abc', 0],
    ['-7200', 0],
    ['7200.0', 0],
    ['7200;foo=bar', 0],
    ['7200, 0', 7200],
    ['0,7200', 0],
    ['99999999999999999999', 2 ** 31],
  ])('by Age %s is %i', (value, age) => expect(ageOf({ Age: value })).toBe(age))

  it('by two Age lines is the first', () => expect(ageOf({ Age: ['7200', '0'] })).toBe(7200))

  it.each([['abc'], ['-1'], ['1.5'], ['0;a=1'], ['0, 0'], [''], [['0', '0']], [['0', '7200']]])(
    'makes the response stale when Age is %j, which is invalid',
    (value) => {
      const headers = { 'Cache-Control': 'max-age=60', Age: value }
      expect(freshFor(headers)).toBeLessThanOrEqual(0)
    },
  )

  it('of a list in one Age line is its first member', () => {
    expect(freshFor({ 'Cache-Control': 'max-age=60', Age: '10,7200' })).toBe(50)
  })

  it('shortens what is left of a stated lifetime', () => {
    expect(freshFor({ 'Cache-Control': 'max-age=60', Age: '50' }, { delay: 1000 })).toBe(9)
    expect(freshFor({ 'Cache-Control': 'max-age=60', Age: '7200' })).toBe(60 - 7200)
  })
})

describe('the stale windows', () => {
  it('are those of the response', () => {
    const rules = { grace: 3_600_000, softTimeout: 0 }
    expect(windows('max-age=60, stale-while-revalidate=5, stale-if-error=9', rules)).toEqual({
      whileRevalidate: 5,
      ifError: 9,
      mustRevalidate: false,
    })
    expect(windows('max-age=60, stale-while-revalidate=0, stale-if-error=0', rules)).toMatchObject({
      whileRevalidate: 0,
      ifError: 0,
    })
  })

  it('are otherwise the grace: on error, and while revalidating with a soft timeout of zero', () => {
    expect(windows('max-age=60', { grace: 90_000 })).toMatchObject({ whileRevalidate: 0, ifError: 90 })
    expect(windows('max-age=60', { grace: 90_000, softTimeout: 300 })).toMatchObject({
      whileRevalidate: 0,
      ifError: 90,
    })
    expect(windows('max-age=60', { grace: 90_000, softTimeout: 0 })).toMatchObject({ whileRevalidate: 90, ifError: 90 })
    const mixed = windows('max-age=60, stale-while-revalidate=5', { grace: 90_000 })
    expect(mixed).toMatchObject({ whileRevalidate: 5, ifError: 90 })
  })

  it.each(['max-age=60, must-revalidate', 'max-age=60, proxy-revalidate', 's-maxage=60', 'no-cache'])(
    'are closed by %s, unless the route overrides',
    (value) => {
      const stale = `${value}, stale-while-revalidate=5, stale-if-error=9`
      const rules = { grace: 90_000, softTimeout: 0 }
      expect(windows(stale, rules)).toEqual({ whileRevalidate: 0, ifError: 0, mustRevalidate: true })
      expect(windows(stale, { ...rules, override: true })).toEqual({
        whileRevalidate: 90,
        ifError: 90,
        mustRevalidate: false,
      })
    },
  )
})

describe('the other times', () => {
  it('start a refresh after a fraction of the remaining lifetime', () => {
    expect(refreshIn({ 'Cache-Control': 'max-age=60' }, 0.8)).toBe(48)
    expect(refreshIn({ 'Cache-Control': 'max-age=60', Age: '50' }, 0.8)).toBe(8)
    expect(refreshIn({ 'Cache-Control': 'max-age=60', Age: '90' }, 0.8)).toBe(0)
    expect(refreshIn({ 'Cache-Control': 'max-age=60' })).toBe(Number.POSITIVE_INFINITY)
  })

  it('keep a response until its last possible use, and for an hour or the grace if it can be revalidated', () => {
    expect(keptFor({ 'Cache-Control': 'max-age=60' })).toBe(60)
    expect(keptFor({ 'Cache-Control': 'max-age=60' }, 90_000)).toBe(150)
    expect(keptFor({ 'Cache-Control': 'max-age=60, stale-while-revalidate=600' })).toBe(660)
    expect(keptFor({ 'Cache-Control': 'max-age=60', ETag: '"a"' })).toBe(3660)
    expect(keptFor({ 'Cache-Control': 's-maxage=60', 'Last-Modified': date(NOW) }, 7_200_000)).toBe(7260)
    expect(keptFor({ 'Cache-Control': 'max-age=60', ETag: '"a"', Age: '86400' })).toBe(3600)
  })
})
