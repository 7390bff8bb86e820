import { describe, expect, it } from 'vitest'
import { HOP_BY_HOP } from '../../src/fields.ts'
import { endToEndTrailers, passedTrailers } from '../../src/policy/trailers.ts'

describe('passedTrailers', () => {
  it('combines the lines of one name', () => {
    expect({ ...passedTrailers(['X-Sum', '9', 'x-sum', '10', 'ETag', '"1"']) }).toEqual({
      'x-sum': '9, 10',
      etag: '"1"',
    })
  })

  it('leaves out tags, as in the head, and framing fields', () => {
    const tags = ['Surrogate-Key', 'a', 'cache-tag', 'b', 'XKey', 'c']
    expect({ ...passedTrailers([...tags, 'Content-Length', '1', 'Trailer', 'X']) }).toEqual({})
  })

  it.each([
    ['for one connection', [...HOP_BY_HOP]],
    [
      'for one client',
      ['Set-Cookie', 'Set-Cookie2', 'Cookie', 'Authorization', 'WWW-Authenticate', 'Authentication-Info'],
    ],
    [
      'for caches',
      ['Cache-Control', 'CDN-Cache-Control', 'X-Cdn-Cache-Control', 'Surrogate-Control', 'Age', 'Expires', 'Vary'],
    ],
    ['for caches and proxies to add', ['Cache-Status', 'Date', 'Pragma', 'Via', 'Warning']],
    [
      'to be acted on before the content',
      ['Host', 'Location', 'Refresh', 'Retry-After', 'Content-Type', 'Content-Range'],
    ],
  ])('leaves out what is %s', (_what, names) => {
    expect({ ...passedTrailers(names.flatMap((name) => [name, 'evil'])) }).toEqual({})
  })

  it('keeps fields that are known only after the content', () => {
    const names = ['content-digest', 'etag', 'grpc-status', 'server-timing', 'x-any']
    expect(Object.keys(passedTrailers(names.flatMap((name) => [name, '1'])))).toEqual(names)
  })

  it('keeps names that every object has as properties', () => {
    expect(Object.keys(passedTrailers(['__proto__', 'a', 'constructor', 'b']))).toEqual(['__proto__', 'constructor'])
  })
})

describe('endToEndTrailers', () => {
  it('are those that the Connection of the head does not name', () => {
    const head = ['Connection', 'close, X-Hop']
    expect(endToEndTrailers(['X-Sum', '9', 'x-hop', 'a', 'Keep-Alive', '1'], head)).toEqual(['X-Sum', '9'])
    expect(endToEndTrailers([], head)).toEqual([])
  })
})
