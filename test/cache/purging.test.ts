import { expect, test } from 'vitest'
import { HerdgateError } from '../../src/errors.ts'
import { createCache } from '../../src/library/embed.ts'
import type { Rules } from '../../src/model.ts'
import { memoryStore } from '../../src/stores/memory/store.ts'
import { tiered } from '../../src/stores/tiered.ts'
import { settle } from '../support/fake-clock.ts'
import { FarStore } from '../support/far-store.ts'
import { world } from '../support/world.ts'

const FRESH = { 'Cache-Control': 'max-age=60' }

test('every variant of an invalidated resource can still be served stale within its grace', async () => {
  const w = world()
  const headers = { ...FRESH, Vary: 'Accept-Language' }
  w.origin.script((request) => ({ headers, body: request.fields[request.fields.indexOf('Accept-Language') + 1] ?? '' }))
  for (const language of ['de', 'fr']) await w.get('/', { 'Accept-Language': language })
  await w.cache.invalidate({ urls: ['http://a.test/'] })
  await w.get('/', { 'Accept-Language': 'de' })
  w.origin.script(() => new HerdgateError('origin_refused'))
  expect(await w.get('/', { 'Accept-Language': 'fr' })).toMatchObject({ body: 'fr', result: 'stale_if_error' })
})

test.each([
  { urls: ['/x'] },
  { prefixes: ['a.test/x'] },
  { prefixes: ['http://a.test/x/*'] },
  {},
  { all: false },
  { tags: [''] },
  { tags: ['a', ''], urls: ['http://a.test/'] },
])('a purge of %j is refused, and nothing is logged', async (targets) => {
  const w = world()
  await expect(w.cache.purge(targets)).rejects.toThrow(RangeError)
  await expect(w.cache.invalidate(targets)).rejects.toThrow(RangeError)
  expect(w.log.position).toBe(0)
})

test.each(['tags', 'urls', 'prefixes', 'keys'])(
  '%s that are not a list of strings are refused, and nothing is logged',
  async (what) => {
    const w = world()
    for (const names of ['http://a.test/', ['http://a.test/', 1], [null], {}]) {
      const targets: object = { [what]: names }
      await expect(w.cache.purge(targets)).rejects.toThrow(new TypeError(`expected ${what} as a list of strings`))
    }
    expect([w.log.position, w.seen.purge]).toEqual([0, []])
  },
)

test.each<[object | string | undefined, string]>([
  [{ tags: ['a'], url: ['http://a.test/'] }, 'got "url"'],
  [{ prefix: ['http://a.test/'], all: true }, 'got "prefix"'],
  [{ tags: ['a'], all: 'true' }, 'expected true or false as all, got "true"'],
  ['a', 'expected an object as options of purge and invalidate, got "a"'],
  [undefined, 'expected an object as options of purge and invalidate, got undefined'],
])('a purge with malformed options is refused, and nothing is logged: %j', async (targets, complaint) => {
  const w = world()
  for (const purge of [w.cache.purge, w.cache.invalidate])
    await expect(purge(targets as object)).rejects.toThrow(complaint)
  expect([w.log.position, w.seen.purge]).toEqual([0, []])
})

test('selectors that are undefined are ignored', async () => {
  const w = world()
  const targets: object = {
    keys: ['k'],
    tags: undefined,
    urls: undefined,
    prefixes: undefined,
    all: undefined,
    by: undefined,
  }
  await w.cache.purge(targets)
  expect(w.log.position).toBe(1)
})

test.each(['HTTP://A.TEST/x', 'http://a.test:80/x', 'https://a.test/x'])(
  'a purge of %s finds http://a.test/x',
  async (url) => {
    const w = world()
    w.origin.script(() => ({ headers: FRESH }))
    await w.get('/x')
    await w.cache.purge({ urls: [url] })
    expect((await w.get('/x')).result).toBe('miss')
  },
)

test('a prefix with a query is refused', async () => {
  await expect(world().cache.purge({ prefixes: ['http://a.test/x?y'] })).rejects.toThrow(RangeError)
})

test.each<[string, Partial<Rules>, string]>([
  ['of a response, whose UTF-8 is received octet by octet', {}, 'caf\u00c3\u00a9'],
  ['of a response, in ISO-8859-1', {}, 'caf\u00e9'],
  ['of a route', { tags: ['café'] }, 'other'],
])('a purge finds a tag outside ASCII: that %s', async (_, rules, received) => {
  const w = world(rules)
  w.origin.script(() => ({ headers: { ...FRESH, 'Surrogate-Key': received } }))
  await w.get('/x')
  await w.cache.invalidate({ tags: ['caf', 'cafe'] })
  expect((await w.get('/x')).result).toBe('hit')
  await w.cache.purge({ tags: ['café'] })
  expect((await w.get('/x')).result).toBe('miss')
})

/** A cache with one value, which is in memory and in a far store. */
async function withFarStore() {
  const memory = memoryStore({ maxBytes: '1MiB' })
  const far = new FarStore()
  const cache = createCache({ store: tiered(memory, far) })
  await cache.getOrSet('k', () => 'old', { ttl: '1m' })
  const objects = (store: typeof memory | FarStore) => store.usage()[0]?.objects
  return { cache, memory, far, objects }
}

test('a purge of everything by an operator frees memory at once and does not wait for a far store', async () => {
  const { cache, memory, far, objects } = await withFarStore()
  const resumeWrites = far.holdWrites()
  await cache.purge({ all: true, by: 'admin' })
  expect(await cache.get('k')).toBeUndefined()
  expect([objects(memory), objects(far)]).toEqual([0, 1])
  resumeWrites()
  await settle()
  expect(objects(far)).toBe(0)
})

test.each(['clears it', 'purges everything'])(
  'a library caller who %s is answered only once a far store is empty too',
  async (how) => {
    const { cache, far, objects } = await withFarStore()
    const resumeWrites = far.holdWrites()
    let isCleared = false
    const asked = how === 'clears it' ? cache.clear() : cache.purge({ all: true })
    const clearing = asked.then(() => (isCleared = true))
    await settle()
    expect(isCleared).toBe(false)
    resumeWrites()
    await clearing
    expect(objects(far)).toBe(0)
  },
)

test.each(['clears it', 'purges everything'])(
  'a library caller who %s has done so even when a store cannot be cleared',
  async (how) => {
    const { cache, far } = await withFarStore()
    far.clear = () => Promise.reject(new Error('no'))
    await (how === 'clears it' ? cache.clear() : cache.purge({ all: true }))
    expect(await cache.get('k')).toBeUndefined()
  },
)
