import { expect, test } from 'vitest'
import { createCache } from '../../src/library/embed.ts'
import { HerdgateError } from '../../src/errors.ts'
import { field } from '../../src/fields.ts'
import type { Rules } from '../../src/model.ts'
import { settle } from '../support/fake-clock.ts'
import { PushedBody } from '../support/scripted-origin.ts'
import { world } from '../support/world.ts'

/* Each test is a fault that was once found by reading, named after what went wrong. */
const FRESH = { 'Cache-Control': 'max-age=60' }

test('the error page of one user is not given to another', async () => {
  const w = world()
  const alice = w.get('/', { Authorization: 'Bearer alice' })
  const bob = w.get('/', { Authorization: 'Bearer bob' })
  await settle()
  w.origin.next.answer({ status: 500, body: 'trace of alice' })
  await settle()
  w.origin.next.answer({ status: 500, body: 'trace of bob' })
  expect([(await alice).body, (await bob).body]).toEqual(['trace of alice', 'trace of bob'])
})

test('a challenge that may be stored does not lock out who has credentials', async () => {
  const w = world()
  w.origin.script(({ fields }) =>
    field(fields, 'authorization') === undefined
      ? { status: 401, headers: { 'Cache-Control': 'max-age=20', 'WWW-Authenticate': 'Bearer' }, body: 'who?' }
      : { headers: { 'Cache-Control': 'max-age=20' }, body: 'welcome' },
  )
  expect((await w.get('/')).status).toBe(401)
  expect((await w.get('/')).result).toBe('hit')
  expect((await w.get('/', { Authorization: 'Bearer alice' })).body).toBe('welcome')
  expect((await w.get('/')).body).toBe('who?')
})

test('an error page that varies is not shared', async () => {
  const w = world()
  const both = [w.get('/', { 'Accept-Language': 'de' }), w.get('/', { 'Accept-Language': 'fr' })]
  await settle()
  w.origin.next.answer({ status: 500, headers: { Vary: 'Accept-Language' }, body: 'de' })
  await settle()
  w.origin.next.answer({ status: 500, headers: { Vary: 'Accept-Language' }, body: 'fr' })
  expect((await Promise.all(both)).map(({ body }) => body)).toEqual(['de', 'fr'])
})

test('a response that outgrows the limit before its reader has begun is not cut off', async () => {
  const w = world({ maxObjectBytes: 4 })
  const body = new PushedBody()
  body.push('1234')
  body.push('5678') // with the head, so to speak
  body.end()
  w.origin.script(() => ({ headers: FRESH, body }))
  expect((await w.get('/')).body).toBe('12345678')
})

test('what nobody reads any more is stopped when it outgrows the limit', async () => {
  const w = world({ maxObjectBytes: 4 })
  const body = new PushedBody()
  const reply = w.ask('/')
  await settle()
  const { signal } = w.origin.next
  w.origin.next.answer({ headers: FRESH, body })
  ;(await reply).body?.read().cancel()
  body.push('1234')
  body.push('5678')
  await settle()
  expect(signal?.aborted).toBe(true)
})

test.each(['no-cache', 'max-age=1, must-revalidate'])(
  'a newcomer is not answered by a dripping response that says %s',
  async (control) => {
    const w = world()
    const body = new PushedBody()
    const first = w.ask('/')
    await settle()
    w.origin.next.answer({ headers: { 'Cache-Control': control, ETag: '"1"' }, body })
    await first
    await w.clock.advance(20_000)
    const newcomer = w.get('/')
    await settle()
    expect(w.origin.requests).toHaveLength(2)
    w.origin.next.answer({ headers: { 'Cache-Control': control }, body: 'new' })
    expect((await newcomer).body).toBe('new')
  },
)

test('what arrives slowly and must be validated is stored however often it is asked for meanwhile', async () => {
  const w = world()
  const headers = { 'Cache-Control': 'no-cache', ETag: '"1"' }
  const asked = async () => {
    const body = new PushedBody()
    const reply = w.ask('/')
    await settle()
    w.origin.next.answer({ headers, body })
    const reader = (await reply).body?.read()
    return { finish: () => [body.push('v1'), body.end(), reader?.cancel()] }
  }
  const first = await asked()
  await w.clock.advance(1_000)
  const second = await asked()
  first.finish()
  await settle()
  const third = w.get('/')
  await settle()
  expect(field(w.origin.next.request.fields, 'if-none-match')).toBe('"1"')
  w.origin.next.answer({ status: 304, headers })
  expect(await third).toMatchObject({ body: 'v1', result: 'revalidated' })
  second.finish()
})

test('invalidating a resource that varies leaves every variant its grace', async () => {
  const w = world()
  const headers = { ...FRESH, Vary: 'Accept-Language' }
  w.origin.script((request) => ({ headers, body: request.fields[request.fields.indexOf('Accept-Language') + 1] ?? '' }))
  for (const language of ['de', 'fr']) await w.get('/', { 'Accept-Language': language })
  await w.cache.invalidate({ urls: ['http://a.test/'] })
  await w.get('/', { 'Accept-Language': 'de' })
  w.origin.script(() => new HerdgateError('origin_refused'))
  expect(await w.get('/', { 'Accept-Language': 'fr' })).toMatchObject({ body: 'fr', result: 'stale_if_error' })
})

test('a fetch that a purge has overtaken does not mark the key of its successor as unshareable', async () => {
  const w = world()
  const old = w.get('/')
  await settle()
  await w.cache.purge({ all: true })
  const fresh = w.get('/')
  await settle()
  w.origin.waiting[1]?.answer({ headers: FRESH, body: 'new' })
  await fresh
  w.origin.next.answer({ headers: { 'Cache-Control': 'no-store' } })
  await old
  expect(await w.get('/')).toMatchObject({ body: 'new', result: 'hit' })
})

test('a value set during a load that then skips is kept', async () => {
  const cache = createCache()
  const gate = Promise.withResolvers<void>()
  const skipping = cache.getOrSet('k', async ({ skip }) => {
    await gate.promise
    skip()
    return 'mine'
  })
  await settle()
  await cache.set('k', 'new')
  gate.resolve()
  await skipping
  expect(await cache.get('k')).toBe('new')
})

test('a value set during a load for one caller alone is kept', async () => {
  const cache = createCache()
  await cache.getOrSet('k', ({ skip }) => skip())
  const gate = Promise.withResolvers<void>()
  const alone = cache.getOrSet('k', async () => {
    await gate.promise
    return 'old'
  })
  await settle()
  await cache.set('k', 'new')
  gate.resolve()
  expect(await alone).toBe('old')
  expect(await cache.get('k')).toBe('new')
  await cache.delete('k')
  expect(await cache.getOrSet('k', () => 'newer')).toBe('newer')
  expect(await cache.get('k')).toBe('newer')
})

test('a 304 that brings a Vary is from then on for those it selects', async () => {
  const w = world()
  w.origin.script((request, number) =>
    request.fields.includes('If-None-Match')
      ? { status: 304, headers: { ...FRESH, ETag: '"1"', Vary: 'Accept-Language' } }
      : { headers: { ...FRESH, ETag: '"1"', ...(number > 1 && { Vary: 'Accept-Language' }) }, body: `v${number}` },
  )
  await w.get('/', { 'Accept-Language': 'de' })
  await w.clock.advance(61_000)
  expect((await w.get('/', { 'Accept-Language': 'de' })).body).toBe('v1')
  expect((await w.get('/', { 'Accept-Language': 'fr' })).body).toBe('v3')
  expect(await w.get('/', { 'Accept-Language': 'de' })).toMatchObject({ body: 'v1', result: 'hit' })
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

test.each<[string, Partial<Rules>, string]>([
  ['of a response, whose UTF-8 is received octet by octet', {}, 'caf\u00c3\u00a9'],
  ['of a response, in ISO-8859-1', {}, 'caf\u00e9'],
  ['of a route', { tags: ['café'] }, 'other'],
])('a purge by a tag outside ASCII finds it: %s', async (_, rules, received) => {
  const w = world(rules)
  w.origin.script(() => ({ headers: { ...FRESH, 'Surrogate-Key': received } }))
  await w.get('/x')
  await w.cache.invalidate({ tags: ['caf', 'cafe'] })
  expect((await w.get('/x')).result).toBe('hit')
  await w.cache.purge({ tags: ['café'] })
  expect((await w.get('/x')).result).toBe('miss')
})

test.each([{ urls: ['/x'] }, { prefixes: ['a.test/x'] }, {}, { all: false }])(
  'a purge of %j is refused',
  async (targets) => {
    const w = world()
    await expect(w.cache.purge(targets)).rejects.toThrow(RangeError)
  },
)

test('an origin with no room left is told apart: shed', async () => {
  const w = world()
  w.origin.script(() => new HerdgateError('overloaded'))
  expect(await w.get('/')).toMatchObject({ status: 503, result: 'shed' })
})

test('a reader that resumes after a stall is not left waiting for one that does not', async () => {
  const w = world({ maxObjectBytes: 1 })
  const body = new PushedBody()
  const [first, second] = [w.ask('/'), w.ask('/')]
  await settle()
  w.origin.next.answer({ headers: FRESH, body })
  const readers = [(await first).body?.read(), (await second).body?.read()]
  const chunk = 'x'.repeat(300_000)
  for (let n = 0; n < 4; n++) body.push(chunk)
  body.end()
  await w.clock.advance(10_000) // both stall: nobody is to blame
  const rest = (async () => {
    let bytes = 0
    for (;;) {
      const next = await readers[0]?.next()
      if (next === undefined) return bytes
      bytes += next.length
    }
  })()
  await settle()
  await w.clock.advance(10_000)
  expect(await rest).toBe(1_200_000)
})

test('a size that is no whole number does not hang the caller', async () => {
  const cache = createCache({ sizeOf: () => 0.5 })
  expect(await cache.getOrSet('k', () => 1)).toBe(1)
})

test('a 304 confirms nothing where no condition could be sent', async () => {
  const w = world()
  const headers = { ETag: '"with space"', 'Cache-Control': 'max-age=1, stale-if-error=0' }
  w.origin.script((_, number) => (number === 1 ? { headers, body: 'old' } : { status: 304, headers: FRESH }))
  await w.get('/')
  await w.clock.advance(2_000)
  expect((await w.get('/')).status).toBe(502)
})

test('an origin that goes on to answer 304 is not believed, and its 304 not passed on', async () => {
  const w = world()
  const headers = { ETag: '"1"', 'Cache-Control': 'max-age=1, stale-if-error=0' }
  w.origin.script((_, number) => (number === 1 ? { headers, body: 'old' } : { status: 304, headers: { ETag: '"2"' } }))
  await w.get('/')
  await w.clock.advance(2_000)
  expect((await w.get('/')).status).toBe(502)
  expect(w.origin.requests).toHaveLength(3)
})

test.each([
  { status: 503, headers: { 'Cache-Control': 'max-age=10' } },
  { status: 403, headers: { 'Cache-Control': 'max-age=10' } },
  { status: 403 },
])('who wants no stale copy does not have %j take its place for all others', async (error) => {
  const w = world({ grace: 3_600_000 })
  w.origin.script(() => ({ headers: FRESH, body: 'good' }))
  await w.get('/')
  await w.clock.advance(61_000)
  w.origin.script(() => error)
  expect((await w.get('/', { 'Cache-Control': 'stale-if-error=0' })).status).toBe(error.status)
  await w.clock.advance(6_000)
  w.origin.script(() => new HerdgateError('origin_refused'))
  expect(await w.get('/')).toMatchObject({ body: 'good', result: 'stale_if_error' })
})

test('what means nothing in a GET does not reach the origin where requests go side by side either', async () => {
  const w = world()
  w.origin.script((_, number) => ({ headers: number === 1 ? { 'Cache-Control': 'private' } : FRESH, body: 'fine' }))
  await w.get('/')
  expect((await w.get('/', { 'Content-Type': 'in/valid' })).cacheStatus).toContain('stored')
  expect(field(w.origin.requests[1]?.fields ?? [], 'content-type')).toBeUndefined()
})

test('requests for different ranges of a stale copy are one refresh', async () => {
  const w = world({ softTimeout: 0 })
  w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=1', ETag: '"1"' }, body: '0123456789' }))
  await w.get('/')
  await w.clock.advance(2_000)
  w.origin.script(() => undefined)
  for (let first = 0; first < 9; first++) await w.get('/', { Range: `bytes=${first}-9` })
  await settle()
  expect(w.origin.waiting).toHaveLength(1)
  w.origin.next.answer({ status: 304, headers: { 'Cache-Control': 'max-age=60', ETag: '"1"' } })
  await settle()
  expect(await w.get('/', { Range: 'bytes=8-9' })).toMatchObject({ status: 206, body: '89', result: 'hit' })
})

test('the slow answer to a HEAD does not bring back what a GET has replaced meanwhile', async () => {
  const w = world()
  const headers = (version: number) => ({ 'Cache-Control': 'max-age=1', ETag: `"${version}"` })
  w.origin.script(() => ({ headers: headers(1), body: 'v1' }))
  await w.get('/')
  await w.clock.advance(2_000)
  w.origin.script(() => undefined)
  const head = w.get('/', {}, { method: 'HEAD' })
  await w.clock.advance(10)
  const get = w.get('/')
  await settle()
  w.origin.waiting[1]?.answer({ headers: { 'Cache-Control': 'max-age=60', ETag: '"2"' }, body: 'v2' })
  await get
  w.origin.next.answer({ headers: { 'Cache-Control': 'max-age=60', ETag: '"1"', 'Content-Length': '2' } })
  await head
  expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
})

const CONSENTING = { 'Cache-Control': 'public, max-age=60' }
const VARYING = { ...CONSENTING, Vary: 'Accept' }
const AUTHORIZED = { Authorization: 'Bearer alice' }
const RANGED = { Range: 'bytes=0-1' }

/** While `v1` arrives slowly for the one who asked `early`, `v2` is asked for and is there at once. */
async function overtaken(
  w: ReturnType<typeof world>,
  headers: Record<string, string>,
  asked: { early: Record<string, string>; late: Record<string, string>; laterMs: number },
): Promise<void> {
  const body = new PushedBody()
  const slow = w.ask('/', asked.early)
  await settle()
  w.origin.next.answer({ headers, body })
  const reader = (await slow).body?.read()
  await w.clock.advance(asked.laterMs)
  const quick = w.get('/', asked.late)
  await settle()
  w.origin.next.answer({ headers, body: 'v2' })
  await quick
  body.push('v1')
  body.end()
  await settle()
  reader?.cancel()
}

test.each([
  ['with credentials', AUTHORIZED, {}, CONSENTING],
  ['without credentials', {}, AUTHORIZED, CONSENTING],
  ['without credentials, of what varies,', {}, AUTHORIZED, VARYING],
  ['for a range', RANGED, {}, CONSENTING],
])('a slow fetch %s does not bring back what a later one has replaced meanwhile', async (_, early, late, headers) => {
  const w = world()
  await overtaken(w, headers, { early, late, laterMs: 1_000 })
  expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
})

test('a HEAD that makes a copy as good as new does not give up the fetch that will replace it', async () => {
  const w = world()
  const headers = { 'Cache-Control': 'max-age=10' }
  const first = w.get('/')
  await settle()
  w.origin.next.answer({ headers, body: 'v1' })
  await first
  await w.clock.advance(20_000)
  const slow = w.get('/')
  await settle()
  await w.clock.advance(500)
  const head = w.get('/', {}, { method: 'HEAD' })
  await settle()
  w.origin.waiting[1]?.answer({ headers })
  await head
  w.origin.next.answer({ headers, body: 'v2' })
  await slow
  await settle()
  expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
})

test('a slow fetch that turns out to vary does not bring back what a later one has stored meanwhile', async () => {
  const w = world()
  const headers = { 'Cache-Control': 'max-age=1, stale-if-error=600', Vary: 'Accept' }
  await overtaken(w, headers, { early: {}, late: {}, laterMs: 2_000 })
  await w.clock.advance(2_000)
  const asked = w.get('/')
  await settle()
  w.origin.next.fail()
  expect(await asked).toMatchObject({ body: 'v2', result: 'stale_if_error' })
})

test('a fetch that varies, overtaken by one with credentials before its head, is not stored in its place', async () => {
  const w = world()
  const headers = { ...CONSENTING, Vary: 'Accept' }
  const slow = w.get('/')
  await settle()
  await w.clock.advance(1_000)
  const quick = w.get('/', AUTHORIZED)
  await settle()
  w.origin.waiting[1]?.answer({ headers, body: 'v2' })
  await quick
  w.origin.next.answer({ headers, body: 'v1' })
  await slow
  await settle()
  expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
})

test('a slow part does not take the place of a whole that was asked for later', async () => {
  const w = world()
  const body = new PushedBody()
  const slow = w.ask('/', RANGED)
  await settle()
  const part = { ...CONSENTING, ETag: '"1"', 'Content-Range': 'bytes 0-1/4', 'Content-Length': '2' }
  w.origin.next.answer({ status: 206, headers: part, body })
  await slow
  await w.clock.advance(1_000)
  const quick = w.get('/')
  await settle()
  w.origin.next.answer({ headers: { ...CONSENTING, ETag: '"2"' }, body: 'new!' })
  await quick
  body.push('ol')
  body.end()
  await settle()
  expect(await w.get('/')).toMatchObject({ body: 'new!', result: 'hit' })
})

test('who joins a fetch and gets the stale copy because it is slow is counted among the collapsed', async () => {
  const w = world({ softTimeout: 100 })
  w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=1' }, body: 'v1' }))
  await w.get('/')
  await w.clock.advance(2_000)
  w.origin.script(() => undefined)
  const both = [w.get('/'), w.get('/')]
  await settle()
  await w.clock.advance(100)
  expect((await Promise.all(both)).map(({ result }) => result)).toEqual(['stale', 'stale'])
  expect(w.seen.collapse).toEqual([{ route: 'default', outcome: 'timeout' }])
})

test('who waits for another and gets its error is counted among the collapsed', async () => {
  const w = world()
  const both = [w.get('/'), w.get('/')]
  await settle()
  w.origin.next.fail()
  expect((await Promise.all(both)).map(({ status }) => status)).toEqual([502, 502])
  expect(w.seen.collapse).toEqual([{ route: 'default', outcome: 'reused' }])
})

test('a prefix with a query, below which nothing lies, is refused', async () => {
  await expect(world().cache.purge({ prefixes: ['http://a.test/x?y'] })).rejects.toThrow(RangeError)
})
