import { describe, expect, it } from 'vitest'
import type { Route, RouteMatch } from '../../src/model.ts'
import { matchInTurn, matchRoute } from '../../src/policy/route.ts'
import fc from '../support/fast-check.ts'
import { routeWith } from './support.ts'

const matched = (matches: RouteMatch[], url: string, method = 'GET') => {
  const routes = matches.map((match, at) => routeWith({ name: `r${at}`, match }))
  const route = matchRoute(routes, method, url)
  return typeof route === 'string' ? route : route.name
}

describe('matchRoute', () => {
  it('takes the first route that matches', () => {
    expect(matched([{ path: '/b*' }, { path: '/*' }, {}], 'http://a.test/a')).toBe('r1')
  })

  it.each([
    ['a.test', 'http://a.test/', true],
    ['A.test', 'http://a.test/', true],
    ['a.test', 'http://a.test:8080/', true],
    ['a.test:8080', 'http://a.test:8080/', true],
    ['a.test:8080', 'http://a.test/', false],
    ['a.test:8080', 'http://a.test:81/', false],
    ['a.test:80', 'http://a.test/', true],
    ['a.test:80', 'https://a.test/', false],
    ['*.a.test:443', 'https://x.a.test/', true],
    ['a.test:443', 'http://a.test:443/', true],
    ['*.a.test', 'http://x.a.test/', true],
    ['*.a.test', 'http://x.y.a.test:81/', true],
    ['*.a.test', 'http://a.test/', false],
    ['*.a.test', 'http://.a.test/', false],
    ['*.a.test', 'http://xa.test/', false],
    ['[::1]', 'http://[::1]:81/', true],
    ['[::1]', 'http://[::1]/', true],
    ['[::1]:81', 'http://[::1]/', false],
  ])('compares host %s with %s', (host, url, expected) => {
    expect(matched([{ host }], url)).toBe(expected ? 'r0' : 'misdirected')
  })

  it.each([
    ['/a', '/a', true],
    ['/a', '/a?b', true],
    ['/a', '/a/b', false],
    ['/a', '/ab', false],
    ['/a/*', '/a/', true],
    ['/a/*', '/a', false],
    ['/a/*', '/%61/b', false],
    ['*', '/', true],
  ])('compares path %s with %s', (path, target, expected) => {
    expect(matched([{ path }], `http://a.test${target}`)).toBe(expected ? 'r0' : 'unknown_route')
  })

  it('matches HEAD where GET matches', () => {
    expect(matched([{ methods: ['GET'] }], 'http://a.test/', 'HEAD')).toBe('r0')
    expect(matched([{ methods: ['POST'] }], 'http://a.test/', 'HEAD')).toBe('unknown_route')
    expect(matched([{ methods: ['GET'] }], 'http://a.test/', 'get')).toBe('unknown_route')
  })

  it('tells an unknown host from an unknown path', () => {
    const routes = [{ host: 'a.test', path: '/x' }]
    expect(matched(routes, 'http://b.test/x')).toBe('misdirected')
    expect(matched(routes, 'http://a.test/y')).toBe('unknown_route')
    expect(matched([], 'http://a.test/')).toBe('misdirected')
  })

  it('sends OPTIONS * to a route for every path', () => {
    expect(matched([{ path: '/*' }, {}], 'http://a.test*', 'OPTIONS')).toBe('r1')
  })
})

describe('many routes', () => {
  const exact = fc.constantFrom(
    'a.test',
    'A.test',
    'b.a.test',
    'c.b.a.test',
    'test',
    '[::1]',
    'a.test:80',
    'a.test:443',
  )
  const wildcard = fc.constantFrom('*.a.test', '*.B.a.test', '*.test', '*.a.test:80', '*.test:81')
  const host = fc.oneof(exact, wildcard)
  const match = fc.record<RouteMatch>(
    {
      host,
      path: fc.constantFrom('*', '/*', '/a*', '/a', '/b/*'),
      methods: fc.constantFrom(['GET'], ['POST', 'HEAD'], ['QUERY']),
    },
    { requiredKeys: [] },
  )
  const name = fc.constantFrom('a.test', 'b.a.test', 'c.b.a.test', 'xa.test', '.a.test', 'test', 'other', '[::1]')
  const port = fc.constantFrom('', ':80', ':81', ':443')
  const target = fc.constantFrom('/', '/a', '/a?b', '/ab', '/b/c', '*')
  const url = fc
    .tuple(fc.constantFrom('http', 'https'), name, port, target)
    .map(([scheme, named, ported, asked]) => `${scheme}://${named}${ported}${asked}`)
  const method = fc.constantFrom('GET', 'HEAD', 'POST', 'QUERY', 'OPTIONS')
  const matches = fc.array(fc.oneof({ weight: 4, arbitrary: match.filter((of) => of.host !== undefined) }, match), {
    minLength: 17,
    maxLength: 40,
  })

  it('are matched as if each were tried in turn', () => {
    const results = new Set<string>()
    fc.assert(
      fc.property(matches, fc.array(fc.tuple(method, url), { minLength: 20, maxLength: 20 }), (all, requests) => {
        const routes = all.map((one, at) => routeWith({ name: `r${at}`, match: one }))
        for (const [asked, of] of requests) {
          const found = matchRoute(routes, asked, of)
          expect(found).toBe(matchInTurn(routes, asked, of))
          results.add(typeof found === 'string' ? found : 'route')
        }
      }),
      { numRuns: 500 },
    )
    expect([...results].sort()).toEqual(['misdirected', 'route', 'unknown_route'])
  })

  it('for other hosts are not looked at', () => {
    let looks = 0
    const routes = Array.from(
      { length: 1_000 },
      (_, n): Route => ({
        ...routeWith({ name: `r${n}` }),
        get match() {
          looks++
          return { host: n === 500 ? '*.h500.test' : `h${n}.test` }
        },
      }),
    )
    expect(matchRoute(routes, 'GET', 'http://h999.test/')).toBe(routes[999])
    looks = 0
    expect(matchRoute(routes, 'GET', 'http://h998.test/')).toBe(routes[998])
    expect(matchRoute(routes, 'GET', 'http://a.h500.test/')).toBe(routes[500])
    expect(looks).toBe(2)
  })

  it('are matched anew when the list has changed', () => {
    const named = (prefix: string) =>
      Array.from({ length: 100 }, (_, n) => routeWith({ name: `${prefix}${n}`, match: { host: `h${n}.test` } }))
    const routes: Route[] = named('r')
    const found = () => matchRoute(routes, 'GET', 'http://h50.test/')
    expect(found()).toMatchObject({ name: 'r50' })
    routes.splice(0, routes.length, ...named('s').toReversed())
    expect(found()).toMatchObject({ name: 's50' })
    routes[0] = routeWith({ name: 'own', match: {} })
    expect(found()).toMatchObject({ name: 'own' })
    routes.pop()
    expect(matchRoute(routes, 'GET', 'http://h99.test/')).toMatchObject({ name: 'own' })
  })
})
