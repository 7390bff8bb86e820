import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { MemoryLimits } from '../src/config/memory-shares.ts'
import { type Config, configJsonSchema, configPath, type Fault, type Flags, loadConfig } from '../src/config.ts'

const ORIGIN: Flags = { origin: ['http://origin.example'] }
const ONE = 'version: 1\norigins: { api: { urls: ["http://a.example"] } }\n'
const TWO = 'version: 1\norigins: { a: { urls: ["http://a.example"] }, b: { urls: ["http://b.example"] } }\n'

interface Given {
  flags?: Flags
  env?: Record<string, string>
  text?: string | undefined
  files?: Record<string, string>
}

function load({ flags = {}, env = {}, text, files = {} }: Given) {
  const readFile = (path: string): string => {
    const found = files[path]
    if (found === undefined) throw new Error('no such file')
    return found
  }
  return loadConfig({ flags, env, file: text === undefined ? undefined : { path: 'herdgate.yaml', text }, readFile })
}

function valid(given: Given): Config {
  const loaded = load(given)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
  return loaded.config
}

function faults(given: Given): readonly Fault[] {
  const loaded = load(given)
  return loaded.ok ? [] : loaded.faults
}

const told = (given: Given): string[] => faults(given).map(({ where, key, message }) => `${where} ${key}: ${message}`)
const notes = (given: Given): readonly string[] => {
  const loaded = load(given)
  return loaded.ok ? loaded.notes : []
}

/** The example of the documentation, with every key there is. */
const EXAMPLE = `version: 1
listen: { host: 0.0.0.0, port: 8080, trustProxy: [10.0.0.0/8] }
admin:  { host: 127.0.0.1, port: 9090, token: \${ADMIN_TOKEN} }
origins:
  api: { urls: ["http://10.0.0.5:3000"], connectTimeout: 2s, headersTimeout: 30s, bodyTimeout: 30s, maxConcurrency: 256 }
routes:
  - name: catalog
    match: { host: shop.example, path: /catalog/*, methods: [GET, HEAD] }
    origin: api
    ttl: 60s
    override: false
    grace: 1h
    softTimeout: 300ms
    refreshAhead: 0.8
    cookies: safe
    errorTtlMax: 30s
    tags: [catalog]
    key: { query: { sort: true, ignore: [utm_*] }, headers: [X-Tenant], cookies: [currency] }
    statusTtl: { "404": 10s }
    bypass: false
limits:
  { maxConnections: 500, headBytes: 8KiB, headTimeout: 5s, idleTimeout: 30s, minRate: 512B, minRateWindow: 20s, maxWaiting: 100, maxBodiesInProgress: 64MiB }
store:
  memory: { maxBytes: 256MiB, maxObjectBytes: 8MiB, admission: on }
`

describe('a file with every key', () => {
  const config = valid({ text: EXAMPLE, env: { ADMIN_TOKEN: 'a-token-of-24-characters' } })

  test('becomes milliseconds and bytes', () => {
    expect(config.origins).toEqual([
      {
        name: 'api',
        urls: ['http://10.0.0.5:3000'],
        connectTimeout: 2_000,
        headersTimeout: 30_000,
        bodyTimeout: 30_000,
        maxConcurrency: 256,
      },
    ])
    expect(config.store).toEqual({ memory: { maxBytes: 268_435_456, maxObjectBytes: 8_388_608, admission: 'on' } })
    expect(config.limits).toEqual({
      maxConnections: 500,
      headBytes: 8_192,
      headTimeout: 5_000,
      idleTimeout: 30_000,
      minRate: 512,
      minRateWindow: 20_000,
      maxWaiting: 100,
      maxBodiesInProgress: 67_108_864,
    })
    expect(config.listen).toEqual({ host: '0.0.0.0', port: 8080, trustProxy: ['10.0.0.0/8'], drainDelay: 0 })
    expect(config.admin).toEqual({ host: '127.0.0.1', port: 9090, token: 'a-token-of-24-characters' })
  })

  test('becomes rules, field names in lower case', () => {
    expect(config.routes[0]).toEqual({
      name: 'catalog',
      match: { host: 'shop.example', path: '/catalog/*', methods: ['GET', 'HEAD'] },
      origin: 'api',
      rules: {
        ttl: 60_000,
        override: false,
        grace: 3_600_000,
        softTimeout: 300,
        refreshAhead: 0.8,
        cookies: 'safe',
        errorTtlMax: 30_000,
        tags: ['catalog'],
        key: { sortQuery: true, ignoreQuery: ['utm_*'], headers: ['x-tenant'], cookies: ['currency'] },
        statusTtl: new Map([[404, 10_000]]),
        bypass: false,
        maxObjectBytes: 8_388_608,
      },
    })
  })
})

describe('the guide', () => {
  const guide = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8')

  test('shows a file that is valid and has every key there is', () => {
    const [, text = ''] = /```yaml\n([^]*?)```/.exec(guide) ?? []
    expect(
      told({ text, env: { ADMIN_TOKEN: 'a-token-of-24-characters', CACHE_SECRET: 'a-secret-of-24-characters' } }),
    ).toEqual([])
    const { properties } = JSON.parse(JSON.stringify(configJsonSchema()))
    const origin = properties.origins.additionalProperties.properties
    const route = properties.routes.items.properties
    const nested = [
      properties.listen,
      properties.admin,
      properties.limits,
      properties.coherence,
      route.match,
      route.key,
      route.key.properties.query,
    ]
    const { memory, disk, redis } = properties.store.properties
    const { chaos: _, ...usual } = properties // has a page of its own
    const maps = [usual, origin, route, memory.properties, disk.properties, redis.properties]
    const keys = [...maps, ...nested.map((map) => map.properties)].flatMap((map) => Object.keys(map))
    expect(keys.filter((key) => !text.includes(`${key}:`))).toEqual([])
  })
})

test('limits that are not given are the same with a file and without one', () => {
  expect(valid({ text: ONE }).limits).toEqual(valid({ flags: ORIGIN }).limits)
  expect(valid({ text: `${ONE}limits: { headBytes: 8KiB }` }).limits).toEqual({
    ...valid({ flags: ORIGIN }).limits,
    headBytes: 8_192,
  })
})

describe('what counts', () => {
  test('flags before environment before file before defaults', () => {
    const text = `${ONE}listen: { port: 1001 }\n`
    const env = { HERDGATE_PORT: '1002' }
    expect(valid({ text: ONE }).listen.port).toBe(8080)
    expect(valid({ text }).listen.port).toBe(1001)
    expect(valid({ text, env }).listen.port).toBe(1002)
    expect(valid({ text, env, flags: { port: '1003' } }).listen.port).toBe(1003)
  })

  test('flags before environment for every setting', () => {
    const env = {
      HERDGATE_ORIGIN: 'http://env',
      HERDGATE_HOST: '127.0.0.2',
      HERDGATE_ADMIN_HOST: '127.0.0.2',
      HERDGATE_ADMIN_PORT: '2',
      HERDGATE_ADMIN_TOKEN: 'token-of-the-environment',
      HERDGATE_TTL: '2s',
      HERDGATE_GRACE: '2s',
      HERDGATE_SOFT_TIMEOUT: '2s',
      HERDGATE_COOKIES: 'rfc',
      HERDGATE_MEMORY: '32MiB',
      HERDGATE_LOG_LEVEL: 'warn',
    }
    const flags: Flags = {
      origin: ['http://flag'],
      host: '127.0.0.3',
      adminHost: '127.0.0.3',
      adminPort: '3',
      adminToken: 'token-of-the-flags',
      ttl: '3s',
      grace: '3s',
      softTimeout: '3s',
      cookies: 'ignore',
      memory: '48MiB',
      logLevel: 'error',
    }
    const seen = ({ origins, listen, admin, routes, store, logLevel }: Config) => {
      const { ttl, grace, softTimeout, cookies } = routes[0]!.rules
      return [
        origins[0]?.urls[0],
        listen.host,
        admin,
        [ttl, grace, softTimeout, cookies],
        store.memory.maxBytes,
        logLevel,
      ]
    }
    const rules = (ms: number, cookies: string) => [ms, ms, ms, cookies]
    const fromFlags = { host: '127.0.0.3', port: 3, token: 'token-of-the-flags' }
    const fromEnv = { host: '127.0.0.2', port: 2, token: 'token-of-the-environment' }
    expect(seen(valid({ env, flags }))).toEqual([
      'http://flag',
      '127.0.0.3',
      fromFlags,
      rules(3_000, 'ignore'),
      48 * 2 ** 20,
      'error',
    ])
    expect(seen(valid({ env }))).toEqual([
      'http://env',
      '127.0.0.2',
      fromEnv,
      rules(2_000, 'rfc'),
      32 * 2 ** 20,
      'warn',
    ])
  })

  test('HERDGATE_PORT before PORT and HERDGATE_LOG_LEVEL before LOG_LEVEL', () => {
    const env = { PORT: '1', HERDGATE_PORT: '2', LOG_LEVEL: 'WARN', HERDGATE_LOG_LEVEL: 'debug' }
    expect(valid({ flags: ORIGIN, env })).toMatchObject({ listen: { port: 2 }, logLevel: 'debug' })
    expect(valid({ flags: ORIGIN, env: { PORT: '1', LOG_LEVEL: 'WARN' } })).toMatchObject({
      listen: { port: 1 },
      logLevel: 'warn',
    })
  })

  test("a route's own key before the flag that sets it for all", () => {
    const text = `${ONE}routes:\n  - { name: own, origin: api, match: { path: /own }, ttl: 5s, grace: 0s, softTimeout: 1s, cookies: rfc }\n`
    const flags = { ttl: '9s', grace: '9m', softTimeout: '9ms', cookies: 'ignore' }
    const [own, implied] = valid({ text, flags }).routes
    expect(own?.rules).toMatchObject({ ttl: 5_000, grace: 0, softTimeout: 1_000, cookies: 'rfc' })
    expect(implied?.rules).toMatchObject({ ttl: 9_000, grace: 540_000, softTimeout: 9, cookies: 'ignore' })
  })

  test('an empty variable is not set', () => {
    expect(valid({ flags: ORIGIN, env: { HERDGATE_TTL: '', HERDGATE_PORT: '', PORT: '7' } }).listen.port).toBe(7)
  })

  test('the file that is named by flag, by environment, or by custom', () => {
    expect(configPath({ config: 'a' }, { HERDGATE_CONFIG: 'b' })).toEqual({ path: 'a', where: '--config' })
    expect(configPath({}, { HERDGATE_CONFIG: 'b' })).toEqual({ path: 'b', where: 'HERDGATE_CONFIG' })
    expect(configPath({}, { HERDGATE_CONFIG: '' })).toEqual({ path: './herdgate.yaml', where: undefined })
  })

  test('the defaults of the documentation', () => {
    expect(valid({ flags: ORIGIN })).toEqual({
      listen: { host: '0.0.0.0', port: 8080, trustProxy: [], drainDelay: 0 },
      admin: { host: '127.0.0.1', port: 9090, token: undefined },
      workers: 1,
      limits: {
        maxConnections: 10_000,
        headBytes: 16_384,
        headTimeout: 10_000,
        idleTimeout: 65_000,
        minRate: 1_024,
        minRateWindow: 60_000,
        maxWaiting: 10_000,
        maxBodiesInProgress: 268_435_456,
      },
      origins: [
        {
          name: 'default',
          urls: ['http://origin.example'],
          connectTimeout: 2_000,
          headersTimeout: 30_000,
          bodyTimeout: 30_000,
          maxConcurrency: 1_024,
        },
      ],
      routes: [
        {
          name: 'default',
          match: {},
          origin: 'default',
          rules: {
            ttl: undefined,
            override: false,
            grace: 3_600_000,
            softTimeout: undefined,
            refreshAhead: undefined,
            cookies: 'safe',
            errorTtlMax: 30_000,
            tags: [],
            key: { sortQuery: false, ignoreQuery: [], headers: [], cookies: [] },
            statusTtl: new Map(),
            bypass: false,
            maxObjectBytes: 8_388_608,
          },
        },
      ],
      store: {
        memory: { maxBytes: 268_435_456, maxObjectBytes: 8_388_608, admission: 'on' },
        disk: undefined,
        redis: undefined,
      },
      lane: true,
      lease: 5_000,
      logLevel: 'info',
    })
  })

  test('defaults filled in by the schema are those used without a file', () => {
    const route = `${ONE}routes: [{ name: default, origin: api }]\n`
    expect(valid({ text: route }).routes[0]?.rules).toEqual(valid({ flags: ORIGIN }).routes[0]?.rules)
    const { name: _, urls: __, ...inFile } = valid({ text: ONE }).origins[0]!
    expect(valid({ flags: ORIGIN }).origins[0]).toMatchObject(inFile)
  })
})

describe('origins and routes', () => {
  const names = (given: Given) => valid(given).routes.map(({ name, origin }) => `${name} -> ${origin}`)
  const route = (name: string, origin = 'api', match = '{ path: /x }') =>
    `  - { name: ${name}, origin: ${origin}, match: ${match} }\n`

  test('with one origin a catch-all comes last', () => {
    expect(names({ text: ONE })).toEqual(['default -> api'])
    expect(names({ text: `${ONE}routes:\n${route('x')}` })).toEqual(['x -> api', 'default -> api'])
  })

  test('no catch-all is implied behind one that is given', () => {
    expect(names({ text: `${ONE}routes:\n${route('all', 'api', '{}')}` })).toEqual(['all -> api'])
    expect(names({ text: `${ONE}routes:\n${route('all', 'api', '{ path: /* }')}` })).toEqual(['all -> api'])
  })

  test('the implied route takes a name that is free', () => {
    const text = `${ONE}routes:\n${route('default')}${route('default-2')}`
    expect(names({ text })).toEqual(['default -> api', 'default-2 -> api', 'default-3 -> api'])
  })

  test('with several origins no catch-all is implied', () => {
    expect(names({ text: `${TWO}routes:\n${route('x', 'a')}${route('y', 'b')}` })).toEqual(['x -> a', 'y -> b'])
  })

  test('several origins without routes are a fault', () => {
    expect(told({ text: TWO })).toEqual([
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

  test('HERDGATE_ORIGIN is a list with commas', () => {
    const env = { HERDGATE_ORIGIN: 'http://x, http://y,' }
    expect(valid({ env }).origins[0]?.urls).toEqual(['http://x', 'http://y'])
    expect(told({ env: { HERDGATE_ORIGIN: ' , ' } })).toEqual(['HERDGATE_ORIGIN origin: expected at least one URL'])
  })

  test('without any origin there is no start', () => {
    expect(faults({})).toMatchObject([{ where: '--origin', message: expect.stringContaining('no origin') }])
    expect(faults({ text: 'version: 1' })).toMatchObject([{ where: '--origin' }])
  })

  test('routes name existing origins and have names of their own', () => {
    const text = `${ONE}routes:\n${route('x', 'apu')}${route('x')}`
    expect(told({ text })).toEqual([
      'herdgate.yaml:4:24 routes[0].origin: expected the name of an origin (api), got "apu"; did you mean api?',
      'herdgate.yaml:5:13 routes[1].name: expected a name no other route has, got "x" again',
    ])
  })

  test('routes may name the pool that --origin makes', () => {
    const text = `${ONE}routes:\n${route('x', 'default')}`
    expect(valid({ text, flags: ORIGIN }).routes.map(({ origin }) => origin)).toEqual(['default'])
    expect(faults({ text })).toHaveLength(1)
  })
})

describe('faults', () => {
  test('come all at once, from every source, each with its place', () => {
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
    expect(told({ text, flags, env })).toEqual([
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

  test('a bad value is a fault even where a better source counts', () => {
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
    ['no size', 'store: { memory: { maxBytes: 0 } }', '3:30'],
    ['neither on nor off', 'store: { memory: { admission: maybe } }', '3:31'],
    ['a token with a space', 'admin: { token: "a b" }', '3:17'],
  ])('%s is a fault at its place', (_, line, place) => {
    expect(faults({ text: `${ONE}${line}\n` }).map(({ where }) => where)).toEqual([`herdgate.yaml:${place}`])
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
  ])('none in a route with %s', (key) => {
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

  test('names that are no names, and the one that JavaScript keeps for itself', () => {
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

describe('the admin port', () => {
  const token = 'a-token-of-24-characters'

  test.each(['0.0.0.0', '::', '10.0.0.1', 'admin.example'])('on %s needs a token', (adminHost) => {
    expect(faults({ flags: { ...ORIGIN, adminHost } })).toMatchObject([{ where: '--admin-host', key: 'admin.token' }])
    expect(faults({ flags: { ...ORIGIN, adminHost, adminToken: token } })).toEqual([])
    expect(faults({ flags: { ...ORIGIN, adminHost }, env: { HERDGATE_ADMIN_TOKEN: token } })).toEqual([])
  })

  test.each(['127.0.0.1', '127.8.8.8', '::1', '[::1]', 'localhost', 'LOCALHOST'])('on %s needs none', (adminHost) => {
    expect(faults({ flags: { ...ORIGIN, adminHost } })).toEqual([])
  })

  test('cannot be the data port, unless on another address or any free one', () => {
    expect(faults({ flags: { ...ORIGIN, port: '9090' } })).toMatchObject([{ where: '--port', key: 'listen.port' }])
    expect(faults({ flags: { ...ORIGIN, adminPort: '8080' } })).toMatchObject([{ where: '--admin-port' }])
    expect(faults({ flags: { ...ORIGIN, port: '9090', host: '127.0.0.2' } })).toEqual([])
    expect(faults({ flags: { ...ORIGIN, port: '0', adminPort: '0' } })).toEqual([])
  })

  test('takes its token from a file, without the line end', () => {
    const env = { HERDGATE_ADMIN_TOKEN_FILE: '/run/token' }
    expect(valid({ flags: ORIGIN, env, files: { '/run/token': `${token}\n` } }).admin.token).toBe(token)
    expect(faults({ flags: ORIGIN, env })).toMatchObject([{ where: 'HERDGATE_ADMIN_TOKEN_FILE' }])
    const both = { ...env, HERDGATE_ADMIN_TOKEN: token }
    expect(faults({ flags: ORIGIN, env: both, files: { '/run/token': token } })).toHaveLength(1)
  })

  test('refuses an empty token wherever it is given, and warns of a short one', () => {
    expect(faults({ flags: { ...ORIGIN, adminToken: '' } })).toMatchObject([{ where: '--admin-token' }])
    expect(faults({ flags: ORIGIN, env: { HERDGATE_ADMIN_TOKEN: '' } })).toHaveLength(1)
    const env = { HERDGATE_ADMIN_TOKEN_FILE: 'f' }
    expect(faults({ flags: ORIGIN, env, files: { f: '\n' } })).toHaveLength(1)
    expect(faults({ text: `${ONE}admin: { token: "" }` })).toHaveLength(1)
    expect(notes({ flags: { ...ORIGIN, adminToken: 'secret' } })).toMatchObject([expect.stringContaining('shorter')])
    expect(notes({ flags: { ...ORIGIN, adminToken: token } })).toEqual([])
  })

  test('never has its token repeated in a fault', () => {
    const secret = 'hunter two'
    const all = [
      ...told({ flags: { ...ORIGIN, adminToken: secret } }),
      ...told({ flags: ORIGIN, env: { HERDGATE_ADMIN_TOKEN: secret } }),
      ...told({ text: `${ONE}admin: { token: "${secret}" }` }),
    ]
    expect(all).toHaveLength(3)
    expect(all.join()).not.toContain('hunter')
  })
})

describe('the environment', () => {
  test.each(['HERDGATE_TAPE', 'HERDGATE_THREADS'])('%s is unknown, and nothing like it is known', (name) => {
    expect(told({ flags: ORIGIN, env: { [name]: 'x' } })).toEqual([`${name} : unknown environment variable`])
  })

  test('variables of others do not matter', () => {
    expect(faults({ flags: ORIGIN, env: { REDIS_URL: 'redis://x', PATH: '/bin', TTL: 'x' } })).toEqual([])
  })

  test('what Kubernetes sets for a Service named herdgate is not taken for settings', () => {
    const env = {
      HERDGATE_SERVICE_HOST: '10.0.0.1',
      HERDGATE_SERVICE_PORT: '8080',
      HERDGATE_SERVICE_PORT_HTTP: '8080',
      HERDGATE_PORT: 'tcp://10.0.0.1:8080',
      HERDGATE_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
      HERDGATE_PORT_8080_TCP_ADDR: '10.0.0.1',
      HERDGATE_ADMIN_SERVICE_HOST: '10.0.0.2',
      HERDGATE_ADMIN_PORT: 'tcp://10.0.0.2:9090',
    }
    expect(valid({ flags: ORIGIN, env })).toMatchObject({ listen: { port: 8080 }, admin: { port: 9090 } })
    expect(notes({ flags: ORIGIN, env })).toHaveLength(2)
  })
})

describe('variables in the file', () => {
  test('stand anywhere in a value, in flow and block style, quoted or not', () => {
    const text = `version: 1
listen: { port: \${P} }
origins:
  api: { urls: ["http://\${H}:\${P}/\${H}"] }
  two: { urls: ['http://\${H}'] }
routes:
  - name: r
    origin: api
    ttl: \${T}
`
    const config = valid({ text, env: { P: '81', H: 'h', T: '5s' } })
    expect(config).toMatchObject({
      listen: { port: 81 },
      origins: [{ urls: ['http://h:81/h'] }, { urls: ['http://h'] }],
    })
    expect(config.routes[0]?.rules.ttl).toBe(5_000)
  })

  test('cannot change the structure of the file', () => {
    const env = { T: 'x", port: 1, host: "y' }
    expect(faults({ text: `${ONE}listen: { host: \${T} }`, env })).toMatchObject([{ key: 'listen.host' }])
    expect(valid({ text: `${ONE}admin: { token: \${T} }`, env: { T: '#1:{[,]}&*' } }).admin.token).toBe('#1:{[,]}&*')
  })

  test('that are not set are one fault each, and not a second one about the value', () => {
    expect(told({ text: `${ONE}routes:\n  - { name: r, origin: api, ttl: \${NOPE} }` })).toEqual([
      'herdgate.yaml:4:34 routes[0].ttl: environment variable NOPE is not set',
    ])
  })

  test('that are written wrong are a fault', () => {
    expect(told({ text: `${ONE}admin: { token: "\${a-b}" }` })).toMatchObject([
      expect.stringContaining('variable name'),
    ])
  })

  test('are text after a second dollar sign, and are not looked for in what they stand for or in comments', () => {
    const token = (written: string, env = {}) =>
      valid({ text: `${ONE}# \${GONE}\nadmin: { token: ${written} }`, env }).admin.token
    expect(token('$${A}')).toBe('${A}')
    expect(token('"$${a-b}"')).toBe('${a-b}')
    expect(token('$A$')).toBe('$A$')
    expect(token('${A}', { A: '${B}' })).toBe('${B}')
  })
})

describe('YAML', () => {
  test.each([
    ['a key given twice', 'version: 1\nversion: 1\n', 'herdgate.yaml:2:1', 'twice'],
    ['an open bracket', 'version: 1\norigins: [a\n', 'herdgate.yaml:3:1', 'not valid YAML'],
    ['a tab as indentation', 'version: 1\n\tlisten: {}\n', 'herdgate.yaml:2:1', 'not valid YAML'],
    ['two documents', 'version: 1\n---\nversion: 1\n', 'herdgate.yaml:2:1', 'not valid YAML'],
    ['an unknown tag', 'version: !x 1\n', 'herdgate.yaml:1:10', 'not valid YAML'],
    ['an alias of nothing', `${ONE}listen: *gone\n`, 'herdgate.yaml:3:9', 'anchor'],
  ])('%s is a fault at its place, and the only one', (_, text, where, words) => {
    expect(faults({ text })).toMatchObject([{ where, message: expect.stringContaining(words) }])
  })

  test('an empty file, and one that is no map', () => {
    expect(faults({ text: '', flags: ORIGIN })).toMatchObject([{ where: 'herdgate.yaml:1:1' }])
    expect(faults({ text: '- a', flags: ORIGIN })).toMatchObject([{ where: 'herdgate.yaml:1:1' }])
  })

  test('anchors and merge keys work, and their faults have a place', () => {
    const text = (ttl: string) => `${ONE}routes:
  - &base { name: a, origin: api, match: { path: /a }, ttl: ${ttl} }
  - { <<: *base, name: b, match: { path: /b } }
`
    expect(valid({ text: text('7s') }).routes[1]).toMatchObject({ name: 'b', rules: { ttl: 7_000 } })
    expect(faults({ text: text('x') }).map(({ where }) => where)).toContain('herdgate.yaml:4:61')
  })

  test('aliases that multiply end in a fault, not in memory', () => {
    const level = (at: number) => `l${at}: &l${at} [${Array.from({ length: 10 }, () => `*l${at - 1}`).join(', ')}]\n`
    const text = `l0: &l0 [x, x]\n${[1, 2, 3, 4, 5, 6, 7, 8, 9].map(level).join('')}`
    expect(faults({ text, flags: ORIGIN })).toMatchObject([{ where: 'herdgate.yaml' }])
  })

  test('an alias of itself and a very deep nesting end in faults', () => {
    expect(faults({ text: 'version: &v [*v]', flags: ORIGIN })).not.toEqual([])
    const deep = faults({ text: '['.repeat(20_000), flags: ORIGIN })
    expect(deep.length).toBeGreaterThan(0)
    expect(deep.length).toBeLessThanOrEqual(10)
  })

  test('whatever the text, there is an answer, and each fault has a line and a column', () => {
    const piece = fc.constantFrom(
      'version: 1',
      'routes:',
      '  - ',
      'a: ',
      '${',
      '}',
      '{',
      '[',
      '*x',
      '&x ',
      '\n',
      '"',
      '!',
      '$$',
      '\t',
      '<<: ',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 30 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (text) => {
        for (const { where, message } of faults({ text, flags: ORIGIN })) {
          expect(where).toMatch(/^herdgate\.yaml(:\d+:\d+)?$/)
          expect(message).not.toBe('')
        }
      }),
      { numRuns: 500 },
    )
  })
})

test('a file that cannot be read is a fault of who named it, beside those of other sources', () => {
  const file = { path: 'gone.yaml', where: '--config', problem: 'there is no such file' }
  const loaded = loadConfig({ flags: { ttl: 'x' }, env: {}, file, readFile: () => '' })
  expect(loaded.ok ? [] : loaded.faults.map(({ where }) => where)).toEqual(['--ttl', '--config'])
})

describe('memory that nobody shared out', () => {
  const MIB = 2 ** 20
  const given = (memory: MemoryLimits, flags: Flags = {}) => {
    const file = { path: 'herdgate.yaml', text: ONE }
    const loaded = loadConfig({ flags, env: {}, file, readFile: () => '', memory })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults))
    const { store, limits } = loaded.config
    return { store: store.memory.maxBytes / MIB, bodies: limits.maxBodiesInProgress / MIB, notes: loaded.notes }
  }

  test('without a limit it is 256 MiB each', () => {
    expect(given({ heap: 4096 * MIB })).toEqual({ store: 256, bodies: 256, notes: [] })
  })

  test('in a container it is a share of the limit, as in the Helm chart, and said', () => {
    const notes = ["of the container's 512 MiB the store may take 153 MiB, bodies in progress 64 MiB"]
    expect(given({ container: 512 * MIB, heap: 1024 * MIB })).toEqual({ store: 153, bodies: 64, notes })
    expect(given({ container: 2048 * MIB, heap: 4096 * MIB })).toMatchObject({ store: 691, bodies: 256 })
  })

  test('it is no more than half of the heap, and never nothing', () => {
    expect(given({ container: 512 * MIB, heap: 128 * MIB })).toMatchObject({ store: 64, bodies: 64 })
    expect(given({ container: 32 * MIB, heap: 64 * MIB })).toMatchObject({ store: 8, bodies: 8 })
  })

  test('what is given counts, with a note where the heap is too small for it', () => {
    const memory = { container: 512 * MIB, heap: 128 * MIB }
    const { store, notes } = given(memory, { memory: '100MiB' })
    expect(store).toBe(100)
    expect(notes).toContainEqual(expect.stringContaining('store.memory.maxBytes is 100 MiB, the heap 128 MiB'))
  })
})

describe('notes', () => {
  test('tell what is never used or has no effect', () => {
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

  test('are absent where nothing is odd', () => {
    expect(notes({ text: ONE })).toEqual([])
    expect(notes({ flags: { ...ORIGIN, memory: '1MiB' } })).toEqual([])
  })
})

describe('the JSON Schema', () => {
  const schema = configJsonSchema()
  const validator = z.fromJSONSchema(JSON.parse(JSON.stringify(schema)))
  const file = (key: object) => ({ version: 1, routes: [{ name: 'r', origin: 'o', ...key }] })

  test('accepts what the file may say, variables included', () => {
    for (const key of [
      {},
      { ttl: '5s' },
      { ttl: '${TTL}' },
      { cookies: 'rfc' },
      { cookies: '${C}' },
      { statusTtl: { 404: '1s' } },
    ]) {
      expect(validator.safeParse(file(key)).success, JSON.stringify(key)).toBe(true)
    }
    expect(validator.safeParse({ version: 1, listen: { port: 80 } }).success).toBe(true)
    expect(validator.safeParse({ version: 1, listen: { port: '${PORT}' } }).success).toBe(true)
  })

  test('rejects what the file may not say', () => {
    for (const key of [{ ttl: 5 }, { ttl: '5' }, { cookies: 'no' }, { tll: '5s' }, { refreshAhead: 1 }]) {
      expect(validator.safeParse(file(key)).success, JSON.stringify(key)).toBe(false)
    }
    expect(validator.safeParse({}).success).toBe(false)
  })

  test('describes every key', () => {
    expect(undescribed(schema)).toEqual([])
  })

  test('states the defaults that are used', () => {
    const { properties } = JSON.parse(JSON.stringify(schema))
    expect(properties.listen.properties.port.default).toBe(8080)
    expect(properties.admin.properties.host.default).toBe('127.0.0.1')
    expect(properties.routes.items.properties.grace.default).toBe('1h')
    expect(properties.routes.items.properties.cookies.default).toBe('safe')
    expect(properties.store.properties.memory.properties.maxBytes.default).toBe('256MiB')
  })

  function undescribed(node: any, path = ''): string[] {
    const children = Object.entries<any>(node.properties ?? {})
    const nested = [node.items, node.additionalProperties].filter((child) => typeof child === 'object')
    return [
      ...children.filter(([, child]) => child.description === undefined).map(([key]) => `${path}.${key}`),
      ...children.flatMap(([key, child]) => undescribed(child, `${path}.${key}`)),
      ...nested.flatMap((child) => undescribed(child, `${path}[]`)),
    ]
  }
})

describe('tiers', () => {
  test('there are none but memory unless they are asked for', () => {
    expect(valid({ flags: ORIGIN }).store).toMatchObject({ disk: undefined, redis: undefined })
    expect(valid({ text: `${ONE}store: { memory: { maxBytes: 1MiB } }` }).store).toMatchObject({ disk: undefined })
  })

  test('flags, environment and file may each ask for them', () => {
    const flags = { ...ORIGIN, disk: '/var/cache/herdgate', diskSize: '1GiB', redisPrefix: 'shop' }
    expect(valid({ flags, env: { REDIS_URL: 'redis://r.test:6379' } }).store).toMatchObject({
      disk: { path: '/var/cache/herdgate', maxBytes: 2 ** 30 },
      redis: { url: 'redis://r.test:6379', prefix: 'shop', deadline: 50, maxObjectBytes: 2 ** 20, secret: undefined },
    })
    const text = `${ONE}store: { disk: { path: ./cache }, redis: { url: "redis+cluster://a:1,b:2", deadline: 20ms } }
coherence: { lease: 2s }`
    expect(valid({ text })).toMatchObject({
      store: {
        disk: { path: './cache', maxBytes: 10 * 2 ** 30 },
        redis: { url: 'redis+cluster://a:1,b:2', prefix: 'herdgate', deadline: 20 },
      },
      lease: 2_000,
    })
  })

  test('an address of Redis is never repeated: it may hold a password', () => {
    const faults = told({ flags: { ...ORIGIN, redis: 'http://user:hunter2@r.test' } })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain('--redis')
    expect(faults[0]).not.toContain('hunter2')
  })

  test.each(['herd{gate}', '', 'a b'])('%j is no prefix', (redisPrefix) => {
    expect(told({ flags: { ...ORIGIN, redisPrefix } })).toHaveLength(1)
  })
})

describe('chaos', () => {
  const SECTION = 'chaos: { store: { memory: { errorRate: 0.1 } } }\n'
  const chaosOf = (section: string, more: Given = {}) =>
    valid({ text: `${ONE}${section}`, ...more, flags: { chaos: true, ...more.flags } }).chaos

  test('is off unless it is asked for', () => {
    expect(valid({ text: ONE }).chaos).toBeUndefined()
  })

  test('in the file without the flag is refused at its place', () => {
    expect(told({ text: ONE + SECTION })).toEqual([
      'herdgate.yaml:3:1 chaos: expected the flag --chaos with it, so that nobody makes faults on purpose by mistake',
    ])
    expect(told({ text: `${ONE}chaos: off\n` })).toContainEqual(expect.stringContaining('expected the flag --chaos'))
    expect(told({ text: ONE + SECTION, env: { HERDGATE_CHAOS: 'true' } })).toHaveLength(2)
  })

  test('by the flag without a section is refused as well', () => {
    for (const given of [{ text: ONE }, { flags: ORIGIN }]) {
      expect(told({ ...given, flags: { ...given.flags, chaos: true } })).toEqual([
        '--chaos chaos: required: expected a section "chaos" in the file',
      ])
    }
  })

  test('with both is on, and said to be', () => {
    expect(chaosOf(SECTION)).toMatchObject({ seed: 1, store: { memory: { errorRate: 0.1, corruption: 0 } } })
    expect(notes({ text: ONE + SECTION, flags: { chaos: true } })).toEqual([
      'chaos is on: faults are made on purpose; not for production',
    ])
  })

  test('becomes milliseconds and shares', () => {
    const section = `chaos:
  seed: 7
  store: { redis: { errorRate: 0.3, delay: 5ms..20ms, corruption: 0.01, partition: { every: 30s, for: 5s } } }
  origins: { api: { delay: 1s } }
`
    expect(chaosOf(section, { flags: { redis: 'redis://r.test' } })).toEqual({
      seed: 7,
      store: {
        redis: {
          errorRate: 0.3,
          delay: { min: 5, max: 20 },
          corruption: 0.01,
          partition: { every: 30_000, for: 5_000 },
        },
      },
      origins: { api: { errorRate: 0, delay: { min: 1_000, max: 1_000 }, corruption: 0 } },
    })
  })

  test.each([
    ['store: { memory: { corruption: 0.1 } }', 'chaos.store.memory.corruption: unknown key, expected one of errorRate'],
    ['store: { redis: {} }', 'chaos.store.redis: expected a tier that there is: no redis is configured'],
    ['store: { disk: {} }', 'chaos.store.disk: expected a tier that there is: no disk is configured'],
    ['origins: { apo: {} }', 'chaos.origins.apo: there is no origin of this name; did you mean api?'],
    ['origins: { api: { errorRate: 1.5 } }', 'chaos.origins.api.errorRate: expected a number from 0 to 1'],
    ['origins: { api: { delay: 20ms..5ms } }', 'chaos.origins.api.delay: expected a delay such as 20ms'],
    ['origins: { api: { delay: 2m } }', 'chaos.origins.api.delay: expected a delay such as 20ms'],
    [
      'origins: { api: { partition: { every: 5s, for: 5s } } }',
      'chaos.origins.api.partition.for: expected a duration shorter than every',
    ],
    ['seed: -1', 'chaos.seed: expected a whole number from 0'],
  ])('%s is a fault with a place', (section, message) => {
    const faults = told({ text: `${ONE}chaos: { ${section} }\n`, flags: { chaos: true } })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(/^herdgate\.yaml:3:\d+ /)
    expect(faults[0]).toContain(message)
  })

  test('a tier or an origin may be given by flags and environment', () => {
    const section = 'chaos: { store: { redis: {}, disk: {} }, origins: { default: {} } }\n'
    const flags = { ...ORIGIN, chaos: true, disk: '/var/cache' }
    expect(told({ text: `version: 1\n${section}`, flags, env: { REDIS_URL: 'redis://r.test' } })).toEqual([])
  })

  test('its page shows a section that is valid and has every key there is', () => {
    const page = readFileSync(new URL('../docs/chaos.md', import.meta.url), 'utf8')
    const [, section = ''] = /```yaml\n([^]*?)```/.exec(page) ?? []
    const flags = { chaos: true, redis: 'redis://r.test', disk: '/var/cache' }
    expect(told({ text: ONE + section, flags })).toEqual([])
    const { chaos } = JSON.parse(JSON.stringify(configJsonSchema())).properties
    const { redis } = chaos.properties.store.properties
    const maps = [chaos.properties, chaos.properties.store.properties, redis.properties]
    const keys = [...maps, redis.properties.partition.properties].flatMap((map) => Object.keys(map))
    expect(keys.filter((key) => !section.includes(`${key}:`))).toEqual([])
  })
})
