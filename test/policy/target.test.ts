import { describe, expect, it } from 'vitest'
import { nameOf, parseTarget, splitUrl, type TargetHead } from '../../src/policy/target.ts'
import fc from '../support/fast-check.ts'

const parse = (changes: Partial<TargetHead>) =>
  parseTarget({ method: 'GET', target: '/', hosts: ['a.test'], scheme: 'http', ...changes })

const urlOf = (changes: Partial<TargetHead>) => {
  const target = parse(changes)
  return target.ok ? target.url : target.code
}

describe('the path and the query', () => {
  it.each(['/a//b', '/a/./b', '/a/../b', '/a/%2e%2e/b', '/a%2fb', '/A', '/a?', '/%61', '//evil/x', '/a|b;c?x=1&x=%20'])(
    'of %s stay as they are',
    (target) => expect(urlOf({ target })).toBe(`http://a.test${target}`),
  )

  it.each(['/a#f', '/a b', '/a\tb', '/a\x00', '/a\x7f', '/ä', '/a\x0bz', '', 'evil:80', '@evil/x', 'x', '*', '?a'])(
    'of %j are refused',
    (target) => expect(urlOf({ target })).toBe('malformed_request'),
  )
})

describe('Host', () => {
  it.each([
    ['A.TEST', 'a.test'],
    ['a.test:80', 'a.test'],
    ['a.test:0080', 'a.test'],
    ['a.test:', 'a.test'],
    ['a.test.', 'a.test'],
    ['a.test.:8080', 'a.test:8080'],
    ['a.test:443', 'a.test:443'],
    ['127.0.0.1:8080', '127.0.0.1:8080'],
    ['[::1]', '[::1]'],
    ['[2001:DB8::1]:81', '[2001:db8::1]:81'],
    ['my_service', 'my_service'],
  ])('%s becomes %s', (host, authority) => expect(urlOf({ hosts: [host] })).toBe(`http://${authority}/`))

  it('loses the default port of its scheme only', () => {
    expect(urlOf({ hosts: ['a.test:443'], scheme: 'https' })).toBe('https://a.test/')
    expect(urlOf({ hosts: ['a.test:80'], scheme: 'https' })).toBe('https://a.test:80/')
  })

  it.each([
    '',
    ' ',
    'a, b',
    'a.test/x',
    'u@a.test',
    'a.test:99999',
    'a.test:0',
    'a.test:80x',
    'a.test:-1',
    '[::1',
    '[::1]x',
    '[1]',
    '::1',
    'a.test..',
    '.a.test',
    'a..test',
    'a.test\0.evil',
    'a*',
    'ä.test',
    'a.test?x',
    'a'.repeat(256),
  ])('%j is refused', (host) => expect(urlOf({ hosts: [host] })).toBe('malformed_request'))

  it('is refused when it is missing or there are two', () => {
    expect(urlOf({ hosts: [] })).toBe('malformed_request')
    expect(urlOf({ hosts: ['a.test', 'a.test'] })).toBe('malformed_request')
  })
})

describe('the absolute form', () => {
  it.each([
    ['http://a.test/b?c', 'http://a.test/b?c'],
    ['HTTP://A.test:80/b', 'http://a.test/b'],
    ['http://a.test', 'http://a.test/'],
    ['http://a.test?c', 'http://a.test/?c'],
  ])('%s is %s', (target, url) => expect(urlOf({ target })).toBe(url))

  it.each([
    'http://b.test/x',
    'http://169.254.169.254/latest',
    'https://a.test/',
    'http://u@a.test/',
    'http:///x',
    'ftp://a.test/',
    'http:/a.test/',
  ])('%s is refused for Host a.test on http', (target) => expect(urlOf({ target })).toBe('malformed_request'))

  it('needs a Host as well', () => expect(urlOf({ target: 'http://a.test/', hosts: [] })).toBe('malformed_request'))
})

describe('other forms', () => {
  it('refuse CONNECT', () => {
    expect(urlOf({ method: 'CONNECT', target: 'a.test:443' })).toBe('method_not_allowed')
  })

  it('give OPTIONS * its own URL', () => {
    expect(urlOf({ method: 'OPTIONS', target: '*' })).toBe('http://a.test*')
    expect(urlOf({ method: 'OPTIONS', target: '/*' })).toBe('http://a.test/*')
    expect(urlOf({ method: 'OPTIONS', target: 'http://A.test:80' })).toBe('http://a.test*')
    expect(urlOf({ method: 'OPTIONS', target: 'http://a.test/' })).toBe('http://a.test/')
    expect(urlOf({ method: 'OPTIONS', target: 'http://a.test?' })).toBe('http://a.test/?')
    expect(urlOf({ method: 'GET', target: 'http://a.test' })).toBe('http://a.test/')
  })
})

describe('a URL', () => {
  it('is split into scheme, authority and target', () => {
    expect(splitUrl('https://a.test:81/b?c=http://d/e')).toEqual({
      scheme: 'https',
      authority: 'a.test:81',
      target: '/b?c=http://d/e',
    })
    expect(splitUrl('http://[::1]:81//x')).toEqual({ scheme: 'http', authority: '[::1]:81', target: '//x' })
    expect(splitUrl('http://a.test*')).toEqual({ scheme: 'http', authority: 'a.test', target: '*' })
  })

  it('has one name for both schemes', () => {
    expect(nameOf('http://a.test/b?c')).toBe('a.test/b?c')
    expect(nameOf('https://a.test/b?c')).toBe('a.test/b?c')
  })

  it('keeps the authority and the target of whatever is accepted', () => {
    const piece = fc.constantFrom('/', '?', '#', '%2e', '..', 'a', ':', '@', '*', ' ', 'http://', 'a.test', '\\', 'é')
    const target = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(target, fc.constantFrom('GET', 'OPTIONS'), (target, method) => {
        const parsed = parse({ target, method })
        if (!parsed.ok) return
        const parts = splitUrl(parsed.url)
        expect(parts.authority).toBe('a.test')
        expect(`${parts.scheme}://${parts.authority}${parts.target}`).toBe(parsed.url)
        expect(target.endsWith(parts.target) || parts.target.endsWith(target.slice('http://a.test'.length))).toBe(true)
      }),
    )
  })
})
