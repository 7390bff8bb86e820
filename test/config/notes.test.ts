import { describe, expect, test } from 'vitest'
import { notes, ONE, ORIGIN, TWO, valid } from './given.ts'

describe('notes', () => {
  test('warn of what is never used or has no effect', () => {
    const text = `${TWO}listen: { trustProxy: [0.0.0.0/0, loopback] }
routes:
  - { name: all, origin: a }
  - { name: late, origin: a, match: { path: /x } }
store: { memory: { maxBytes: 1MiB, maxObjectBytes: 2MiB } }
`
    expect(notes({ text })).toEqual([
      expect.stringContaining('0.0.0.0/0'),
      expect.stringContaining('route late is never reached'),
      expect.stringContaining('origin b is used by no route'),
      expect.stringContaining('maxObjectBytes'),
    ])
    expect(valid({ text }).store.memory).toEqual({ maxBytes: 1_048_576, maxObjectBytes: 1_048_576, admission: 'on' })
    expect(valid({ text }).listen.trustProxy).toEqual(['0.0.0.0/0', '127.0.0.0/8', '::1/128'])
  })

  test('warn of tiny stores, whose sizes may lack a unit', () => {
    expect(notes({ flags: { ...ORIGIN, memory: '256', disk: './cache', diskSize: '10' } })).toEqual([
      'store.memory.maxBytes is 256 bytes: next to nothing fits in; a size without a unit is in bytes',
      'store.disk.maxBytes is 10 bytes: next to nothing fits in; a size without a unit is in bytes',
    ])
  })

  test('warn of settings for a store that is not configured', () => {
    expect(notes({ flags: { ...ORIGIN, diskSize: '1GiB' }, env: { HERDGATE_REDIS_PREFIX: 'shop' } })).toEqual([
      '--disk-size has no effect without --disk',
      'HERDGATE_REDIS_PREFIX has no effect without --redis',
    ])
  })

  const inRoutes = (...matches: string[]) => {
    const routes = matches.map((match, at) => `  - { name: r${at}, origin: api, match: ${match} }\n`)
    return notes({ text: `${ONE}routes:\n${routes.join('')}` })
  }
  const isHidden = ['route r1 is never reached: route r0 before it matches all its requests']

  test.each([
    ['{ path: /a/* }', '{ path: /a/* }'],
    ['{ path: /a* }', '{ path: /a/b }'],
    ['{ path: /a }', '{ path: /a, methods: [POST] }'],
    ['{ host: Shop.example }', '{ host: shop.example, path: /a }'],
    ['{ host: "*.example" }', '{ host: a.shop.example }'],
    ['{ methods: [GET, POST] }', '{ methods: [HEAD, GET] }'],
    ['{}', '{ host: shop.example }'],
  ])('warn of a route that can never match because of an earlier one: %s, %s', (first, second) => {
    expect(inRoutes(first, second)).toEqual(isHidden)
  })

  test.each([
    ['{ path: /a/b }', '{ path: /a/* }'],
    ['{ path: /a/* }', '{ path: /a }'],
    ['{ path: /a* }', '{ host: shop.example, path: /b }'],
    ['{ host: "*.example" }', '{ host: example }'],
    ['{ host: "shop.example:8080" }', '{ host: shop.example }'],
    ['{ methods: [HEAD] }', '{ methods: [GET] }'],
    ['{ methods: [GET] }', '{ path: /a }'],
  ])('do not warn if some requests reach the second route: %s, %s', (first, second) => {
    expect(inRoutes(first, second)).toEqual([])
  })

  test('do not compare with routes after the first thousand reachable ones, except a catch-all', () => {
    const matches = Array.from({ length: 1_001 }, (_, at) => `{ path: /${at} }`)
    expect(inRoutes(...matches, '{ path: /1 }')).toEqual([])
    const behindAll = inRoutes(...matches, '{ path: /* }', '{ path: /2000 }', '{ path: /2001 }')
    expect(behindAll).toEqual([
      'route r1002 is never reached: route r1001 before it matches all its requests',
      'route r1003 is never reached: route r1001 before it matches all its requests',
    ])
  })

  test('are absent if nothing is odd', () => {
    expect(notes({ text: ONE })).toEqual([])
    expect(notes({ flags: { ...ORIGIN, memory: '1MiB' } })).toEqual([])
  })
})
