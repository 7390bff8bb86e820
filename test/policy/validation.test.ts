import { describe, expect, it } from 'vitest'
import { field, fieldLines } from '../../src/fields.ts'
import { conditionsFor, confirms, fieldsToJudge, mergeFields, precondition } from '../../src/policy/validation.ts'
import { date, entryWith, NOW, requestWith } from './support.ts'
import { fieldsOf } from '../support/fields.ts'

type Headers = Record<string, string | string[]>

const LM = date(NOW - 1000_000)

const conditions = (headers: Headers, status = 200) => conditionsFor(entryWith({ status }, headers))

const merged = (stored: Headers, update: Headers) => mergeFields(fieldsOf(stored), fieldsOf(update))

const evaluated = (asked: Headers, answered: Headers, status = 200, method = 'GET') =>
  precondition(requestWith(asked, { method }), status, fieldsOf(answered))

const since = (value: string, answered: Headers) => evaluated({ 'If-Modified-Since': value }, answered)

describe('conditionsFor', () => {
  it('sends every validator, as received', () => {
    expect(conditions({ ETag: 'W/"a"', 'Last-Modified': LM })).toEqual([
      'If-None-Match',
      'W/"a"',
      'If-Modified-Since',
      LM,
    ])
    expect(conditions({ ETag: '"a,b"' })).toEqual(['If-None-Match', '"a,b"'])
    expect(conditions({ ETag: 'unquoted' })).toEqual(['If-None-Match', 'unquoted'])
    expect(conditions({})).toEqual([])
  })

  it.each(['*', '"a", "b"', '', 'a,b', '"a'])('does not send ETag: %s, which would ask something else', (etag) => {
    expect(conditions({ ETag: etag })).toEqual([])
  })

  it('does not send a malformed date', () => expect(conditions({ 'Last-Modified': 'x' })).toEqual([]))

  it('revalidates only 2xx responses', () => {
    expect(conditions({ ETag: '"a"' }, 404)).toEqual([])
    expect(conditions({ ETag: '"a"' }, 301)).toEqual([])
    expect(conditions({ ETag: '"a"' }, 203)).toHaveLength(2)
  })
})

describe('confirms', () => {
  const confirmed = (stored: Headers, update: Headers, status = 304) =>
    confirms(entryWith({}, stored), { status, fields: fieldsOf(update) })

  it.each<[Headers, Headers, boolean]>([
    [{ ETag: '"a"' }, { ETag: '"a"' }, true],
    [{ ETag: '"a"' }, { ETag: '"b"' }, false],
    [{ ETag: 'W/"a"' }, { ETag: 'W/"a"' }, true],
    [{ ETag: '"a"' }, { ETag: 'W/"a"' }, true],
    [{ ETag: 'W/"a"' }, { ETag: '"a"' }, true], // as nginx sends for what it compresses
    [{ ETag: 'W/"a"' }, { ETag: '"b"' }, false],
    [{ 'Last-Modified': LM }, { ETag: '"a"', 'Last-Modified': LM }, false],
    [{ ETag: '"a"', 'Last-Modified': LM }, { ETag: '"a"', 'Last-Modified': date(NOW) }, true],
    [{ ETag: '"a"', 'Last-Modified': LM }, { 'Last-Modified': LM }, true],
    [{ 'Last-Modified': LM }, { 'Last-Modified': date(NOW) }, false],
    [{ ETag: '"a"' }, { 'Last-Modified': LM }, false],
    [{ 'Last-Modified': LM }, {}, true],
    [{ ETag: '"a"' }, {}, true],
  ])('for %j, a 304 with %j: %s', (stored, update, expected) => expect(confirmed(stored, update)).toBe(expected))

  it('accepts only a 304', () => expect(confirmed({ ETag: '"a"' }, { ETag: '"a"' }, 200)).toBe(false))
})

describe('mergeFields', () => {
  it('replaces every line of a field that the 304 has and keeps the others', () => {
    const fields = merged(
      { A: ['1', '2'], B: '3', 'Cache-Control': 'max-age=1' },
      { a: '4', 'Cache-Control': 'public' },
    )
    expect(fieldLines(fields, 'a')).toEqual(['4'])
    expect(field(fields, 'b')).toBe('3')
    expect(fieldLines(fields, 'cache-control')).toEqual(['public'])
  })

  it.each(['Content-Type', 'Content-Location', 'Expires', 'Set-Cookie', 'Last-Modified', 'Age'])(
    'replaces %s',
    (name) => expect(fieldLines(merged({ [name]: 'old' }, { [name]: 'new' }), name.toLowerCase())).toEqual(['new']),
  )

  it.each([
    'Content-Length',
    'Content-Encoding',
    'Content-Range',
    'Content-MD5',
    'Content-Digest',
    'Repr-Digest',
    'Digest',
    'ETag',
  ])('keeps %s, which describes the stored content', (name) => {
    expect(fieldLines(merged({ [name]: 'old' }, { [name]: 'new' }), name.toLowerCase())).toEqual(['old'])
    expect(merged({}, { [name]: 'new' })).toEqual([])
  })

  it.each([
    ['Origin, Accept-Encoding', 'origin', 'Accept-Encoding, origin'],
    ['Origin', 'origin, Accept', 'origin, Accept'],
    ['A', 'B', 'A, B'],
  ])('adds to "Vary: %s" that of the 304, %s', (stored, update, both) => {
    const once = merged({ Vary: stored }, { Vary: update })
    expect(field(once, 'vary')).toBe(both)
    expect(mergeFields(once, fieldsOf({ Vary: update }))).toEqual(once)
  })

  it('takes no hop-by-hop fields', () => {
    const update = { Connection: 'close, X-Hop', 'X-Hop': 'new', 'Keep-Alive': 'x', B: '2' }
    expect(merged({ 'X-Hop': 'old' }, update)).toEqual(['X-Hop', 'old', 'B', '2'])
  })

  it('counts hop-by-hop fields when the response is judged', () => {
    const update = fieldsOf({ Connection: 'Vary', Vary: 'Cookie' })
    expect(field(fieldsToJudge([], update), 'vary')).toBe('Cookie')
    expect(field(mergeFields([], update), 'vary')).toBeUndefined()
  })

  it('drops the old Date when the 304 has none', () => {
    expect(merged({ Date: date(NOW - 9000), A: '1' }, {})).toEqual(['A', '1'])
    expect(merged({ Date: date(NOW - 9000) }, { Date: date(NOW) })).toEqual(['Date', date(NOW)])
  })
})

describe('precondition', () => {
  it('sends the response without a condition to evaluate', () =>
    expect(evaluated({ 'If-Match': '"x"' }, { ETag: '"a"' })).toBe('send'))

  it.each([
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"a"', 'W/"a"', true],
    ['"x", "a", "y"', '"a"', true],
    ['"x","y"', '"a"', false],
    ['"x, a"', '"a"', false],
    ['"x,y"', '"x,y"', true],
    ['"A"', '"a"', false],
    ['*', '"a"', true],
    [' * ', '"a"', true],
    ['"*"', '"a"', false],
    ['a', '"a"', true],
    ['""', '""', true],
  ])('evaluates If-None-Match: %s against %s', (tags, etag, same) => {
    expect(evaluated({ 'If-None-Match': tags }, { ETag: etag })).toBe(same ? 'not-modified' : 'send')
  })

  it('evaluates every line of If-None-Match', () => {
    expect(evaluated({ 'If-None-Match': ['"x"', '"a"'] }, { ETag: '"a"' })).toBe('not-modified')
  })

  it('matches a response without an entity-tag only by *', () => {
    expect(evaluated({ 'If-None-Match': '"a"' }, {})).toBe('send')
    expect(evaluated({ 'If-None-Match': '*' }, {})).toBe('not-modified')
  })

  it('evaluates If-Modified-Since only without If-None-Match', () => {
    const asked = { 'If-None-Match': '"x"', 'If-Modified-Since': date(NOW) }
    expect(evaluated(asked, { ETag: '"a"', 'Last-Modified': LM })).toBe('send')
  })

  it('compares If-Modified-Since with Last-Modified, else with Date', () => {
    expect(since(LM, { 'Last-Modified': LM })).toBe('not-modified')
    expect(since(date(NOW), { 'Last-Modified': LM })).toBe('not-modified')
    expect(since(date(NOW - 2000_000), { 'Last-Modified': LM })).toBe('send')
    expect(since(date(NOW), { Date: date(NOW) })).toBe('not-modified')
    expect(since(LM, { Date: date(NOW) })).toBe('send')
    expect(since(date(NOW), {})).toBe('send')
    expect(since('x', { 'Last-Modified': LM })).toBe('send')
    expect(since('Wednesday, 18-Nov-26 12:00:00 GMT', { 'Last-Modified': LM })).toBe('not-modified')
  })

  it.each([201, 204, 304, 404, 500])('does not apply to a response of status %i', (status) => {
    expect(evaluated({ 'If-None-Match': '*' }, { ETag: '"a"' }, status)).toBe('send')
  })

  it('applies to a part as to the whole', () => {
    expect(evaluated({ 'If-None-Match': '"a"', Range: 'bytes=0-1' }, { ETag: '"a"' }, 206)).toBe('not-modified')
  })

  it('applies to GET and HEAD only', () => {
    expect(evaluated({ 'If-None-Match': '"a"' }, { ETag: '"a"' }, 200, 'HEAD')).toBe('not-modified')
    expect(evaluated({ 'If-None-Match': '"a"' }, { ETag: '"a"' }, 200, 'POST')).toBe('send')
  })
})
