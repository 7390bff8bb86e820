import { describe, expect, it } from 'vitest'
import type { Rules, StoredResponse } from '../../src/model.ts'
import { decide, isServedPlainly } from '../../src/policy/reuse.ts'
import fc from '../support/fast-check.ts'
import { entryWith, type FoundChanges, foundWith, NOW, requestWith, rulesWith } from './support.ts'

interface Case {
  headers?: Record<string, string>
  method?: string
  entry?: StoredResponse | undefined
  found?: FoundChanges
  rules?: Partial<Rules>
  /** Seconds after the entry was made. */
  at?: number
}

function decided({ headers = {}, method = 'GET', entry, found = {}, rules = {}, at = 0 }: Case) {
  return decide(requestWith(headers, { method }), foundWith(entry, found), rulesWith(rules), NOW + at * 1000)
}

const fresh = entryWith()
/** Fresh for 60 s, usable on error until 160 s. */
const graced = entryWith({ staleIfErrorUntil: NOW + 160_000 })
const strict = entryWith({ mustRevalidate: true })

const at = (seconds: number, value: string, entry = fresh) =>
  decided({ entry, at: 60 + seconds, headers: { 'Cache-Control': value } }).kind

const onError = (value: string, at: number) => decided({ entry: graced, at, headers: { 'Cache-Control': value } })

describe('without an entry', () => {
  it('fetches and reports the kind of miss', () => {
    expect(decided({})).toEqual({ kind: 'fetch', why: 'uri-miss' })
    expect(decided({ found: { miss: 'vary-miss' } })).toEqual({ kind: 'fetch', why: 'vary-miss' })
  })

  it('refuses only-if-cached', () => {
    expect(decided({ headers: { 'Cache-Control': 'only-if-cached' } })).toMatchObject({ kind: 'refuse' })
  })

  it('passes when the key is remembered as unshareable', () => {
    const found = { unshareable: true }
    expect(decided({ found })).toEqual({ kind: 'pass', why: 'uri-miss', detail: 'unshareable', remembered: true })
  })

  it('passes HEAD, a range of an unknown unit, and a request that must not be stored', () => {
    expect(decided({ method: 'HEAD' })).toEqual({ kind: 'pass', why: 'uri-miss' })
    expect(decided({ headers: { Range: 'lines=1-2' } })).toEqual({ kind: 'pass', why: 'uri-miss', detail: 'range' })
    expect(decided({ headers: { 'cache-control': 'no-store' } })).toMatchObject({ kind: 'pass', why: 'request' })
  })

  it('fetches a range of bytes, and the whole for a malformed one', () => {
    expect(decided({ headers: { Range: 'bytes=0-0' } })).toEqual({ kind: 'fetch', why: 'uri-miss' })
    expect(decided({ headers: { Range: 'bytes=5-2' } })).toEqual({ kind: 'fetch', why: 'uri-miss' })
  })

  it('fetches for no-cache as for any other request', () => {
    expect(decided({ headers: { 'Cache-Control': 'no-cache' } })).toMatchObject({ kind: 'fetch' })
  })
})

describe('a stored 401', () => {
  const entry = entryWith({ status: 401 })
  const authorized = { Authorization: 'Bearer b' }

  it('is served to requests without credentials', () => {
    expect(decided({ entry })).toMatchObject({ kind: 'serve' })
  })

  it.each([
    [0, authorized],
    [70, authorized],
    [0, { 'X-Api-Key': 'k' }],
  ])('is not served, %i s after it arrived, to requests with %j', (seconds, headers) => {
    const decision = decided({
      entry: entryWith({ status: 401, staleIfErrorUntil: NOW + 90_000 }),
      at: seconds,
      headers,
    })
    expect(decision).toEqual({ kind: 'pass', why: 'request', detail: 'authorization' })
  })

  it('is not served to only-if-cached with credentials either', () => {
    const headers = { ...authorized, 'Cache-Control': 'only-if-cached' }
    expect(decided({ entry, headers })).toMatchObject({ kind: 'refuse' })
  })
})

describe('a fresh entry', () => {
  it('is served until the moment its lifetime ends', () => {
    expect(decided({ entry: fresh, at: 59.999 })).toEqual({ kind: 'serve', entry: fresh, refresh: false })
    expect(decided({ entry: fresh, at: 60 })).toMatchObject({ kind: 'revalidate', why: 'stale' })
  })

  it('is served to HEAD, to a range and to a request that must not be stored', () => {
    expect(decided({ entry: fresh, method: 'HEAD' })).toMatchObject({ kind: 'serve' })
    expect(decided({ entry: fresh, headers: { Range: 'bytes=0-0' } })).toMatchObject({ kind: 'serve' })
    expect(decided({ entry: fresh, headers: { 'Cache-Control': 'no-store' } })).toMatchObject({ kind: 'serve' })
    expect(decided({ entry: fresh, headers: { 'Cache-Control': 'only-if-cached' } })).toMatchObject({ kind: 'serve' })
  })

  it('is refreshed from refreshAt on, though not by HEAD', () => {
    const entry = entryWith({ refreshAt: NOW + 48_000 })
    expect(decided({ entry, at: 47.999 })).toMatchObject({ refresh: false })
    expect(decided({ entry, at: 48 })).toMatchObject({ kind: 'serve', refresh: true })
    expect(decided({ entry, at: 48, method: 'HEAD' })).toMatchObject({ kind: 'serve', refresh: false })
  })

  it.each([
    ['no-cache', 0],
    ['NO-CACHE', 0],
    ['max-age=0', 0],
    ['max-age=10', 11],
    ['max-age=x', 1],
    ['min-fresh=50', 11],
    ['min-fresh=61', 0],
    ['max-age=10, max-stale', 11],
  ])('is revalidated for a request with %s at age %i', (value, at) => {
    const decision = decided({ entry: graced, headers: { 'Cache-Control': value }, at, rules: { softTimeout: 300 } })
    expect(decision).toEqual({
      kind: 'revalidate',
      entry: graced,
      why: 'request',
      fallback: { entry: graced, afterMs: undefined, until: NOW + 160_000 },
    })
  })

  it.each([
    ['max-age=10', 10],
    ['min-fresh=50', 10],
    ['max-stale', 5],
    ['foo', 5],
  ])('is served to a request with %s at age %i', (value, at) => {
    expect(decided({ entry: fresh, headers: { 'Cache-Control': value }, at })).toMatchObject({ kind: 'serve' })
  })

  it('is subject to Pragma only without Cache-Control', () => {
    expect(decided({ entry: fresh, headers: { Pragma: 'no-cache' } })).toMatchObject({ why: 'request' })
    expect(decided({ entry: fresh, headers: { Pragma: 'foo' } })).toMatchObject({ kind: 'serve' })
    const headers = { Pragma: 'no-cache', 'Cache-Control': 'max-age=9' }
    expect(decided({ entry: fresh, headers })).toMatchObject({ kind: 'serve' })
  })

  it('that a HEAD does not accept makes it pass, and may be served on error', () => {
    const headers = { 'Cache-Control': 'no-cache' }
    expect(decided({ entry: fresh, headers, method: 'HEAD' })).toMatchObject({
      kind: 'pass',
      why: 'request',
      fallback: { entry: fresh },
    })
  })

  it('that a range request does not accept is revalidated as a whole', () => {
    const headers = { 'Cache-Control': 'no-cache', Range: 'bytes=0-0' }
    expect(decided({ entry: fresh, headers })).toMatchObject({ kind: 'revalidate', why: 'request', entry: fresh })
  })

  it('that must be revalidated once stale may be served on error while it is fresh', () => {
    const decision = decided({ entry: strict, headers: { 'Cache-Control': 'no-cache' } })
    expect(decision).toMatchObject({ fallback: { entry: strict } })
  })

  it('that only-if-cached does not accept makes it a refusal', () => {
    const headers = { 'Cache-Control': 'only-if-cached, no-cache' }
    expect(decided({ entry: fresh, headers })).toMatchObject({ kind: 'refuse' })
  })
})

describe('an expired entry', () => {
  const reviving = entryWith({ staleWhileRevalidateUntil: NOW + 90_000, staleIfErrorUntil: NOW + 160_000 })

  it('is served within stale-while-revalidate, and not after', () => {
    expect(decided({ entry: reviving, at: 89.999 })).toEqual({ kind: 'serve-stale', entry: reviving })
    expect(decided({ entry: reviving, at: 90 })).toMatchObject({ kind: 'revalidate', why: 'stale' })
    const head = { kind: 'serve-stale', entry: reviving, headOnly: true }
    expect(decided({ entry: reviving, at: 89.999, method: 'HEAD' })).toEqual(head)
    expect(decided({ entry: reviving, at: 90, method: 'HEAD' })).toMatchObject({ kind: 'pass', why: 'stale' })
  })

  it('is served within stale-while-revalidate for a range and for only-if-cached', () => {
    expect(decided({ entry: reviving, at: 61, headers: { Range: 'bytes=0-0' } })).toMatchObject({ kind: 'serve-stale' })
    const headers = { 'Cache-Control': 'only-if-cached' }
    expect(decided({ entry: reviving, at: 61, headers })).toMatchObject({ kind: 'serve-stale' })
    expect(decided({ entry: reviving, at: 91, headers })).toMatchObject({ kind: 'refuse' })
  })

  it.each(['no-cache', 'max-age=600', 'min-fresh=0', 'max-stale=0'])(
    'is revalidated before it is served to a request with %s',
    (value) => {
      const headers = { 'Cache-Control': value }
      expect(decided({ entry: reviving, at: 61, headers })).toMatchObject({ kind: 'revalidate', why: 'stale' })
    },
  )

  it('may be served on error until its window ends', () => {
    expect(decided({ entry: graced, at: 159 })).toMatchObject({ fallback: { entry: graced, afterMs: undefined } })
    expect(decided({ entry: graced, at: 160 })).toMatchObject({ kind: 'revalidate', fallback: undefined })
  })

  it('is served after the soft timeout while it may be served on error', () => {
    const rules = { softTimeout: 300 }
    expect(decided({ entry: graced, at: 70, rules })).toMatchObject({ fallback: { entry: graced, afterMs: 300 } })
    expect(decided({ entry: graced, at: 170, rules })).toMatchObject({ kind: 'revalidate', fallback: undefined })
    const zero = decided({ entry: graced, at: 70, rules: { softTimeout: 0 } })
    expect(zero).toMatchObject({ fallback: { entry: graced, afterMs: 0 } })
    const headers = { 'Cache-Control': 'no-cache' }
    expect(decided({ entry: graced, at: 70, rules, headers })).toMatchObject({
      fallback: { entry: graced, afterMs: undefined },
    })
  })

  it.each([0, 300])(
    'past its own stale-while-revalidate has to wait for the origin, with a soft timeout of %i ms',
    (ms) => {
      const rules = { softTimeout: ms }
      const times = { staleWhileRevalidateUntil: NOW + 65_000, staleIfErrorUntil: NOW + 160_000 }
      const entry = entryWith(times, { 'Cache-Control': 'max-age=60, stale-while-revalidate=5' })
      const none = entryWith(
        { ...times, staleWhileRevalidateUntil: NOW + 60_000 },
        { 'CDN-Cache-Control': 'max-age=60, stale-while-revalidate=0' },
      )
      expect(decided({ entry, at: 64, rules })).toMatchObject({ kind: 'serve-stale' })
      expect(decided({ entry, at: 65, rules })).toMatchObject({ fallback: { entry, afterMs: undefined } })
      expect(decided({ entry: none, at: 61, rules })).toMatchObject({ fallback: { entry: none, afterMs: undefined } })
      const override = { ...rules, override: true }
      expect(decided({ entry: none, at: 61, rules: override })).toMatchObject({
        fallback: { entry: none, afterMs: ms },
      })
    },
  )

  it('is served as far as max-stale allows, unless it must be revalidated', () => {
    expect(at(10, 'max-stale=10')).toBe('serve-stale')
    expect(at(10.001, 'max-stale=10')).toBe('revalidate')
    expect(at(9999, 'max-stale')).toBe('serve-stale')
    expect(at(1, 'max-stale=x')).toBe('revalidate')
    expect(at(1, 'max-stale', strict)).toBe('revalidate')
    expect(at(1, 'max-stale, no-cache')).toBe('revalidate')
    expect(at(1, 'max-stale, max-age=60')).toBe('revalidate')
    expect(at(1, 'only-if-cached, max-stale=10')).toBe('serve-stale')
  })

  it.each([0, 300])('staler than max-stale allows waits for the origin, with a soft timeout of %i ms', (ms) => {
    const rules = { softTimeout: ms }
    const headers = { 'Cache-Control': 'max-stale=10' }
    expect(decided({ entry: graced, at: 71, rules, headers })).toMatchObject({
      kind: 'revalidate',
      fallback: { entry: graced, afterMs: undefined },
    })
  })

  it('that must be revalidated is not served on error', () => {
    expect(decided({ entry: strict, at: 61 })).toMatchObject({ kind: 'revalidate', fallback: undefined })
    const headers = { 'Cache-Control': 'stale-if-error=600' }
    expect(decided({ entry: strict, at: 61, headers })).toMatchObject({ kind: 'revalidate', fallback: undefined })
  })

  it('may be served on error for as long as stale-if-error of the request says, be it shorter or longer', () => {
    expect(onError('stale-if-error=0', 61)).toMatchObject({ kind: 'revalidate', fallback: undefined })
    const until = NOW + 660_000
    expect(onError('stale-if-error=600', 200)).toMatchObject({ fallback: { entry: graced, until } })
  })

  it.each([0, 300])('past its window waits for a slow origin, whatever stale-if-error says: %i ms', (ms) => {
    const rules = { softTimeout: ms }
    const headers = { 'Cache-Control': 'stale-if-error=600' }
    const until = NOW + 660_000
    const decision = decided({ entry: graced, at: 200, rules, headers })
    expect(decision).toMatchObject({ fallback: { entry: graced, afterMs: undefined, until } })
    expect(decided({ entry: graced, at: 70, rules, headers })).toMatchObject({ fallback: { afterMs: ms, until } })
  })

  it('makes HEAD pass, with the copy as fallback on error', () => {
    expect(decided({ entry: graced, at: 61, method: 'HEAD' })).toEqual({
      kind: 'pass',
      why: 'stale',
      detail: undefined,
      fallback: { entry: graced, afterMs: undefined, until: NOW + 160_000 },
      updatable: graced,
    })
    expect(decided({ entry: fresh, at: 61, method: 'HEAD' })).toMatchObject({ kind: 'pass', fallback: undefined })
  })

  it('is served to HEAD when the origin is slow, as to any other request', () => {
    const rules = { softTimeout: 300 }
    expect(decided({ entry: graced, at: 61, method: 'HEAD', rules })).toMatchObject({
      kind: 'pass',
      fallback: { entry: graced, afterMs: 300 },
    })
  })

  it('is revalidated as a whole for a range, and makes a request that must not be stored pass', () => {
    const headers = { Range: 'bytes=0-0' }
    expect(decided({ entry: graced, at: 61, headers })).toMatchObject({ kind: 'revalidate', entry: graced })
    const noStore = { 'Cache-Control': 'no-store' }
    expect(decided({ entry: graced, at: 61, headers: noStore })).toMatchObject({
      kind: 'pass',
      detail: 'request-no-store',
    })
  })
})

describe('an invalidated entry', () => {
  const found = { verdict: 'stale' } as const

  it('is revalidated though fresh by time, and may be served on error', () => {
    expect(decided({ entry: fresh, found, rules: { softTimeout: 300 } })).toEqual({
      kind: 'revalidate',
      entry: fresh,
      why: 'stale',
      fallback: { entry: fresh, afterMs: 300, until: NOW + 60_000 },
    })
  })

  it('is revalidated first when a stale one would be served at once', () => {
    expect(decided({ entry: fresh, found, rules: { softTimeout: 0 } })).toMatchObject({
      fallback: { entry: fresh, afterMs: undefined },
    })
  })

  it('is not served within stale-while-revalidate, nor to max-stale', () => {
    const entry = entryWith({ staleWhileRevalidateUntil: NOW + 90_000 })
    expect(decided({ entry, found, at: 61 })).toMatchObject({ kind: 'revalidate', fallback: undefined })
    const headers = { 'Cache-Control': 'max-stale' }
    expect(decided({ entry, found, at: 61, headers })).toMatchObject({ kind: 'revalidate' })
  })

  it('that must be revalidated is not served on error', () => {
    expect(decided({ entry: strict, found })).toMatchObject({ kind: 'revalidate', fallback: undefined })
  })

  it('makes HEAD pass and only-if-cached a refusal', () => {
    expect(decided({ entry: fresh, found, method: 'HEAD' })).toMatchObject({
      kind: 'pass',
      why: 'stale',
      fallback: { entry: fresh },
    })
    const headers = { 'Cache-Control': 'only-if-cached' }
    expect(decided({ entry: fresh, found, headers })).toMatchObject({ kind: 'refuse' })
  })
})

describe('an entry that holds a part', () => {
  const partial = {
    parts: [{ first: 0, last: 4 }],
    complete: 10,
    reachesEnd: false,
    asked: undefined,
    contentRange: undefined,
  }
  const part = entryWith({ status: 206, partial, staleIfErrorUntil: NOW + 160_000 })
  const ofRange = (range: string, at = 0) => decided({ entry: part, at, headers: { Range: range } })

  it('is served for the ranges it holds and, as a 416, for ranges beyond the end', () => {
    expect(ofRange('bytes=1-3')).toMatchObject({ kind: 'serve' })
    expect(ofRange('bytes=10-')).toMatchObject({ kind: 'serve' })
  })

  it('is not used for another range', () => {
    expect(ofRange('bytes=4-5')).toEqual({ kind: 'fetch', why: 'partial', part: undefined, existing: part })
    expect(ofRange('bytes=-1', 61)).toEqual({ kind: 'fetch', why: 'stale', part: undefined, existing: part })
  })

  it('is completed for a request for the whole while it is fresh', () => {
    expect(decided({ entry: part })).toEqual({ kind: 'fetch', why: 'partial', part, existing: part })
    expect(decided({ entry: part, at: 61 })).toEqual({ kind: 'fetch', why: 'stale', part: undefined, existing: part })
    expect(decided({ entry: part, headers: { 'Cache-Control': 'no-cache' } })).toMatchObject({ part: undefined })
  })

  it('makes requests for the whole pass when that is too large to be stored', () => {
    const rules = { maxObjectBytes: 9 }
    const pass = { kind: 'pass', detail: 'too-large', remembered: true, existing: part }
    expect(decided({ entry: part, rules })).toEqual({ ...pass, why: 'partial' })
    expect(decided({ entry: part, rules, at: 61 })).toEqual({ ...pass, why: 'stale' })
    expect(decided({ entry: part, rules: { maxObjectBytes: 10 } })).toMatchObject({ kind: 'fetch' })
    const headers = { Range: 'bytes=4-5' }
    expect(decided({ entry: part, rules, headers })).toMatchObject({ kind: 'fetch', part: undefined })
  })

  it('is served neither to HEAD nor to only-if-cached', () => {
    expect(decided({ entry: part, method: 'HEAD' })).toMatchObject({ kind: 'pass', why: 'partial', existing: part })
    expect(decided({ entry: part, headers: { 'Cache-Control': 'only-if-cached' } })).toMatchObject({ kind: 'refuse' })
  })

  it('may be served on error for its ranges past its lifetime, like any other copy', () => {
    expect(ofRange('bytes=1-3', 61)).toMatchObject({ kind: 'revalidate', fallback: { entry: part } })
  })

  it('is not used when If-Range names another representation', () => {
    const headers = { Range: 'bytes=1-3', 'If-Range': '"other"' }
    expect(decided({ entry: part, headers })).toMatchObject({ kind: 'fetch' })
  })
})

describe('a copy that is served plainly', () => {
  it('is one that decide serves to a plain request without a refresh', () => {
    const time = fc.integer({ min: -3, max: 3 }).map((seconds) => NOW + seconds * 1000)
    const lifetime = fc.record({ freshUntil: time, refreshAt: time, keepUntil: time, staleWhileRevalidateUntil: time })
    const part = {
      parts: [{ first: 0, last: 1 }],
      complete: 9,
      reachesEnd: false,
      asked: undefined,
      contentRange: undefined,
    }
    const rest = fc.record({
      status: fc.constantFrom(200, 401, 404),
      mustRevalidate: fc.boolean(),
      partial: fc.constantFrom(undefined, part),
    })
    let served = 0
    fc.assert(
      fc.property(lifetime, rest, fc.constantFrom('GET', 'HEAD'), (times, other, method) => {
        const copy = entryWith({ ...times, ...other })
        if (!isServedPlainly(copy, NOW)) return
        served++
        const request = { ...requestWith({ Accept: '*/*' }, { method }), plain: true }
        expect(decide(request, foundWith(copy), rulesWith(), NOW)).toEqual({
          kind: 'serve',
          entry: copy,
          refresh: false,
        })
      }),
      { numRuns: 2_000 },
    )
    expect(served).toBeGreaterThan(20)
  })
})
