import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { faultLines, faults, ONE, ORIGIN, valid } from './given.ts'

describe('faults', () => {
  test('are all reported together, from every source, each with its position', () => {
    const text = `version: 2
listn: {}
admin: { host: 0.0.0.0, tokn: x }
origins:
  a: { urls: [localhost:3000], bodyTimeout: 0s }
routes:
  - name: x
    origin: a
    ttl: 60
    key: { query: { srot: true } }
`
    const flags = { softTimeout: 'soon' }
    const env = { HERDGATE_TLL: '1s', HERDGATE_MEMORY: '256MB' }
    expect(faultLines({ text, flags, env })).toEqual([
      '--soft-timeout softTimeout: expected a duration such as 300ms or 0s, at most 24d, got "soon"',
      'HERDGATE_TLL : unknown environment variable; did you mean HERDGATE_TTL?',
      'HERDGATE_MEMORY memory: expected a size such as 512KiB or 256MiB, or a number of bytes, got "256MB"; did you mean 256MiB?',
      'herdgate.yaml:1:10 version: expected 1, the version of this format, got 2',
      'herdgate.yaml:3:25 admin.tokn: unknown key; did you mean token?',
      'herdgate.yaml:5:15 origins.a.urls[0]: expected an http:// or https:// URL without user, query or fragment, got "localhost:3000"; did you mean http://localhost:3000?',
      'herdgate.yaml:5:45 origins.a.bodyTimeout: expected a duration such as 2s or 500ms, from 1ms to 24d, got "0s"',
      'herdgate.yaml:9:10 routes[0].ttl: expected a duration such as 250ms, 30s, 5m, 1h or 7d, got 60; did you mean 60s?',
      'herdgate.yaml:10:21 routes[0].key.query.srot: unknown key; did you mean sort?',
      'herdgate.yaml:2:1 listn: unknown key; did you mean listen?',
      expect.stringMatching(/^herdgate.yaml:3:16 admin.token: required: expected a token/),
    ])
  })

  test('a bad value is a fault even if another source overrides it', () => {
    expect(faults({ flags: { ...ORIGIN, ttl: '1s' }, env: { HERDGATE_TTL: 'x' } })).toMatchObject([
      { where: 'HERDGATE_TTL' },
    ])
  })

  test.each([
    ['a store that does not exist', 'store: { tape: { path: x } }', '3:10'],
    ['a section without content', 'listen:', '3:8'],
    ['text for a list', 'listen: { trustProxy: loopback }', '3:23'],
    ['a network with too many bits', 'listen: { trustProxy: [10.0.0.0/33] }', '3:24'],
    ['a port out of range', 'listen: { port: 65536 }', '3:17'],
    ['a fraction of a port', 'listen: { port: 80.5 }', '3:17'],
    ['a size of 0', 'store: { memory: { maxBytes: 0 } }', '3:30'],
    ['a head too small for a request', 'limits: { headBytes: 1023 }', '3:22'],
    ['neither on nor off', 'store: { memory: { admission: maybe } }', '3:31'],
    ['a lease too short to report in', 'coherence: { lease: 9ms }', '3:21'],
    ['a token with a space', 'admin: { token: "a b" }', '3:17'],
  ])('%s is a fault with its position', (_, line, place) => {
    expect(faults({ text: `${ONE}${line}\n` }).map(({ where }) => where)).toEqual([`herdgate.yaml:${place}`])
  })

  test('routes and origins cannot have the name that metrics use for unknown ones', () => {
    const text = `version: 1
origins: { _OTHER: { urls: ["http://a.example"] } }
routes: [{ name: _OTHER, origin: _OTHER }, { name: OTHER, origin: _OTHER }]
`
    const other = 'expected a name other than _OTHER, which is reserved for metrics, got "_OTHER"'
    expect(faultLines({ text })).toEqual([
      `herdgate.yaml:2:12 origins._OTHER: ${other}`,
      `herdgate.yaml:3:18 routes[0].name: ${other}`,
      `herdgate.yaml:3:34 routes[0].origin: ${other}`,
      `herdgate.yaml:3:67 routes[1].origin: ${other}`,
    ])
  })

  test('suggest quotation marks for text that YAML reads as a number, or as true or false', () => {
    const text = `version: 1
origins: { 1: { urls: ["http://a.example"] } }
routes: [{ name: 404, origin: 1, tags: [2024, true] }]
listen: { host: 5 }
admin: { token: 1234567890123456 }
store: { redis: { url: redis://r, prefix: 7 } }
`
    const name = 'expected a name of 1 to 64 letters, digits, ".", "_" or "-"'
    const tag = 'expected a tag of 1 to 256 bytes without control characters'
    expect(faultLines({ text })).toEqual([
      'herdgate.yaml:4:17 listen.host: expected an IP address or a host name, got 5',
      'herdgate.yaml:5:17 admin.token: expected a token of visible ASCII characters without spaces, not empty, in quotation marks',
      `herdgate.yaml:3:18 routes[0].name: ${name}, got 404; did you mean "404"?`,
      `herdgate.yaml:3:31 routes[0].origin: ${name}, got 1; did you mean "1"?`,
      `herdgate.yaml:3:41 routes[0].tags[0]: ${tag}, got 2024; did you mean "2024"?`,
      `herdgate.yaml:3:47 routes[0].tags[1]: ${tag}, got true; did you mean "true"?`,
      'herdgate.yaml:6:43 store.redis.prefix: expected 1 to 64 letters, digits, ".", "_", ":" or "-", got 7; did you mean "7"?',
    ])
  })

  test('state the minimum size of a head', () => {
    expect(faultLines({ text: `${ONE}limits: { headBytes: 16 }` })).toEqual([
      'herdgate.yaml:3:22 limits.headBytes: expected a size such as 16KiB, at least 1KiB, got 16',
    ])
    expect(faultLines({ text: `${ONE}limits: { headBytes: 1KiB }` })).toEqual([])
  })

  const inRoute = (key: string) => faults({ text: `${ONE}routes:\n  - name: r\n    origin: api\n    ${key}\n` })

  test.each([
    'refreshAhead: 0',
    'refreshAhead: 1',
    'softTimeout: 25d',
    'ttl: -1s',
    'ttl: 1 s',
    'cookies: none',
    'override: "yes"',
    'tags: [""]',
    `tags: [${'é'.repeat(129)}]`,
    `tags: [${Array.from({ length: 129 }, (_, at) => `t${at}`).join(', ')}]`,
    'match: { methods: [get] }',
    'match: { methods: [] }',
    'match: { path: catalog }',
    'match: { path: /a*b }',
    'match: { host: "http://x" }',
    'match: { host: "a/b" }',
    'key: { query: { ignore: ["*x"] } }',
    'key: { headers: ["a b"] }',
    'statusTtl: { 99: 1s }',
    'statusTtl: { 404: 1 }',
  ])('of a route: %s', (key) => {
    expect(inRoute(key)).toMatchObject([{ where: expect.stringMatching(/^herdgate\.yaml:6:\d+$/) }])
  })

  test.each([
    'refreshAhead: 0.5',
    'softTimeout: 0s',
    'tags: []',
    `tags: [${'é'.repeat(128)}]`,
    'match: { host: "*.Shop.example:8443", path: /, methods: [PURGE] }',
    'match: { host: "[::1]:80" }',
    'key: { query: { ignore: ["*", utm_*] } }',
    'statusTtl: { 404: 0s, "301": 1d }',
  ])('a route with %s has none', (key) => {
    expect(inRoute(key)).toEqual([])
  })

  test.each(['ftp://x', 'http://', 'http://u:p@x', 'http://x?q', 'http://x/#f', 'http://x y', 'http://a,b', '//x', ''])(
    'an origin cannot be %j',
    (url) => {
      expect(faults({ flags: { origin: [url] } })).toMatchObject([{ where: '--origin' }])
    },
  )

  test.each([
    ['HTTPS://API.example:443/v1/', 'https://api.example/v1'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['http://localhost:3000/', 'http://localhost:3000'],
  ])('an origin can be %s', (url, normal) => {
    expect(valid({ flags: { origin: [url] } }).origins[0]?.urls).toEqual([normal])
  })

  test('invalid names are faults, and so is `__proto__`', () => {
    const named = (name: string) =>
      faults({
        text: `version: 1\norigins: { ${name}: { urls: ["http://a"] }, ok: { urls: ["http://a"] } }\nroutes: [{ name: r, origin: ok }]`,
      })
    expect(named('"b b"')).toMatchObject([{ where: 'herdgate.yaml:2:12' }])
    expect(named('x'.repeat(65))).toHaveLength(1)
    expect(named('__proto__')).toMatchObject([{ where: 'herdgate.yaml:2:12', message: 'unknown key' }])
    expect(named('x'.repeat(64))).toEqual([])
  })
})

test('a file that cannot be read is a fault of the source that names it, reported with the others', () => {
  const file = { path: 'gone.yaml', where: '--config', problem: 'there is no such file' }
  const loaded = loadConfig({ flags: { ttl: 'x' }, env: {}, file, readFile: () => '' })
  expect(loaded.ok ? [] : loaded.faults.map(({ where }) => where)).toEqual(['--ttl', '--config'])
})
