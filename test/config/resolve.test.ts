import { describe, expect, test } from 'vitest'
import { type Config, configPath, type Flags } from '../../src/config.ts'
import { faultLines, ONE, ORIGIN, valid } from './given.ts'

/** The documentation's example, with every key. */
const EXAMPLE = `version: 1
listen: { host: 0.0.0.0, port: 8080, trustProxy: [10.0.0.0/8] }
admin:  { host: 127.0.0.1, port: 9090, token: \${ADMIN_TOKEN} }
origins:
  api: { urls: ["http://10.0.0.5:3000"], connectTimeout: 2s, headersTimeout: 30s, bodyTimeout: 30s, totalTimeout: 1h, maxConcurrency: 256 }
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
    webSockets: false
limits:
  { maxConnections: 500, headBytes: 8KiB, headTimeout: 5s, idleTimeout: 30s, minRate: 512B, minRateWindow: 20s, maxWaiting: 100, maxBodiesInProgress: 64MiB }
store:
  memory: { maxBytes: 256MiB, maxObjectBytes: 8MiB, admission: on }
`

describe('a file with every key', () => {
  const config = valid({ text: EXAMPLE, env: { ADMIN_TOKEN: 'a-token-of-24-characters' } })

  test('is resolved to milliseconds and bytes', () => {
    expect(config.origins).toEqual([
      {
        name: 'api',
        urls: ['http://10.0.0.5:3000'],
        connectTimeout: 2_000,
        headersTimeout: 30_000,
        bodyTimeout: 30_000,
        totalTimeout: 3_600_000,
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
    expect(config.listen).toEqual({
      host: '0.0.0.0',
      port: 8080,
      trustProxy: ['10.0.0.0/8'],
      drainDelay: 0,
      via: 'herdgate',
    })
    expect(config.admin).toEqual({ host: '127.0.0.1', port: 9090, token: 'a-token-of-24-characters', tokens: [] })
  })

  test('is resolved to rules, with field names in lower case', () => {
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
        webSockets: false,
        maxObjectBytes: 8_388_608,
        via: 'herdgate',
      },
    })
  })
})

test('default limits are the same with and without a file', () => {
  expect(valid({ text: ONE }).limits).toEqual(valid({ flags: ORIGIN }).limits)
  expect(valid({ text: `${ONE}limits: { headBytes: 8KiB }` }).limits).toEqual({
    ...valid({ flags: ORIGIN }).limits,
    headBytes: 8_192,
  })
})

describe('precedence', () => {
  test('flags override environment, which overrides file, which overrides defaults', () => {
    const text = `${ONE}listen: { port: 1001 }\n`
    const env = { HERDGATE_PORT: '1002' }
    expect(valid({ text: ONE }).listen.port).toBe(8080)
    expect(valid({ text }).listen.port).toBe(1001)
    expect(valid({ text, env }).listen.port).toBe(1002)
    expect(valid({ text, env, flags: { port: '1003' } }).listen.port).toBe(1003)
  })

  test('flags override environment for every setting', () => {
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
    const fromFlags = { host: '127.0.0.3', port: 3, token: 'token-of-the-flags', tokens: [] }
    const fromEnv = { host: '127.0.0.2', port: 2, token: 'token-of-the-environment', tokens: [] }
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

  test('HERDGATE_PORT overrides PORT, and HERDGATE_LOG_LEVEL overrides LOG_LEVEL', () => {
    const env = { PORT: '1', HERDGATE_PORT: '2', LOG_LEVEL: 'WARN', HERDGATE_LOG_LEVEL: 'debug' }
    expect(valid({ flags: ORIGIN, env })).toMatchObject({ listen: { port: 2 }, logLevel: 'debug' })
    expect(valid({ flags: ORIGIN, env: { PORT: '1', LOG_LEVEL: 'WARN' } })).toMatchObject({
      listen: { port: 1 },
      logLevel: 'warn',
    })
  })

  test("a route's own key overrides the flag that sets it for all", () => {
    const text = `${ONE}routes:\n  - { name: own, origin: api, match: { path: /own }, ttl: 5s, grace: 0s, softTimeout: 1s, cookies: rfc }\n`
    const flags = { ttl: '9s', grace: '9m', softTimeout: '9ms', cookies: 'ignore' }
    const [own, implied] = valid({ text, flags }).routes
    expect(own?.rules).toMatchObject({ ttl: 5_000, grace: 0, softTimeout: 1_000, cookies: 'rfc' })
    expect(implied?.rules).toMatchObject({ ttl: 9_000, grace: 540_000, softTimeout: 9, cookies: 'ignore' })
  })

  test('an empty variable counts as unset', () => {
    expect(valid({ flags: ORIGIN, env: { HERDGATE_TTL: '', HERDGATE_PORT: '', PORT: '7' } }).listen.port).toBe(7)
  })

  test('the file is the one named by flag, then by environment, then the conventional one', () => {
    expect(configPath({ config: 'a' }, { HERDGATE_CONFIG: 'b' })).toEqual({ path: 'a', where: '--config' })
    expect(configPath({}, { HERDGATE_CONFIG: 'b' })).toEqual({ path: 'b', where: 'HERDGATE_CONFIG' })
    expect(configPath({}, { HERDGATE_CONFIG: '' })).toEqual({ path: './herdgate.yaml', where: undefined })
  })

  test('the defaults are those in the documentation', () => {
    expect(valid({ flags: ORIGIN })).toEqual({
      listen: { host: '0.0.0.0', port: 8080, trustProxy: [], drainDelay: 0, via: 'herdgate' },
      admin: { host: '127.0.0.1', port: 9090, token: undefined, tokens: [] },
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
          totalTimeout: 21_600_000,
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
            webSockets: true,
            maxObjectBytes: 8_388_608,
            via: 'herdgate',
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

  test("the schema's defaults are those used without a file", () => {
    const route = `${ONE}routes: [{ name: default, origin: api }]\n`
    expect(valid({ text: route }).routes[0]?.rules).toEqual(valid({ flags: ORIGIN }).routes[0]?.rules)
    const { name: _, urls: __, ...inFile } = valid({ text: ONE }).origins[0]!
    expect(valid({ flags: ORIGIN }).origins[0]).toMatchObject(inFile)
  })
})

test.each([
  ['off', 'on'],
  ['Off', 'ON'],
  ['false', 'true'],
  ['${OFF}', '${ON}'],
])('%s and %s turn off and on', (off, on) => {
  const text = `${ONE}lane: ${off}\nstore: { memory: { admission: ${on} } }\n`
  const config = valid({ text, env: { OFF: 'off', ON: 'true' } })
  expect(config).toMatchObject({ lane: false, store: { memory: { admission: 'on' } } })
})

describe('tiers', () => {
  test('memory is the only tier by default', () => {
    expect(valid({ flags: ORIGIN }).store).toMatchObject({ disk: undefined, redis: undefined })
    expect(valid({ text: `${ONE}store: { memory: { maxBytes: 1MiB } }` }).store).toMatchObject({ disk: undefined })
  })

  test('flags, environment and file can each enable them', () => {
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

  test('the file can set options, and flags or environment the location', () => {
    const text = `${ONE}store: { disk: { maxBytes: 1GiB }, redis: { prefix: shop, deadline: 20ms } }`
    expect(valid({ text, flags: { disk: './cache' }, env: { REDIS_URL: 'redis://r.test' } }).store).toMatchObject({
      disk: { path: './cache', maxBytes: 2 ** 30 },
      redis: { url: 'redis://r.test', prefix: 'shop', deadline: 20 },
    })
    expect(faultLines({ text })).toEqual([
      'herdgate.yaml:3:10 store.disk.path: required: expected the path of a folder here or by --disk or HERDGATE_DISK',
      'herdgate.yaml:3:36 store.redis.url: required: expected a URL here or by --redis, HERDGATE_REDIS or REDIS_URL',
    ])
  })

  test('faults do not repeat a password in a misplaced URL', () => {
    const text = `${ONE}store: { redis: "redis://user:pass/word@r.test:6379" }`
    const origins = ['https://me:password@origin.test/', 'me:password@origin.test', 'http://me:pass"word@origin.test/']
    const lines = [...faultLines({ text }), ...origins.flatMap((origin) => faultLines({ flags: { origin: [origin] } }))]
    expect(lines).toEqual([
      'herdgate.yaml:3:17 store.redis: expected a map, got "redis://...@r.test:6379"',
      expect.stringMatching(/^--origin .* got "https:\/\/\.{3}@origin.test\/"$/),
      expect.stringMatching(/^--origin .* got "\.{3}@origin.test"/),
      expect.stringMatching(/^--origin .* got "http:\/\/\.{3}@origin.test\/"$/),
    ])
  })

  test('faults never repeat the address of Redis, which may contain a password', () => {
    const faults = faultLines({ flags: { ...ORIGIN, redis: 'http://user:hunter2@r.test' } })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain('--redis')
    expect(faults[0]).not.toContain('hunter2')
  })

  test.each(['herd{gate}', '', 'a b'])('%j is not a valid prefix', (redisPrefix) => {
    expect(faultLines({ flags: { ...ORIGIN, redisPrefix } })).toHaveLength(1)
  })
})
