import { describe, expect, it } from 'vitest'
import { invalidatedBy } from '../../src/policy/invalidates.ts'
import { requestWith } from './support.ts'
import { fieldsOf } from '../support/fields.ts'

const invalidated = (headers: Record<string, string | string[]>, { status = 200, url = 'http://a.test/b/c?d' } = {}) =>
  invalidatedBy(requestWith({}, { method: 'POST', url }), { status, fields: fieldsOf(headers) })

const urls = (...input: Parameters<typeof invalidated>) => invalidated(...input).urls.slice(1)

describe('invalidatedBy', () => {
  it.each([200, 201, 204, 299, 302, 303, 399])('names the target for status %i', (status) => {
    expect(invalidated({}, { status })).toEqual({ urls: ['a.test/b/c?d'], tags: [] })
  })

  it.each([100, 400, 404, 500, 503])('names nothing for status %i', (status) => {
    const headers = { Location: '/x', 'Cache-Group-Invalidation': '"g"' }
    expect(invalidated(headers, { status })).toEqual({ urls: [], tags: [] })
  })

  it.each(['Location', 'content-location'])('names what %s refers to', (name) => {
    expect(urls({ [name]: '/x?y#z' })).toEqual(['a.test/x?y'])
    expect(urls({ [name]: 'x' })).toEqual(['a.test/b/x'])
    expect(urls({ [name]: '?x' })).toEqual(['a.test/b/c?x'])
    expect(urls({ [name]: 'http://a.test/x' })).toEqual(['a.test/x'])
    expect(urls({ [name]: 'HTTP://A.test:80/x' })).toEqual(['a.test/x'])
    expect(urls({ [name]: '//a.test/x' })).toEqual(['a.test/x'])
    expect(urls({ [name]: '' })).toEqual([])
  })

  it('names a URL both as it is spelled and as clients request it', () => {
    expect(urls({ Location: '/a/../x' })).toEqual(['a.test/x', 'a.test/a/../x'])
    expect(urls({ Location: 'http://a.test/a|{b}' })).toContain('a.test/a|{b}')
  })

  it.each(['http://b.test/x', 'https://a.test/x', 'http://a.test:81/x', '//b.test/x', 'mailto:a@a.test', 'http://['])(
    'does not follow %s to another origin',
    (reference) => expect(urls({ Location: reference })).toEqual([]),
  )

  it('keeps the port of the origin', () => {
    expect(urls({ Location: '/x' }, { url: 'http://a.test:81/b' })).toEqual(['a.test:81/x'])
    expect(urls({ Location: 'http://a.test:81/x' }, { url: 'http://a.test:81/b' })).toEqual(['a.test:81/x'])
  })

  it('names cache groups if they are a list of strings', () => {
    const { tags } = invalidated({ 'Cache-Group-Invalidation': ['"a";x', '"b c"'] })
    expect(tags.map((tag) => tag.split('\n'))).toEqual([
      ['http://a.test', 'a'],
      ['http://a.test', 'b c'],
    ])
    expect(invalidated({ 'Cache-Group-Invalidation': 'a, b' }).tags).toEqual([])
  })
})
