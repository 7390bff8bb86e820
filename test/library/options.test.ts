/** Invalid options, as callers in JavaScript may give them, are refused when a part is made. */
import { expect, test } from 'vitest'
import { createCache } from '../../src/library/embed.ts'
import { createOrigin, defaultRules, type OriginOptions } from '../../src/library/http.ts'
import { diskLog } from '../../src/stores/disk/log.ts'
import { diskStore } from '../../src/stores/disk/store.ts'
import { localLog } from '../../src/stores/memory/log.ts'
import { memoryStore } from '../../src/stores/memory/store.ts'
import { redisLeases } from '../../src/stores/redis/leases.ts'
import { redisLog } from '../../src/stores/redis/log.ts'
import { redisStore } from '../../src/stores/redis/store.ts'
import { tiered } from '../../src/stores/tiered.ts'
import { temporaryFolder } from '../support/folder.ts'

const NO_SERVER = 'redis://127.0.0.1:1'
const ORIGIN = createOrigin({ name: 'none', urls: ['http://127.0.0.1:1'] })
const routeWith = (rules: object) => ({ name: 'all', match: {}, origin: ORIGIN, rules: { ...defaultRules, ...rules } })

test.each<[unknown, string]>([
  [5, 'expected an object as options of createCache, got 5'],
  [null, 'expected an object as options of createCache, got null'],
  [[], 'expected an object as options of createCache, got a list'],
  [{ stor: memoryStore({ maxBytes: 1 }) }, 'as options of createCache, got "stor"'],
  [{ store: 5 }, 'expected a store, such as memoryStore({ maxBytes }), as store, got 5'],
  [{ store: null }, 'as store, got null'],
  [{ store: {} }, 'as store, got an object'],
  [{ log: 5 }, 'expected a log, such as localLog(), as log, got 5'],
  [{ log: memoryStore({ maxBytes: 1 }) }, 'as log, got an object'],
  [{ routes: 5 }, 'expected a list as routes, got 5'],
  [{ routes: [5] }, 'expected name, match and origin in each of routes, got 5'],
  [{ routes: [{ name: 'all', match: {} }] }, 'expected name, match and origin in each of routes, got an object'],
  [{ routes: [{ name: 'all', match: {}, origin: ORIGIN }] }, 'with your changes as rules, got undefined'],
  [{ routes: [{ name: 'all', match: {}, origin: ORIGIN, rules: { ttl: 5 } }] }, 'as rules, got an object'],
  [{ routes: [routeWith({ tags: undefined })] }, 'as rules, got an object'],
  [{ routes: [routeWith({ key: undefined })] }, 'as rules, got an object'],
  [{ routes: [{ ...routeWith({}), ttl: 5 }] }, 'expected name, match, origin, rules as options of routes, got "ttl"'],
  [{ routes: [{ ...routeWith({}), match: { paths: '/x' } }] }, 'as options of match, got "paths"'],
  [
    { routes: [{ ...routeWith({}), match: { methods: 'GET' } }] },
    'expected a list of strings as match.methods, got "GET"',
  ],
  [{ routes: [{ ...routeWith({}), match: { path: 5 } }] }, 'expected a string as match.path, got 5'],
  [{ routes: [routeWith({ softTimout: 5 })] }, 'as options of rules, got "softTimout"'],
  [{ routes: [routeWith({ ttl: '30s' })] }, 'expected milliseconds as rules.ttl, got "30s"'],
  [{ routes: [routeWith({ grace: -1 })] }, 'expected milliseconds as rules.grace, got -1'],
  [{ routes: [routeWith({ softTimeout: Number.NaN })] }, 'expected milliseconds as rules.softTimeout, got NaN'],
  [
    { routes: [routeWith({ refreshAhead: 80 })] },
    'expected a number above 0 and below 1 as rules.refreshAhead, got 80',
  ],
  [{ routes: [routeWith({ cookies: 'SAFE' })] }, "expected 'safe', 'rfc' or 'ignore' as rules.cookies, got \"SAFE\""],
  [{ routes: [routeWith({ override: 'false' })] }, 'expected true or false as rules.override, got "false"'],
  [{ routes: [routeWith({ tags: 'catalog' })] }, 'expected a list of strings as rules.tags, got "catalog"'],
  [
    { routes: [routeWith({ statusTtl: { 404: 5 } })] },
    'expected a Map of status codes to milliseconds as rules.statusTtl, got an object',
  ],
  [
    { routes: [routeWith({ statusTtl: new Map([['404', 5]]) })] },
    'expected a Map of status codes to milliseconds as rules.statusTtl, got an object',
  ],
  [
    { routes: [routeWith({ maxObjectBytes: '1MiB' })] },
    'expected a number of bytes as rules.maxObjectBytes, got "1MiB"',
  ],
  [{ routes: [routeWith({ via: 5 })] }, 'expected a string as rules.via, got 5'],
  [{ routes: [routeWith({ key: { query: {} } })] }, 'as options of rules.key, got "query"'],
  [{ routes: [routeWith({ key: {} })] }, 'expected true or false as rules.key.sortQuery, got undefined'],
  [{ defaults: 5 }, "expected an object as defaults, such as { ttl: '5m' }, got 5"],
  [{ defaults: null }, 'as defaults, such as'],
  [{ defaults: { TTL: '5m' } }, 'got "TTL"'],
  [{ events: {} }, 'expected new Events() as events, got an object'],
  [{ clock: {} }, 'expected a clock with now and after as clock, got an object'],
  [{ clock: { now: Date.now } }, 'expected a clock with now and after as clock, got an object'],
  [{ limits: 5 }, 'expected an object as limits, got 5'],
  [{ limits: { maxWaiting: Number.NaN } }, 'expected a number above 0 as limits.maxWaiting, got NaN'],
  [{ limits: { maxWaiting: -1 } }, 'as limits.maxWaiting, got -1'],
  [{ limits: { maxWaiting: '5' } }, 'as limits.maxWaiting, got "5"'],
  [{ limits: { maxBodiesInProgress: '1MiB' } }, 'as limits.maxBodiesInProgress, got "1MiB"'],
  [{ limits: { maxwaiting: 5 } }, 'expected maxWaiting, maxBodiesInProgress as options of limits, got "maxwaiting"'],
  [{ sharing: 5 }, 'expected leases and maxObjectBytes as sharing, got 5'],
  [{ sharing: {} }, 'as sharing, got an object'],
  [{ sharing: { leases: {}, maxObjectBytes: 1 } }, 'as sharing, got an object'],
  [{ pressure: 5 }, 'expected an object as pressure, got 5'],
  [{ sizeOf: 5 }, 'expected a function as sizeOf, got 5'],
])('createCache(%j) is refused', (options, complaint) => {
  expect(() => createCache(options as object)).toThrow(complaint)
})

test("a field name with capitals, for which a client that sends it in lower case would get another's copy, is refused", () => {
  const route = routeWith({ key: { ...defaultRules.key, headers: ['X-Tenant'] } })
  const complaint = 'expected a list of field names in lower case as rules.key.headers, got a list'
  expect(() => createCache({ routes: [route] })).toThrow(complaint)
})

test.each([
  ['nothing', [], 'expected stores, the nearest first, as arguments of tiered, got undefined'],
  ['a list of stores', [[memoryStore({ maxBytes: 1 })]], 'got a list'],
  ['something else behind a store', [memoryStore({ maxBytes: 1 }), { url: NO_SERVER }], 'got an object'],
  ['a store that is not there', [memoryStore({ maxBytes: 1 }), undefined], 'got undefined'],
])('tiered refuses %s', (_, given, complaint) => {
  expect(() => Reflect.apply(tiered, undefined, given)).toThrow(complaint)
})

test('rules may leave out options without a default', () => {
  const { ttl, softTimeout, refreshAhead, ...rules } = defaultRules
  expect([ttl, softTimeout, refreshAhead]).toEqual([undefined, undefined, undefined])
  const route = { name: 'all', match: {}, origin: ORIGIN, rules }
  expect(() => createCache({ routes: [route] } as object)).not.toThrow()
})

test.each<[unknown, string]>([
  [undefined, 'expected an object as options of createOrigin, got undefined'],
  [{ name: 'a', urls: ['http://a.test'], headersTimout: 5 }, 'as options of createOrigin, got "headersTimout"'],
  [
    { name: 'a', urls: ['http://a.test'], headersTimeout: '5s' },
    'expected a number above 0 as headersTimeout, got "5s"',
  ],
  [{ name: 'a', urls: ['http://a.test'], maxConcurrency: 0 }, 'expected a number above 0 as maxConcurrency, got 0'],
  [{ name: 'a' }, 'expected urls as a list of strings'],
  [{ urls: ['http://a.test'] }, 'expected a string as name, got undefined'],
])('createOrigin refuses %j', (given, complaint) => {
  expect(() => createOrigin(given as OriginOptions)).toThrow(complaint)
})

test('a redisStore of a URL may be given a client that is undefined', async () => {
  const store = redisStore({ url: NO_SERVER, client: undefined })
  await store.close()
})

test('options that are undefined are ignored', () => {
  expect(() => createCache(undefined)).not.toThrow()
  expect(() => createCache({ store: undefined, limits: undefined, stor: undefined } as object)).not.toThrow()
  expect(() => createCache({ limits: { maxWaiting: undefined, maxwaiting: undefined } } as object)).not.toThrow()
})

test.each<unknown>(['bogus', true, null])('memoryStore refuses %j as admission', (given) => {
  const admission = given as 'on'
  expect(() => memoryStore({ maxBytes: 1, admission })).toThrow(/^expected 'on' or 'off' as admission, got /)
})

test.each<unknown>([Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1.5, '10', null])(
  'logs refuse %s as maxTargets',
  (given) => {
    const maxTargets = given as number
    const complaint = /^expected a whole number above 0 as maxTargets, got /
    expect(() => localLog({ maxTargets })).toThrow(complaint)
    expect(() => diskLog({ path: temporaryFolder(), maxTargets })).toThrow(complaint)
    expect(() => redisLog({ url: NO_SERVER, maxTargets })).toThrow(complaint)
  },
)

test.each<unknown>([null, 5, {}, '', []])('redisStore refuses %j as hmacKey', (given) => {
  const hmacKey = given as string
  expect(() => redisStore({ url: NO_SERVER, hmacKey })).toThrow(/as hmacKey/)
})

test.each<[string, (options: never) => unknown, object, string]>([
  ['memoryStore', memoryStore, { maxBytes: 1 }, 'maxObjectBytes'],
  ['diskStore', diskStore, { path: 'never-made' }, 'maxbytes'],
  ['redisStore', redisStore, { url: NO_SERVER }, 'secret'],
  ['localLog', localLog, {}, 'maxTarget'],
  ['diskLog', diskLog, { path: 'never-made' }, 'maxBytes'],
  ['redisLog', redisLog, { url: NO_SERVER }, 'client'],
  ['redisLeases', redisLeases, { url: NO_SERVER }, 'lease'],
])('%s refuses unknown options: %j with %s', (whose, make, options, other) => {
  const made = () => make({ ...options, [other]: 'x' } as never)
  expect(made).toThrow(new RegExp(`^expected .* as options of ${whose}, got "${other}"$`))
  expect(() => make(5 as never)).toThrow(`expected an object as options of ${whose}, got 5`)
})
