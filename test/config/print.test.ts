import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { Config } from '../../src/config.ts'
import { printConfig } from '../../src/config/print.ts'
import { knownKeys } from '../../src/config/known-keys.ts'
import { faultLines, type Given, ONE, ORIGIN, TWO, valid } from './given.ts'

/** Every key, with a value other than its default. */
const EVERYTHING = `version: 1
listen: { host: 127.0.0.1, port: 8081, trustProxy: [loopback, 10.0.0.0/8], drainDelay: 1500ms, via: edge }
admin:
  host: 0.0.0.0
  port: 9091
  token: an-admin-token-of-ours
  tokens:
    - name: team-a
      token: the-token-of-team-a
      tags: ["team-a:*", "$\${literal}"]
      prefixes: [https://shop.example/a]
    - { name: reader, token: the-token-of-the-reader, read: true }
workers: 3
origins:
  api: { urls: ["http://10.0.0.5:3000/$\${base}"], connectTimeout: 1s, headersTimeout: 20s, bodyTimeout: 10s, totalTimeout: 1h, maxConcurrency: 256 }
routes:
  - name: catalog
    match: { host: "*.shop.example", path: "/catalog/*", methods: [GET, HEAD] }
    origin: api
    ttl: 90s
    override: true
    grace: 2d
    softTimeout: 0s
    refreshAhead: 0.8
    cookies: rfc
    errorTtlMax: 1ms
    tags: [catalog, "$\${not a variable}", "null", "1"]
    key: { query: { sort: true, ignore: [utm_*] }, headers: [X-Tenant], cookies: [currency] }
    statusTtl: { "404": 10s }
    bypass: true
    webSockets: false
limits:
  { maxConnections: 500, headBytes: 8KiB, headTimeout: 5s, idleTimeout: 30s, minRate: 513, minRateWindow: 20s, maxWaiting: 100, maxBodiesInProgress: 64MiB }
store:
  memory: { maxBytes: 1GiB, maxObjectBytes: 1000000, admission: off }
  disk: { path: ./cache, maxBytes: 1TiB }
  redis: { url: "redis://user:p%40ssword@r.test:1/2", prefix: ours, deadline: 20ms, maxObjectBytes: 2MiB, secret: a-secret-of-the-cache }
lane: off
coherence: { lease: 7s }
chaos:
  seed: 7
  store:
    memory: { errorRate: 0.1, delay: 20ms, partition: { every: 30s, for: 5s } }
    disk: { errorRate: 0.2, delay: 20ms, partition: { every: 30s, for: 5s }, corruption: 0.5 }
    redis: { errorRate: 0.3, delay: 5ms..1s, partition: { every: 30s, for: 5s }, corruption: 0.5 }
  origins: { api: { errorRate: 0.3, delay: 5ms..1s, partition: { every: 30s, for: 5s }, corruption: 0.5 } }
`
const SECRETS = {
  ADMIN_TOKEN: 'an-admin-token-of-ours',
  ADMIN_TOKEN_1: 'the-token-of-team-a',
  ADMIN_TOKEN_2: 'the-token-of-the-reader',
  REDIS_PASSWORD: 'p%40ssword',
  CACHE_SECRET: 'a-secret-of-the-cache',
}

/** Loads the printed configuration again, with the flags that it mentions. */
function again(config: Config): Config {
  const text = printConfig(config)
  const [, logLevel] = /--log-level (\w+)/.exec(text) ?? []
  const flags = { ...(config.chaos !== undefined && { chaos: true }), ...(logLevel !== undefined && { logLevel }) }
  return valid({ text, flags, env: SECRETS })
}

describe('the printed configuration is equivalent', () => {
  test.each<[string, Given]>([
    ['with every key', { text: EVERYTHING, flags: { chaos: true, logLevel: 'debug' } }],
    ['of a file with next to nothing', { text: ONE }],
    ['of flags alone', { flags: { ...ORIGIN, ttl: '90s', redis: 'redis://r.test', disk: 'd', cookies: 'ignore' } }],
    ['of flags before a file', { text: TWO, flags: { ...ORIGIN, adminToken: SECRETS.ADMIN_TOKEN, workers: 'auto' } }],
    ['of the environment', { env: { HERDGATE_ORIGIN: 'http://a.test,http://b.test/x', HERDGATE_GRACE: '0s' } }],
  ])('%s', (_what, given) => {
    const config = valid(given)
    expect(again(config)).toEqual(config)
    expect(printConfig(again(config))).toBe(printConfig(config))
  })
})

test('no key is omitted', () => {
  const printed: unknown = parse(printConfig(valid({ text: EVERYTHING, flags: { chaos: true } })))
  const ofImplied = /^routes\.1\./
  expect(missingIn(printed, []).filter((key) => !ofImplied.test(key))).toEqual([])
})

test('secrets are not printed but replaced by variables that have to be set', () => {
  const text = printConfig(valid({ text: EVERYTHING, flags: { chaos: true } }))
  for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret)
  expect(text).toContain('redis://user:${REDIS_PASSWORD}@r.test:1/2')
  expect(faultLines({ text, flags: { chaos: true } }).map((line) => line.replace(/^\S+ /, ''))).toEqual([
    'admin.token: environment variable ADMIN_TOKEN is not set',
    'admin.tokens[0].token: environment variable ADMIN_TOKEN_1 is not set',
    'admin.tokens[1].token: environment variable ADMIN_TOKEN_2 is not set',
    'store.redis.url: environment variable REDIS_PASSWORD is not set',
    'store.redis.secret: environment variable CACHE_SECRET is not set',
  ])
})

/** Keys that a file may have and this value lacks. */
function missingIn(value: unknown, path: readonly PropertyKey[]): string[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((member: unknown, at) => missingIn(member, [...path, at]))
  const missing = knownKeys(path).filter((key) => !(key in value))
  return [
    ...missing.map((key) => [...path, key].join('.')),
    ...Object.entries(value).flatMap(([key, member]) => missingIn(member, [...path, key])),
  ]
}
