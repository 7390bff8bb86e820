import { describe, expect, it, test } from 'vitest'
import { field, fieldLines, has } from '../../src/fields.ts'
import { cachedHead, dated, interimHead, passedHead, storedFields, withOneDate } from '../../src/policy/response.ts'
import { date, entryWith, NOW, rulesWith } from './support.ts'
import { fieldsOf } from '../support/fields.ts'

type Headers = Record<string, string | string[]>

const stored = (headers: Headers, cookies: 'safe' | 'rfc' | 'ignore' = 'rfc') =>
  storedFields(fieldsOf(headers), cookies)

const age = (bornAt: number) => field(cachedHead(entryWith({ bornAt }), { result: 'hit' }, NOW, rulesWith()), 'age')

describe('a stored response', () => {
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
  ])('is without %s', (name) => expect(stored({ [name]: 'x', A: '1' })).toEqual(['A', '1']))

  it('is without the fields that Connection names', () => {
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
  ])('keeps %s', (name) => expect(stored({ [name]: ['x', 'y'] })).toEqual([name, 'x', name, 'y']))

  it('is without Set-Cookie when cookies are ignored', () => {
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
    ['one of them invalid', ['yesterday', older]],
    ['an obsolete form, which is sent as it is now', [newer, 'Sunday, 06-Nov-94 08:49:37 GMT'], date(784111777000)],
    ['three', [newer, older, newer]],
  ])('the oldest that is valid stays: %s', (_, values, kept = older) => {
    expect(withOneDate(fieldsOf({ Date: values, A: '1' }), NOW)).toEqual(['A', '1', 'Date', kept])
  })

  it('none stays when none is valid', () => {
    expect(withOneDate(fieldsOf({ date: ['x', ''], A: '1' }), NOW)).toEqual(['A', '1'])
  })

  it('fields with one such line, or none, are left alone', () => {
    for (const headers of [{ A: '1' }, { Date: 'x' }]) {
      const fields = fieldsOf(headers)
      expect(withOneDate(fields, NOW)).toBe(fields)
    }
  })
})

describe('the head of a cached answer', () => {
  it('adds one Age, Via and Cache-Status to the stored fields, which stay unchanged', () => {
    const entry = entryWith({}, { A: '1', 'Cache-Status': 'edge; hit', Via: '1.1 x' })
    const before = [...entry.fields]
    const head = cachedHead(entry, { result: 'hit', ttlMs: 42_000 }, NOW + 18_900, rulesWith())
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

  it('leaves out cache control addressed to Herdgate alone', () => {
    const fields = storedFields(
      fieldsOf({ 'Herdgate-Cache-Control': 'max-age=9', 'CDN-Cache-Control': 'max-age=8' }),
      'safe',
    )
    const head = cachedHead(entryWith({ fields }), { result: 'hit' }, NOW, rulesWith())
    const surrogate = cachedHead(
      entryWith({}, { 'Surrogate-Control': 'max-age=9' }),
      { result: 'hit' },
      NOW,
      rulesWith(),
    )
    expect(has(head, 'herdgate-cache-control')).toBe(false)
    expect(has(surrogate, 'surrogate-control')).toBe(false)
    expect(has(head, 'cdn-cache-control')).toBe(true)
    expect(has(fields, 'herdgate-cache-control')).toBe(true)
  })
})

describe('the head of an answer that was not taken from the cache', () => {
  it('has the end-to-end fields that the origin sent, with its Age', () => {
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
    expect(passedHead(200, fieldsOf(headers), { result: 'pass', fwd: 'bypass', detail: 'route' }, rulesWith())).toEqual(
      ['Age', '7', 'A', '1', 'Via', '1.1 herdgate', 'Cache-Status', 'herdgate; fwd=bypass; detail=route'],
    )
  })

  it('has Content-Length behind what else the origin sent, as node:http writes Content-Disposition wrongly after it', () => {
    const fields = fieldsOf({ 'Content-Length': '4', 'Content-Disposition': 'attachment; filename="caf\u00e9"' })
    const names = passedHead(200, fields, { result: 'miss' }, rulesWith()).filter((_, at) => at % 2 === 0)
    expect(names).toEqual(['Content-Disposition', 'Content-Length', 'Via', 'Cache-Status'])
  })

  it('has no Set-Cookie when cookies are ignored', () => {
    const fields = fieldsOf({ 'Set-Cookie': ['a=1', 'b=2'] })
    expect(fieldLines(passedHead(200, fields, { result: 'miss' }, rulesWith()), 'set-cookie')).toEqual(['a=1', 'b=2'])
    expect(has(passedHead(200, fields, { result: 'miss' }, rulesWith({ cookies: 'ignore' })), 'set-cookie')).toBe(false)
  })
})

test.each([
  ['safe', ['Link', '</a.css>', 'Set-Cookie', 'a=1']],
  ['ignore', ['Link', '</a.css>']],
] as const)(
  'an interim response has neither fields for Herdgate alone nor framing fields, with cookies %s',
  (cookies, left) => {
    const ours = { 'Herdgate-Cache-Control': 'no-store', 'Surrogate-Control': 'no-store', 'Surrogate-Key': 'a' }
    const framing = { Connection: 'X-Hop', 'X-Hop': '1', 'Content-Length': '4', Trailer: 'X-Sum' }
    expect(interimHead(fieldsOf({ Link: '</a.css>', ...ours, ...framing, 'Set-Cookie': 'a=1' }), cookies)).toEqual(left)
  },
)
