import { describe, expect, test } from 'vitest'
import { faultLines, faults, type Given, ONE, ORIGIN, TWO, valid } from './given.ts'

describe('origins and routes', () => {
  const names = (given: Given) => valid(given).routes.map(({ name, origin }) => `${name} -> ${origin}`)
  const route = (name: string, origin = 'api', match = '{ path: /x }') =>
    `  - { name: ${name}, origin: ${origin}, match: ${match} }\n`

  test('with one origin a catch-all comes last', () => {
    expect(names({ text: ONE })).toEqual(['default -> api'])
    expect(names({ text: `${ONE}routes:\n${route('x')}` })).toEqual(['x -> api', 'default -> api'])
  })

  test('no catch-all is implied after a configured one', () => {
    expect(names({ text: `${ONE}routes:\n${route('all', 'api', '{}')}` })).toEqual(['all -> api'])
    expect(names({ text: `${ONE}routes:\n${route('all', 'api', '{ path: /* }')}` })).toEqual(['all -> api'])
  })

  test('hosts and paths are normalised like those of requests', () => {
    const match = '{ host: "Shop.Example.:8080", path: "/café/ü*" }'
    const { routes } = valid({ text: `${ONE}routes:\n${route('x', 'api', match)}` })
    expect(routes[0]?.match).toEqual({ host: 'shop.example:8080', path: '/caf%C3%A9/%C3%BC*' })
  })

  test('the implied route gets a free name', () => {
    const text = `${ONE}routes:\n${route('default')}${route('default-2')}`
    expect(names({ text })).toEqual(['default -> api', 'default-2 -> api', 'default-3 -> api'])
  })

  test('with several origins no catch-all is implied', () => {
    expect(names({ text: `${TWO}routes:\n${route('x', 'a')}${route('y', 'b')}` })).toEqual(['x -> a', 'y -> b'])
  })

  test('several origins without routes are a fault', () => {
    expect(faultLines({ text: TWO })).toEqual([
      'herdgate.yaml:2:1 routes: required: expected at least one route, as there are 2 origins (a, b)',
    ])
  })

  test('several --origin are one pool named default, used when the file has no routes', () => {
    const config = valid({ text: ONE, flags: { origin: ['http://x', 'http://y', 'http://x'] } })
    expect(config.origins.map(({ name, urls }) => [name, urls])).toEqual([
      ['api', ['http://a.example']],
      ['default', ['http://x', 'http://y']],
    ])
    expect(config.routes).toMatchObject([{ name: 'default', origin: 'default' }])
  })

  test('--origin replaces the URLs of the pool default and keeps its other settings', () => {
    const text = 'version: 1\norigins: { default: { urls: ["http://a"], bodyTimeout: 9s } }\n'
    expect(valid({ text, flags: ORIGIN }).origins).toMatchObject([
      { name: 'default', urls: ['http://origin.example'], bodyTimeout: 9_000 },
    ])
  })

  test.each([
    'http://unix:/run/api.sock',
    'http://a.example:',
    'http://a.example:/x',
    'http://a.example:0',
    'http://[::1]:00/',
    'http:///a.example:0',
    'http:///a.example',
  ])('a URL without a host, or with a colon and no port to connect to, is a fault: %s', (url) => {
    expect(faultLines({ flags: { origin: [url] } })).toEqual([
      expect.stringMatching(/^--origin origin\[0\]: expected an http/),
    ])
  })

  test('a Unix socket is not taken for a host', () => {
    expect(faultLines({ flags: { origin: ['unix:/run/api.sock'] } })).toEqual([
      expect.not.stringContaining('did you mean'),
    ])
    expect(valid({ flags: { origin: ['http://unix/x', 'http://[::]/'] } }).origins[0]?.urls).toHaveLength(2)
  })

  test('HERDGATE_ORIGIN is a list with commas', () => {
    const env = { HERDGATE_ORIGIN: 'http://x, http://y,' }
    expect(valid({ env }).origins[0]?.urls).toEqual(['http://x', 'http://y'])
    expect(faultLines({ env: { HERDGATE_ORIGIN: ' , ' } })).toEqual([
      'HERDGATE_ORIGIN origin: expected at least one URL',
    ])
  })

  test('no origin at all is a fault', () => {
    expect(faults({})).toMatchObject([{ where: '--origin', message: expect.stringContaining('no origin') }])
    expect(faults({ text: 'version: 1' })).toMatchObject([{ where: '--origin' }])
  })

  test('routes must name existing origins, and must have unique names', () => {
    const text = `${ONE}routes:\n${route('x', 'apu')}${route('x')}`
    expect(faultLines({ text })).toEqual([
      'herdgate.yaml:4:24 routes[0].origin: expected the name of an origin (api), got "apu"; did you mean api?',
      'herdgate.yaml:5:13 routes[1].name: expected a name no other route has, got "x" again',
    ])
  })

  test('a fault stays short, and only the first of many get suggestions, however many routes and origins there are', () => {
    const origins = Array.from({ length: 1_000 }, (_, n) => `  origin-${n}: { urls: ["http://a.example"] }\n`)
    const routes = Array.from({ length: 1_000 }, (_, n) => route(`r-${n}`, `xorigin-${n}`))
    const all = faults({ text: `version: 1\norigins:\n${origins.join('')}routes:\n${routes.join('')}` })
    expect(all.map(({ key }) => key)).toEqual(routes.map((_, n) => `routes[${n}].origin`))
    const some = Array.from({ length: 10 }, (_, n) => `origin-${n}`).join(', ')
    const phrase = `expected the name of an origin (${some} and 990 more)`
    expect(all[0]?.message).toBe(`${phrase}, got "xorigin-0"; did you mean origin-0?`)
    expect(all[999]?.message).toBe(`${phrase}, got "xorigin-999"`)
  })

  test('every route with the same wrong name gets the suggestion', () => {
    const origins = Array.from({ length: 1_000 }, (_, n) => `  origin-${n}: { urls: ["http://a.example"] }\n`)
    const routes = Array.from({ length: 100 }, (_, n) => route(`r-${n}`, 'xorigin-7'))
    const all = faults({ text: `version: 1\norigins:\n${origins.join('')}routes:\n${routes.join('')}` })
    expect(all.filter(({ message }) => message.endsWith('did you mean origin-7?'))).toHaveLength(100)
  })

  test('routes may name the pool that --origin creates', () => {
    const text = `${ONE}routes:\n${route('x', 'default')}`
    expect(valid({ text, flags: ORIGIN }).routes.map(({ origin }) => origin)).toEqual(['default'])
    expect(faults({ text })).toHaveLength(1)
  })
})
