import { describe, expect, it, test } from 'vitest'
import { field, fieldLines, has } from '../../src/fields.ts'
import { cachedHead, dated, interimHead, passedHead, storedFields, withOneDate } from '../../src/policy/response.ts'
import { date, entryWith, NOW } from './support.ts'
import { fieldsOf } from '../support/fields.ts'

type Headers = Record<string, string | string[]>

const stored = (headers: Headers, cookies: 'safe' | 'rfc' | 'ignore' = 'rfc') =>
  storedFields(fieldsOf(headers), cookies)

const age = (bornAt: number) => field(cachedHead(entryWith({ bornAt }), { result: 'hit' }, NOW), 'age')

describe('what is stored', () => {
  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Authenticate',
    'Proxy-Authentication-Info',
    'Proxy-Authorization',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Age',
    'Surrogate-Key',
    'Cache-Tag',
    'xkey',
  ])('is not %s', (name) => expect(stored({ [name]: 'x', A: '1' })).toEqual(['A', '1']))

  it('is not what Connection names', () => {
    expect(stored({ Connection: 'a, B', a: '1', b: '2', c: '3' })).toEqual(['c', '3'])
  })

  it.each([
    'Content-Encoding',
    'Date',
    'Clear-Site-Data',
    'Cache-Groups',
    'CDN-Cache-Control',
    'Vary',
    'Set-Cookie',
    'Via',
  ])('is %s', (name) => expect(stored({ [name]: ['x', 'y'] })).toEqual([name, 'x', name, 'y']))

  it('is no Set-Cookie where cookies are ignored', () => {
    expect(stored({ 'Set-Cookie': ['a=1', 'b=2'], A: '1' }, 'ignore')).toEqual(['A', '1'])
  })

  it('has a Date', () => {
    expect(dated(fieldsOf({ A: '1' }), NOW)).toEqual(['A', '1', 'Date', date(NOW)])
    const fields = fieldsOf({ date: date(0) })
    expect(dated(fields, NOW)).toBe(fields)
  })
})

describe('of several Date lines', () => {
  const [older, newer] = [date(NOW - 5000), date(NOW)]

  it.each([
    ['older first', [older, newer]],
    ['newer first', [newer, older]],
    ['one of them not valid', ['yesterday', older]],
    ['an obsolete form, which is sent as it is now', [newer, 'Sunday, 06-Nov-94 08:49:37 GMT'], date(784111777000)],
    ['three', [newer, older, newer]],
  ])('the oldest that is valid stays: %s', (_, values, kept = older) => {
    expect(withOneDate(fieldsOf({ Date: values, A: '1' }), NOW)).toEqual(['A', '1', 'Date', kept])
  })

  it('none stays where none is valid', () => {
    expect(withOneDate(fieldsOf({ date: ['x', ''], A: '1' }), NOW)).toEqual(['A', '1'])
  })

  it('there is nothing to choose from where there is one, or none', () => {
    for (const headers of [{ A: '1' }, { Date: 'x' }]) {
      const fields = fieldsOf(headers)
      expect(withOneDate(fields, NOW)).toBe(fields)
    }
  })
})

describe('the head of a cached answer', () => {
  it('adds one Age, Via and Cache-Status to what is stored, and changes nothing there', () => {
    const entry = entryWith({}, { A: '1', 'Cache-Status': 'edge; hit', Via: '1.1 x' })
    const before = [...entry.fields]
    const head = cachedHead(entry, { result: 'hit', ttlMs: 42_000 }, NOW + 18_900)
    expect(head.slice(0, before.length)).toEqual(before)
    expect(fieldLines(head, 'age')).toEqual(['18'])
    expect(fieldLines(head, 'via')).toEqual(['1.1 x', '1.1 herdgate'])
    expect(fieldLines(head, 'cache-status')).toEqual(['edge; hit', 'herdgate; hit; ttl=42'])
    expect(entry.fields).toEqual(before)
  })

  it('has an Age that is never negative nor above 2^31', () => {
    expect(age(NOW + 5000)).toBe('0')
    expect(age(NOW - 1e15)).toBe(String(2 ** 31))
  })

  it('keeps the control that is for us alone to us', () => {
    const fields = storedFields(
      fieldsOf({ 'Herdgate-Cache-Control': 'max-age=9', 'CDN-Cache-Control': 'max-age=8' }),
      'safe',
    )
    const head = cachedHead(entryWith({ fields }), { result: 'hit' }, NOW)
    const surrogate = cachedHead(entryWith({}, { 'Surrogate-Control': 'max-age=9' }), { result: 'hit' }, NOW)
    expect(has(head, 'herdgate-cache-control')).toBe(false)
    expect(has(surrogate, 'surrogate-control')).toBe(false)
    expect(has(head, 'cdn-cache-control')).toBe(true)
    expect(has(fields, 'herdgate-cache-control')).toBe(true)
  })
})

describe('the head of an answer that was not taken from the cache', () => {
  it('is what the origin sent, end to end, with its Age', () => {
    const headers = {
      Age: '7',
      A: '1',
      Connection: 'x-hop',
      'X-Hop': '1',
      xkey: 't',
      'Herdgate-Cache-Control': 'no-store',
      'Surrogate-Control': 'no-store',
      Trailer: 'X-Sum',
    }
    expect(passedHead(200, fieldsOf(headers), { result: 'pass', fwd: 'bypass', detail: 'route' }, 'safe')).toEqual([
      'Age',
      '7',
      'A',
      '1',
      'Via',
      '1.1 herdgate',
      'Cache-Status',
      'herdgate; fwd=bypass; detail=route',
    ])
  })

  it('is without Set-Cookie where cookies are ignored', () => {
    const fields = fieldsOf({ 'Set-Cookie': ['a=1', 'b=2'] })
    expect(fieldLines(passedHead(200, fields, { result: 'miss' }, 'safe'), 'set-cookie')).toEqual(['a=1', 'b=2'])
    expect(has(passedHead(200, fields, { result: 'miss' }, 'ignore'), 'set-cookie')).toBe(false)
  })
})

test.each([
  ['safe', ['Link', '</a.css>', 'Set-Cookie', 'a=1']],
  ['ignore', ['Link', '</a.css>']],
] as const)(
  'an interim answer tells neither what is for us nor how long anything is, with cookies %s',
  (cookies, left) => {
    const ours = { 'Herdgate-Cache-Control': 'no-store', 'Surrogate-Control': 'no-store', 'Surrogate-Key': 'a' }
    const framing = { Connection: 'X-Hop', 'X-Hop': '1', 'Content-Length': '4', Trailer: 'X-Sum' }
    expect(interimHead(fieldsOf({ Link: '</a.css>', ...ours, ...framing, 'Set-Cookie': 'a=1' }), cookies)).toEqual(left)
  },
)
