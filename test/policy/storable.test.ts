import { describe, expect, it } from 'vitest'
import type { Rules } from '../../src/model.ts'
import { API_KEYS } from '../../src/policy/fields/credentials.ts'
import { storable } from '../../src/policy/storable.ts'
import { date, NOW, requestWith, rulesWith } from './support.ts'
import { fieldsOf } from '../support/fields.ts'

interface Case {
  status?: number
  method?: string
  request?: Record<string, string>
  rules?: Partial<Rules>
  mayBeCutOff?: boolean
}

const judged = (
  headers: Record<string, string>,
  { status = 200, method = 'GET', request = {}, rules = {}, mayBeCutOff = false }: Case = {},
) => storable(requestWith(request, { method }), { status, fields: fieldsOf(headers), mayBeCutOff }, rulesWith(rules))

const why = (...input: Parameters<typeof judged>) => {
  const result = judged(...input)
  return result.store ? 'stored' : result.why
}

const MINUTE = { 'Cache-Control': 'max-age=60' }
const MODIFIED = { Date: date(NOW), 'Last-Modified': date(NOW - 86_400_000) }

describe('a response with a lifetime', () => {
  it('is stored', () => {
    expect(judged(MINUTE)).toEqual({ store: true })
    expect(why({ Expires: date(NOW + 60_000), Date: date(NOW) })).toBe('stored')
    expect(why({ Expires: date(NOW + 60_000) })).toBe('stored')
    expect(why({ Expires: 'Thursday, 18-Aug-50 02:01:18 GMT' })).toBe('stored')
    expect(why(MODIFIED)).toBe('stored')
    expect(why({}, { rules: { ttl: 1000 } })).toBe('stored')
  })

  it.each([200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 503, 599])(
    'of status %i is stored',
    (status) => expect(why(MINUTE, { status })).toBe('stored'),
  )

  it.each([
    [206, 'partial'],
    [101, 'status'],
    [304, 'status'],
    [407, 'status'],
    [408, 'status'],
    [412, 'status'],
    [416, 'status'],
    [417, 'status'],
    [421, 'status'],
    [425, 'status'],
    [428, 'status'],
    [429, 'status'],
    [431, 'status'],
    [511, 'status'],
  ])('of status %i is not stored: %s', (status, reason) => expect(why(MINUTE, { status })).toBe(reason))

  it('is not stored when it may have been cut off', () => expect(why(MINUTE, { mayBeCutOff: true })).toBe('cut-off'))

  it.each(['HEAD', 'POST', 'OPTIONS'])('to %s is not stored', (method) =>
    expect(why(MINUTE, { method })).toBe('method'),
  )

  it.each(['HEAD', 'OPTIONS'])('to %s is not stored for GET even if it names the target', (method) =>
    expect(why({ ...MINUTE, 'Content-Location': '/x' }, { method })).toBe('method'),
  )

  it('to POST is stored for GET only if it states the lifetime (RFC 9110 section 9.3.3)', () => {
    const named = { 'Content-Location': '/x' }
    expect(why({ ...named, ...MINUTE }, { method: 'POST' })).toBe('stored')
    expect(why({ ...named, ...MODIFIED }, { method: 'POST' })).toBe('method')
  })
})

describe('a response that restricts storing', () => {
  it.each([
    ['no-store', 'no-store'],
    ['max-age=60, no-store', 'no-store'],
    ['private, max-age=60', 'private'],
    ['max-age=60, private="x"', 'private'],
    ['max-age=60, private=""', 'private'],
  ])('with %s is not stored', (value, reason) => {
    expect(judged({ 'Cache-Control': value })).toEqual({ store: false, why: reason })
  })

  it.each(['Cache-Control', 'CDN-Cache-Control', 'Herdgate-Cache-Control', 'Surrogate-Control', 'Expires', 'Vary'])(
    'with Connection: %s is not stored, as that field would not be stored with it',
    (name) => {
      expect(why({ ...MINUTE, Connection: `x, ${name}` })).toBe('connection')
      expect(why({ ...MINUTE, Connection: 'close, x' })).toBe('stored')
    },
  )

  it('is not stored just because the operator sets a lifetime', () => {
    expect(why({ 'Cache-Control': 'no-store' }, { rules: { ttl: 1000 } })).toBe('no-store')
    expect(why({ 'Cache-Control': 'no-store' }, { rules: { statusTtl: new Map([[200, 1000]]) } })).toBe('no-store')
  })

  it('is not stored when the request forbids it', () => {
    const request = { 'Cache-Control': 'no-store' }
    expect(why(MINUTE, { request })).toBe('request-no-store')
    expect(why(MINUTE, { request, rules: { override: true, ttl: 1000 } })).toBe('request-no-store')
  })

  it('is governed by its targeted field alone', () => {
    expect(why({ 'CDN-Cache-Control': 'max-age=60', 'Cache-Control': 'no-store' })).toBe('stored')
    expect(why({ 'CDN-Cache-Control': 'no-store', 'Cache-Control': 'max-age=60' })).toBe('no-store')
    expect(why({ 'CDN-Cache-Control': 'public', Expires: date(NOW + 60_000) })).toBe('no-lifetime')
  })

  it('with must-understand is stored if its status is understood, no-store or not', () => {
    const headers = { 'Cache-Control': 'max-age=60, must-understand, no-store' }
    expect(why(headers)).toBe('stored')
    expect(why(headers, { status: 599 })).toBe('no-store')
    expect(why({ 'Cache-Control': 'max-age=60, must-understand' }, { status: 599 })).toBe('status')
  })

  it('with Vary: * is not stored', () => {
    expect(why({ ...MINUTE, Vary: 'accept, *' })).toBe('vary')
    expect(why({ ...MINUTE, Vary: 'accept' })).toBe('stored')
  })

  it('with more tags than can be kept is not stored', () => {
    expect(why({ ...MINUTE, xkey: 'x'.repeat(257) })).toBe('tags')
  })
})

describe('a response without a lifetime', () => {
  it('is not stored unless it can be revalidated', () => {
    expect(why({})).toBe('no-lifetime')
    expect(why({ 'Cache-Control': 'max-age=0' })).toBe('no-lifetime')
    expect(why({ 'Cache-Control': 'no-cache' })).toBe('no-lifetime')
    expect(why({ Expires: '0' })).toBe('no-lifetime')
    for (const value of ['max-age=0', 'no-cache', 'foo']) {
      expect(why({ 'Cache-Control': value, ETag: '"a"' })).toBe('stored')
      expect(why({ 'Cache-Control': value, ...MODIFIED })).toBe('stored')
    }
  })

  it('does not get a lifetime by no-cache', () => {
    expect(why({ 'Cache-Control': 'no-cache' }, { status: 302 })).toBe('status')
    expect(why({ 'Cache-Control': 'no-cache', ETag: '"a"' }, { status: 201 })).toBe('status')
    expect(why({ 'Cache-Control': 'no-cache, stale-while-revalidate=60' })).toBe('no-lifetime')
  })

  it("is stored for stale use when it says so itself, not for the operator's grace", () => {
    expect(why({ 'Cache-Control': 'max-age=0, stale-while-revalidate=60' })).toBe('stored')
    expect(why({ 'Cache-Control': 'max-age=0, stale-if-error=60' })).toBe('stored')
    expect(why({ 'Cache-Control': 'max-age=0, stale-if-error=60' }, { status: 503 })).toBe('no-lifetime')
    expect(why({ 'Cache-Control': 'max-age=0, stale-if-error=60' }, { status: 403 })).toBe('no-lifetime')
    expect(why({ 'Cache-Control': 'max-age=0' }, { rules: { grace: 3_600_000, softTimeout: 0 } })).toBe('no-lifetime')
  })

  it.each([201, 202, 302, 403, 500, 503])('of status %i is not stored', (status) => {
    expect(why({ ETag: '"a"' }, { status })).toBe('status')
  })

  it.each([301, 404, 410])(
    'of status %i is not stored even with a validator, as no origin would answer it with 304',
    (status) => {
      expect(why({ ETag: '"a"' }, { status })).toBe('no-lifetime')
    },
  )

  it.each([
    [404, {}, 'stored'],
    [403, {}, 'status'],
    [599, {}, 'status'],
    [599, { 'Cache-Control': 'public' }, 'stored'],
  ])('of status %i with %j gets a heuristic lifetime: %s', (status, headers, expected) => {
    expect(why({ ...MODIFIED, ...headers }, { status })).toBe(expected)
  })

  it("gets the operator's lifetime only for a heuristically cacheable status", () => {
    expect(why({}, { status: 500, rules: { ttl: 1000 } })).toBe('status')
    expect(why({}, { status: 404, rules: { ttl: 1000 } })).toBe('stored')
    expect(why({}, { status: 500, rules: { statusTtl: new Map([[500, 1000]]) } })).toBe('stored')
  })
})

describe('Authorization', () => {
  const request = { Authorization: 'Basic x' }

  it.each(['public, max-age=60', 's-maxage=60', 'max-age=60, must-revalidate', 'public, no-cache'])(
    'allows storing with %s',
    (value) => {
      expect(why({ 'Cache-Control': value, ETag: '"a"' }, { request })).toBe('stored')
    },
  )

  it.each(['max-age=60', 'max-age=60, proxy-revalidate', 'max-age=60, immutable'])(
    'forbids storing with %s',
    (value) => {
      expect(judged({ 'Cache-Control': value }, { request })).toEqual({
        store: false,
        why: 'authorization',
      })
    },
  )

  it('forbids storing when the lifetime is not stated', () => {
    expect(why({ ...MODIFIED, 'Cache-Control': 'public' }, { request })).toBe('authorization')
    expect(why({ 'Cache-Control': 'public' }, { request, rules: { ttl: 1000 } })).toBe('authorization')
    expect(why({ 'Cache-Control': 'max-age=60' }, { request, rules: { ttl: 1000, override: true } })).toBe(
      'authorization',
    )
  })

  it.each(['public, max-age=60', 's-maxage=60'])(
    'allows storing with %s, though the lifetime of the route applies',
    (value) => {
      expect(why({ 'Cache-Control': value }, { request, rules: { ttl: 1000, override: true } })).toBe('stored')
    },
  )

  it('does not matter to a route that overrides responses and has it in its key', () => {
    const key = { ...rulesWith().key, headers: ['authorization'] }
    expect(why(MINUTE, { request, rules: { override: true, key } })).toBe('stored')
    expect(why({}, { request, rules: { override: true, key, ttl: 1000 } })).toBe('stored')
    expect(why(MINUTE, { request, rules: { key } })).toBe('authorization')
    const both = { ...request, 'Proxy-Authorization': 'x' }
    expect(why(MINUTE, { request: both, rules: { override: true, key } })).toBe('authorization')
    const unlessPrivate = { 'Cache-Control': 'private, max-age=60' }
    expect(why(unlessPrivate, { request, rules: { override: true, key } })).toBe('private')
  })

  it('counts in the form of Proxy-Authorization too', () => {
    expect(why(MINUTE, { request: { 'proxy-authorization': 'x' } })).toBe('authorization')
  })
})

describe('an API key in a field of its own', () => {
  const request = { 'X-Api-Key': 'k' }

  it.each(API_KEYS)('forbids storing in %s when the lifetime is not stated', (name) => {
    const byKey = { [name.toUpperCase()]: 'k' }
    expect(judged(MODIFIED, { request: byKey })).toEqual({ store: false, why: 'authorization' })
    expect(why({}, { request: byKey, rules: { ttl: 1000 } })).toBe('authorization')
    expect(why({ ETag: '"a"' }, { request: byKey })).toBe('authorization')
    expect(why({ 'Cache-Control': 'public' }, { request: byKey, rules: { ttl: 1000 } })).toBe('authorization')
    expect(why({ Pragma: 'no-cache', ETag: '"a"' }, { request: byKey })).toBe('authorization')
  })

  it('counts with "_" in the name too, unless there is a response for each', () => {
    const [byKey, rules] = [{ X_Api_Key: 'k' }, { ttl: 1000 }]
    const keyedBy = (name: string) => ({ ...rules, key: { ...rulesWith().key, headers: [name] } })
    expect(why({}, { request: byKey, rules })).toBe('authorization')
    expect(why({}, { request: { api_key: 'k' }, rules })).toBe('authorization')
    expect(why({ Vary: 'X-Api-Key' }, { request: byKey, rules })).toBe('stored')
    expect(why({}, { request: byKey, rules: keyedBy('x-api-key') })).toBe('stored')
    expect(why({}, { request, rules: keyedBy('x_api_key') })).toBe('stored')
  })

  it.each(['max-age=60', 'no-cache', 's-maxage=60'])('does not matter when the response says %s', (value) => {
    expect(why({ 'Cache-Control': value, ETag: '"a"' }, { request, rules: { ttl: 1000 } })).toBe('stored')
  })

  it('does not matter when the route or Vary stores a response for each', () => {
    const key = { ...rulesWith().key, headers: ['x-api-key'] }
    expect(why({}, { request, rules: { ttl: 1000, key } })).toBe('stored')
    expect(why({ Vary: 'Accept, X-Api-Key' }, { request, rules: { ttl: 1000 } })).toBe('stored')
    const both = { ...request, ApiKey: 'k' }
    expect(why({ Vary: 'X-Api-Key' }, { request: both, rules: { ttl: 1000, key } })).toBe('authorization')
  })

  it('does not matter to a route that overrides responses', () => {
    expect(why({}, { request, rules: { ttl: 1000, override: true } })).toBe('stored')
  })
})

describe('cookies', () => {
  const request = { Cookie: 'a=b' }
  const setting = { ...MINUTE, 'Set-Cookie': 'a=b' }

  it('set by the response forbid storing in mode safe, whatever the operator says', () => {
    expect(judged(setting)).toEqual({ store: false, why: 'set-cookie' })
    expect(why({ 'Set-Cookie': 'a=b' }, { rules: { ttl: 1000, override: true } })).toBe('set-cookie')
    expect(why({ 'Cache-Control': 'public, max-age=60', 'set-cookie': 'a=b' }, { request })).toBe('set-cookie')
  })

  it('sent by the client forbid storing in mode safe, unless the response is explicitly shareable', () => {
    expect(judged(MINUTE, { request })).toEqual({ store: false, why: 'cookie' })
    expect(why({ 'Cache-Control': 'public, max-age=60' }, { request })).toBe('stored')
    expect(why({ 'Cache-Control': 's-maxage=60' }, { request })).toBe('stored')
    expect(why({ 'CDN-Cache-Control': 'max-age=60' }, { request })).toBe('stored')
    expect(why({ 'CDN-Cache-Control': 'stale-if-error=9', ETag: '"a"' }, { request })).toBe('cookie')
    expect(why({ 'CDN-Cache-Control': 'no-cache', ETag: '"a"' }, { request })).toBe('cookie')
  })

  it('sent by the client forbid storing when the lifetime is not stated', () => {
    expect(why(MODIFIED, { request })).toBe('cookie')
    expect(why({ 'Cache-Control': 'public' }, { request, rules: { ttl: 1000 } })).toBe('cookie')
  })

  it.each(['rfc', 'ignore'] as const)('do not matter in mode %s', (cookies) => {
    expect(why(setting, { request, rules: { cookies } })).toBe('stored')
    expect(why({}, { request, rules: { cookies, ttl: 1000 } })).toBe('stored')
  })
})

describe('an overriding route', () => {
  const rules = { override: true, ttl: 1000 }

  it('stores a response with no-store or no-cache', () => {
    expect(why({ 'Cache-Control': 'no-store' }, { rules })).toBe('stored')
    expect(why({ 'Cache-Control': 'no-cache' }, { rules })).toBe('stored')
  })

  it('stores neither private responses nor errors by its lifetime', () => {
    expect(why({ 'Cache-Control': 'private' }, { rules })).toBe('private')
    expect(why({ 'Cache-Control': 'no-store' }, { rules, status: 500 })).toBe('no-store')
  })

  it('needs its own lifetime to store a response with no-store', () => {
    expect(why({ 'Cache-Control': 'no-store' }, { rules: { override: true } })).toBe('no-store')
  })

  it.each(['no-cache', 'max-age=0', 'max-age=0, must-revalidate', 's-maxage=0'])(
    'stores a response with %s for its grace alone, but no errors',
    (value) => {
      const graced = { override: true, grace: 60_000 }
      expect(why({ 'Cache-Control': value }, { rules: graced })).toBe('stored')
      expect(why({ 'Cache-Control': value, 'Set-Cookie': 'a=b' }, { rules: graced })).toBe('set-cookie')
      expect(why({ 'Cache-Control': value }, { rules: { override: true, grace: 0 } })).toBe('no-lifetime')
      expect(why({ 'Cache-Control': value }, { rules: graced, status: 503 })).not.toBe('stored')
    },
  )
})
