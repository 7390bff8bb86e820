import { describe, expect, it } from 'vitest'
import type { RouteMatch } from '../../src/model.ts'
import { matchRoute } from '../../src/policy/route.ts'
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

  it('lets HEAD go where GET may', () => {
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
