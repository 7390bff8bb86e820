import { describe, expect, it } from 'vitest'
import type { KeyRules, Route } from '../../src/model.ts'
import { keyOf, namesOf } from '../../src/policy/key.ts'
import fc from '../support/fast-check.ts'
import { requestWith, routeWith, rulesWith } from './support.ts'
import { fieldsOf } from '../support/fields.ts'

const keyFor = (target: string, key: Partial<KeyRules> = {}, headers: Record<string, string | string[]> = {}) => {
  const none = { sortQuery: false, ignoreQuery: [], headers: [], cookies: [] }
  const route = routeWith({ rules: rulesWith({ key: { ...none, ...key } }) })
  return keyOf(route, requestWith(headers, { url: `http://a.test${target}` }))
}

describe('keyOf', () => {
  it('is route and URL without further rules', () => {
    expect(keyFor('/a?b=1')).toEqual({ key: 'r http://a.test/a?b=1', target: '/a?b=1', url: 'http://a.test/a?b=1' })
  })

  it('is the same for GET and HEAD', () => {
    const route = routeWith()
    expect(keyOf(route, requestWith({}, { method: 'HEAD' }))).toEqual(keyOf(route, requestWith()))
  })

  it.each([
    ['/p?utm_a=1', '/p'],
    ['/p?x=1&utm_a=1', '/p?x=1'],
    ['/p?utm_a=1&x=1&utm_b&y', '/p?x=1&y'],
    ['/p?b=2&sid=3&a=1', '/p?b=2&a=1'],
    ['/p?utm_content=1;x=evil', '/p'],
    ['/p?x=1%26utm_a=1', '/p?x=1%26utm_a=1'],
    ['/p?%75tm_a=1', '/p?%75tm_a=1'],
    ['/p?sid=1&side=2', '/p?side=2'],
    ['/p?', '/p?'],
    ['/utm_a', '/utm_a'],
    ['/p?x=a?utm_a=1', '/p?x=a?utm_a=1'],
  ])('removes ignored parameters of %s from key and target: %s', (target, kept) => {
    const made = keyFor(target, { ignoreQuery: ['utm_*', 'sid'] })
    expect(made).toEqual({ key: `r http://a.test${kept}`, target: kept, url: `http://a.test${kept}` })
  })

  it('sorts key and target by parameter name and keeps the order of equal names', () => {
    expect(keyFor('/p?b=1&a=2&b=0&a=1', { sortQuery: true })).toMatchObject({ target: '/p?a=2&a=1&b=1&b=0' })
  })

  it('tells an absent field from an empty one', () => {
    const headers = ['x-tenant']
    const keys = [keyFor('/', { headers }), keyFor('/', { headers }, { 'X-Tenant': '' })]
    expect(keys[0]?.key).not.toBe(keys[1]?.key)
  })

  it.each(['authorization', 'x-api-key'])(
    'has the value of %s only in a form that distinguishes it without revealing it',
    (name) => {
      const key = (value: string) => keyFor('/', { headers: [name] }, { [name]: value }).key
      expect(key('Bearer secret')).toBe(key('Bearer secret'))
      expect(key('Bearer secret')).not.toBe(key('Bearer other'))
      expect(key('Bearer secret')).not.toContain('secret')
    },
  )

  it('includes only the named cookies, and all of that name', () => {
    const cookies = ['currency']
    const key = (cookie: string) => keyFor('/', { cookies }, { Cookie: cookie }).key
    expect(key('a=1; currency=EUR')).toBe(key('currency=EUR; b=2'))
    expect(key('currency=EUR')).not.toBe(key('currency=USD'))
    expect(key('currency=EUR; currency=USD')).not.toBe(key('currency=EUR'))
    expect(key('currency=')).not.toBe(key('a=1'))
  })

  it('trims only space and tab around a cookie', () => {
    const key = (cookie: string) => keyFor('/', { cookies: ['currency'] }, { Cookie: cookie }).key
    expect(key('a=1;  currency=EUR\t')).toBe(key('currency=EUR'))
    expect(key('currency=EUR\xa0')).not.toBe(key('currency=EUR'))
    expect(key('\xa0currency=EUR')).not.toBe(key('currency=EUR'))
  })

  it('includes what only some origins take for a keyed cookie', () => {
    const key = (...cookie: string[]) => keyFor('/', { cookies: ['user_currency'] }, { Cookie: cookie }).key
    const spellings = [
      ['a=1', 'user_currency=USD'], // some read only one of the lines
      ['user_currency=USD', 'a=1'],
      ['user_currency=EUR', 'user_currency=USD'],
      ['User_Currency=USD'],
      ['user.currency=USD'],
      ['user[currency=USD'],
      ['user currency=USD'],
      ['user_currency =USD'],
      ['user_currency= USD'],
      ['user_currency=USD ; a=1'],
      ['user_currency[]=USD'],
      ['user_currency[a]=USD'],
      ['user_currency'],
      ['user%5fcurrency=USD'],
      ['%75%73er_currency =USD'],
      ['user_currency%5B%5D=USD'],
      ['User%5Fcurrency%5Ba]=USD'],
      ['+user_currency=USD'],
      ['user%u005Fcurrency=USD'],
      ['user_currency%00x=USD'],
    ].map((lines) => key(...lines))
    const plain = [
      'a=1',
      'user_currency=',
      'user_currency=EUR',
      'user_currency=USD',
      'user_currency=EUR; user_currency=USD',
    ].map((line) => key(line))
    expect(new Set([...spellings, ...plain])).toHaveLength(spellings.length + plain.length)
    expect(key('user_currency; a=1')).toBe(key('user_currency'))
    expect(key('user_currencies=USD; _user_currency=USD')).toBe(key())
    expect(key('user%5currency=USD; user%255fcurrency=USD; %75=USD')).toBe(key())
  })

  it('has the target * for OPTIONS *', () => {
    expect(keyOf(routeWith(), requestWith({}, { url: 'http://a.test*' })).target).toBe('*')
  })

  it('is never the same for different tuples', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', '2', ':', '\n', '-', 'h', ' '), maxLength: 6 })
    const tuple = fc.record({
      name: fc.constantFrom('r', 'r1'),
      path: fc.string({ unit: fc.constantFrom('a', 'h', '1', ':', '/'), maxLength: 4 }),
      one: fc.option(text, { nil: undefined }),
      other: fc.option(text, { nil: undefined }),
    })
    const rules = rulesWith({ key: { sortQuery: false, ignoreQuery: [], headers: ['h1', 'h2'], cookies: [] } })
    const key = ({
      name,
      path,
      one,
      other,
    }: {
      name: string
      path: string
      one: string | undefined
      other: string | undefined
    }) =>
      keyOf(routeWith({ name, rules }), {
        ...requestWith({}, { url: `http://a.test/${path}` }),
        fields: fieldsOf({ h1: one, h2: other }),
      }).key
    fc.assert(
      fc.property(tuple, tuple, (left, right) => {
        const same = JSON.stringify(Object.values(left)) === JSON.stringify(Object.values(right))
        const sameUndefined = left.one === right.one && left.other === right.other
        expect(key(left) === key(right)).toBe(same && sameUndefined)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the names of a URL in the log', () => {
  it.each(['GET', 'HEAD', 'QUERY'])('include the one to which a route for %s alone rewrites it', (method) => {
    const key: KeyRules = { sortQuery: true, ignoreQuery: [], headers: [], cookies: [] }
    const own = routeWith({ name: 'own', match: { methods: [method] }, rules: rulesWith({ key }) })
    expect(namesOf([own, routeWith()], 'http://a.test/p?b=1&a=2')).toEqual(['a.test/p?b=1&a=2', 'a.test/p?a=2&b=1'])
  })

  it('include the one of the route that matches it under the other scheme', () => {
    const key: KeyRules = { sortQuery: true, ignoreQuery: [], headers: [], cookies: [] }
    const own = routeWith({ name: 'own', match: { host: 'a.test:443' }, rules: rulesWith({ key }) })
    expect(namesOf([own, routeWith()], 'http://a.test/p?b=1&a=2')).toEqual(['a.test/p?b=1&a=2', 'a.test/p?a=2&b=1'])
  })

  it('are just one when no route rewrites it, and then no route is matched', () => {
    const unmatched = (changes: Partial<Route> = {}): Route => ({
      ...routeWith(changes),
      get match(): never {
        throw new Error('not to be matched')
      },
    })
    expect(namesOf([unmatched()], 'http://a.test/p?b=1&a=2')).toEqual(['a.test/p?b=1&a=2'])
    const key: KeyRules = { sortQuery: true, ignoreQuery: [], headers: [], cookies: [] }
    expect(namesOf([unmatched({ rules: rulesWith({ key }) })], 'http://a.test/p')).toEqual(['a.test/p'])
  })
})
