import { describe, expect, test } from 'vitest'
import { HerdgateError } from '../../../src/errors.ts'
import { field } from '../../../src/fields.ts'
import { settle } from '../../support/fake-clock.ts'
import { type Answer, PushedBody } from '../../support/scripted-origin.ts'
import { world } from '../../support/world.ts'

/* Storable errors: how long they are served, and what they do not replace. */

const GRACE = 3_600_000

describe.each([400, 401, 403])('a stored %i', (status) => {
  const refused = () => {
    const w = world({ grace: GRACE })
    w.origin.script((_, number) => ({ status, headers: { 'Cache-Control': 'max-age=3' }, body: `no ${number}` }))
    return w
  }

  test('is stored anew each time it has expired', async () => {
    const w = refused()
    for (const number of [1, 2, 3]) {
      expect(await w.get('/')).toMatchObject({ body: `no ${number}`, result: 'miss' })
      expect(await w.get('/')).toMatchObject({ body: `no ${number}`, result: 'hit' })
      await w.clock.advance(3_001)
    }
  })

  test('that has expired is fetched once for concurrent requests', async () => {
    const w = refused()
    await w.get('/')
    await w.clock.advance(3_001)
    await Promise.all(Array.from({ length: 20 }, () => w.get('/')))
    expect(w.origin.requests).toHaveLength(2)
  })

  test.each([{ softTimeout: 0 }, { softTimeout: 300 }])(
    'is not served stale, whatever the route: %j',
    async (rules) => {
      const w = world({ grace: GRACE, ...rules })
      w.origin.script(() => ({ status, headers: { 'Cache-Control': 'max-age=3' } }))
      await w.get('/')
      await w.clock.advance(3_001)
      w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=60' }, body: 'well again' }))
      const answer = w.get('/')
      await settle()
      expect(await answer).toMatchObject({ status: 200, body: 'well again', result: 'miss' })
    },
  )
})

test.each([403, 503])(
  'a stored error that is invalidated is not served stale either: a new %i replaces it',
  async (status) => {
    const w = world({ grace: GRACE, softTimeout: 300 })
    const answer = (body: string) => ({ status, headers: { 'Cache-Control': 'max-age=20' }, body })
    w.origin.script(() => answer('old'))
    await w.get('/')
    await w.cache.invalidate({ all: true })
    w.origin.script(() => undefined)
    const slow = w.get('/')
    await w.clock.advance(301)
    w.origin.next.answer(answer('new'))
    expect(await slow).toMatchObject({ status, body: 'new' })
    expect(await w.get('/')).toMatchObject({ status, body: 'new', result: 'hit' })
  },
)

test.each([403, 500, 501, 503])('a stored error does not answer a reload that gets a new %i', async (status) => {
  const w = world({ grace: GRACE })
  w.origin.script((_, number) => ({ status, headers: { 'Cache-Control': 'max-age=20' }, body: `no ${number}` }))
  await w.get('/')
  expect(await w.get('/', { 'Cache-Control': 'no-cache' })).toMatchObject({ status, body: 'no 2' })
  expect(await w.get('/')).toMatchObject({ status, body: 'no 2', result: 'hit' })
})

describe('beside variants', () => {
  const GZIP = { 'Accept-Encoding': 'gzip' }
  const BR = { 'Accept-Encoding': 'br' }
  const GOOD = { headers: { 'Cache-Control': 'max-age=600', Vary: 'Accept-Encoding' }, body: 'good' }
  const error = (status: number, headers: Record<string, string> = {}): Answer => ({
    status,
    headers: { 'Cache-Control': 'max-age=3', ...headers },
    body: 'error',
  })

  /** A world with one variant stored. */
  const withVariant = async (rules: Parameters<typeof world>[0] = {}, good: Answer = GOOD) => {
    const w = world({ grace: GRACE, ...rules })
    w.origin.script(() => good)
    await w.get('/', GZIP)
    return w
  }

  test.each([400, 403, 500, 501, 503])(
    'a %i without Vary is stored only for the variant of the request, for its own lifetime',
    async (status) => {
      const w = await withVariant()
      w.origin.script(() => error(status))
      expect(await w.get('/', BR)).toMatchObject({ status, result: 'miss' })
      expect(await w.get('/', BR)).toMatchObject({ status, result: 'hit' })
      expect(await w.get('/', GZIP)).toMatchObject({ body: 'good', result: 'hit' })
      await w.clock.advance(3_001)
      await w.get('/', BR)
      expect(await w.get('/', GZIP)).toMatchObject({ body: 'good', result: 'hit' })
      expect(w.origin.requests).toHaveLength(3)
    },
  )

  test('a 503 answers all waiters for the same variant', async () => {
    const w = await withVariant()
    w.origin.script(() => error(503))
    await Promise.all(Array.from({ length: 10 }, () => w.get('/', BR)))
    expect(w.origin.requests).toHaveLength(2)
  })

  test('an error whose lifetime comes from statusTtl leaves the variants', async () => {
    const w = await withVariant({ statusTtl: new Map([[503, 2_000]]) })
    w.origin.script(() => ({ status: 503 }))
    await w.get('/')
    expect(await w.get('/')).toMatchObject({ status: 503, result: 'hit' })
    expect(await w.get('/', GZIP)).toMatchObject({ body: 'good', result: 'hit' })
  })

  test.each(['Origin', 'Accept-Encoding, Origin', 'Accept-Encoding'])(
    'an error with Vary: %s leaves the variants',
    async (vary) => {
      const w = await withVariant()
      w.origin.script(() => error(503, { Vary: vary }))
      const refused = await w.get('/', BR)
      expect(refused).toMatchObject({ status: 503, result: 'miss' })
      const isKept = vary === 'Accept-Encoding'
      expect(refused.cacheStatus.includes('stored')).toBe(isKept)
      expect(await w.get('/', BR)).toMatchObject({ status: 503, result: isKept ? 'hit' : 'miss' })
      await w.clock.advance(1_000)
      w.origin.script(() => new HerdgateError('origin_refused'))
      expect(await w.get('/', GZIP)).toMatchObject({ body: 'good', result: 'hit' })
    },
  )

  test('an error with Vary is served to requests that match it when nothing else is stored', async () => {
    const w = world()
    w.origin.script(() => error(503, { Vary: 'Accept-Encoding' }))
    expect(await w.get('/', BR)).toMatchObject({ status: 503, result: 'miss' })
    expect(await w.get('/', BR)).toMatchObject({ status: 503, result: 'hit' })
    expect(await w.get('/', GZIP)).toMatchObject({ status: 503, result: 'miss' })
  })

  test('an error leaves a variant that was requested before it and stored meanwhile', async () => {
    const w = await withVariant()
    w.origin.script(() => undefined)
    const earlier = w.get('/', { ...BR, Authorization: 'Bearer alice' })
    await w.clock.advance(10)
    const later = w.get('/', BR)
    await settle()
    w.origin.next.answer({ ...GOOD, headers: { ...GOOD.headers, 'Cache-Control': 'public, max-age=600' } })
    await earlier
    w.origin.next.answer(error(503))
    await later
    expect(await w.get('/', BR)).toMatchObject({ body: 'good', result: 'hit' })
  })

  test('an error with another Vary to a request that is not collapsed is not reported as stored', async () => {
    const w = await withVariant()
    w.origin.script(() => ({ status: 403, headers: { 'Cache-Control': 'private' } }))
    await w.get('/', BR)
    w.origin.script(() => ({
      ...error(503, { Vary: 'Origin' }),
      headers: { ...error(503).headers, 'Content-Length': '5', Vary: 'Origin' },
    }))
    const refused = await w.get('/', BR)
    expect(refused).toMatchObject({ status: 503, result: 'miss' })
    expect(refused.cacheStatus).toBe('herdgate; fwd=vary-miss; fwd-status=503')
    expect(await w.get('/', GZIP)).toMatchObject({ body: 'good', result: 'hit' })
  })

  test('an error leaves stale variants, which are served when the origin fails', async () => {
    const w = await withVariant()
    await w.clock.advance(601_000)
    w.origin.script(() => error(503))
    await w.get('/', BR)
    expect(await w.get('/', GZIP)).toMatchObject({ body: 'good', result: 'stale_if_error' })
  })

  test('an error leaves a variant that is still arriving', async () => {
    const w = world({ grace: GRACE })
    const body = new PushedBody()
    w.origin.script(() => ({ ...GOOD, body }))
    const reader = (await w.ask('/', GZIP)).body?.read()
    w.origin.script(() => error(503))
    await w.get('/', BR)
    body.push('good')
    body.end()
    await settle()
    reader?.cancel()
    expect(await w.get('/', GZIP)).toMatchObject({ body: 'good', result: 'hit' })
  })

  test('an error too long to be stored leaves the variants, and is remembered for its own variant', async () => {
    const w = await withVariant({ maxObjectBytes: 4 })
    w.origin.script(() => ({ ...error(503), body: 'far too long' }))
    await w.get('/', BR)
    expect(await w.get('/', GZIP)).toMatchObject({ body: 'good', result: 'hit' })
  })

  test.each(['de', 'de, fr;q=0.5'])(
    'an error in the language of a variant is not found by Accept-Language: %s',
    async (language) => {
      const german = { 'Cache-Control': 'max-age=600', Vary: 'Accept-Language', 'Content-Language': 'de' }
      const w = world({ grace: GRACE })
      w.origin.script(() => ({ headers: german, body: 'gut' }))
      await w.get('/', { 'Accept-Language': 'de, en;q=0.5' })
      w.origin.script(() => error(503, { Vary: 'Accept-Language', 'Content-Language': 'de' }))
      await w.get('/', { 'Accept-Language': 'en, de' })
      expect(await w.get('/', { 'Accept-Language': language })).toMatchObject({ body: 'gut', result: 'hit' })
    },
  )

  test('that may no longer be served, an error is stored for all', async () => {
    const w = await withVariant({ grace: 0 })
    await w.clock.advance(601_000)
    w.origin.script(() => error(503))
    await w.get('/', BR)
    expect(await w.get('/', GZIP)).toMatchObject({ status: 503, result: 'hit' })
  })

  test('that were purged, an error is stored for all', async () => {
    const w = await withVariant()
    await w.cache.purge({ urls: ['http://a.test/'] })
    w.origin.script(() => error(503))
    await w.get('/', BR)
    expect(await w.get('/', GZIP)).toMatchObject({ status: 503, result: 'hit' })
  })

  test('a 404 without Vary is stored for all, as it says that there are no variants', async () => {
    const w = await withVariant()
    w.origin.script(() => error(404))
    await w.get('/', BR)
    expect(await w.get('/', GZIP)).toMatchObject({ status: 404, result: 'hit' })
  })
})

describe('beside a part', () => {
  const WHOLE = '0123456789'
  const ranged = (headers: Record<string, string> = {}): ReturnType<typeof world> => {
    const w = world({ grace: GRACE })
    w.origin.script(({ fields }) => {
      const [, first = 0, last = 9] = /^bytes=(\d+)-(\d+)$/.exec(field(fields, 'range') ?? '') ?? []
      const body = WHOLE.slice(Number(first), Number(last) + 1)
      const range = { 'Content-Range': `bytes ${first}-${last}/10` }
      return { status: 206, headers: { 'Cache-Control': 'max-age=60', ETag: '"e"', ...range, ...headers }, body }
    })
    return w
  }
  const first = { Range: 'bytes=0-1' }
  const error = (status: number): Answer => ({ status, headers: { 'Cache-Control': 'max-age=3' }, body: 'error' })

  test.each([
    [503, 'bytes=5-6'],
    [403, 'bytes=5-6'],
    [503, undefined],
    [403, undefined],
  ])('a %i to a request for range %s leaves the part', async (status, range) => {
    const w = ranged()
    await w.get('/', first)
    w.origin.script(() => error(status))
    const answer = await w.get('/', range === undefined ? {} : { Range: range })
    expect(answer).toMatchObject({ status, result: 'miss' })
    expect(answer.cacheStatus).toContain('detail=kept-stale')
    expect(await w.get('/', first)).toMatchObject({ status: 206, body: '01', result: 'hit' })
  })

  test('an error to a former waiter leaves the part too', async () => {
    const w = ranged()
    await w.get('/', first)
    w.origin.script((_, number) => (number === 2 ? { status: 403 } : error(503)))
    const both = await Promise.all([w.get('/'), w.get('/')])
    expect(both.map(({ status }) => status)).toEqual([403, 503])
    expect(await w.get('/', first)).toMatchObject({ status: 206, body: '01', result: 'hit' })
  })

  test('an error leaves a stale part, which is served when the origin fails', async () => {
    const w = ranged()
    await w.get('/', first)
    await w.clock.advance(61_000)
    w.origin.script(() => error(503))
    await w.get('/', { Range: 'bytes=5-6' })
    expect(await w.get('/', first)).toMatchObject({ body: '01', result: 'stale_if_error' })
  })

  test('that may no longer be served, an error is stored', async () => {
    const w = ranged({ 'Cache-Control': 'max-age=60, must-revalidate' })
    await w.get('/', first)
    await w.clock.advance(61_000)
    w.origin.script(() => error(503))
    await w.get('/', { Range: 'bytes=5-6' })
    expect(await w.get('/', first)).toMatchObject({ status: 503, result: 'hit' })
  })

  test('that has arrived meanwhile, an error leaves the part', async () => {
    const w = world({ grace: GRACE })
    const refused = w.get('/', { Range: 'bytes=5-6' })
    const part = w.get('/', first)
    await settle()
    const headers = { 'Cache-Control': 'max-age=60', ETag: '"e"', 'Content-Range': 'bytes 0-1/10' }
    w.origin.waiting[1]?.answer({ status: 206, headers, body: '01' })
    await part
    w.origin.next.answer(error(503))
    await refused
    expect(await w.get('/', first)).toMatchObject({ body: '01', result: 'hit' })
  })
})

describe('beside a copy', () => {
  const error: Answer = { status: 503, headers: { 'Cache-Control': 'public, max-age=3' }, body: 'error' }
  const COOKIE = { Cookie: 'a=1' }

  test('that was fetched meanwhile, an error leaves the copy', async () => {
    const w = world({ grace: GRACE })
    const early = w.get('/')
    const late = w.get('/', COOKIE)
    await settle()
    w.origin.waiting[1]?.answer({ headers: { 'Cache-Control': 'public, max-age=60' }, body: 'good' })
    await late
    w.origin.next.answer(error)
    expect(await early).toMatchObject({ status: 503 })
    expect(await w.get('/')).toMatchObject({ body: 'good', result: 'hit' })
  })

  test.each([{}, COOKIE])('an error leaves the copy for others when a client with %j refuses it', async (headers) => {
    const w = world({ grace: GRACE })
    w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=1' }, body: 'good' }))
    await w.get('/')
    await w.clock.advance(1_001)
    if (headers === COOKIE) await w.get('/', COOKIE) // marks requests with a cookie as unshareable
    w.origin.script(() => error)
    const refused = await w.get('/', { ...headers, 'Cache-Control': 'stale-if-error=0' })
    expect(refused).toMatchObject({ status: 503, body: 'error' })
    expect(refused.cacheStatus).not.toContain('stored')
    expect(await w.get('/')).toMatchObject({ body: 'good', result: 'stale_if_error' })
  })

  test('that was purged, an error is stored', async () => {
    const w = world({ grace: GRACE })
    w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=600' }, body: 'good' }))
    await w.get('/')
    await w.cache.purge({ urls: ['http://a.test/'] })
    w.origin.script(() => error)
    await w.get('/')
    expect(await w.get('/')).toMatchObject({ status: 503, result: 'hit' })
  })

  test('that is invalidated and must be validated, an error is stored', async () => {
    const w = world({ grace: GRACE })
    w.origin.script(() => ({ headers: { 'Cache-Control': 's-maxage=600' }, body: 'good' }))
    await w.get('/')
    await w.cache.invalidate({ all: true })
    w.origin.script(() => error)
    await w.get('/')
    expect(await w.get('/')).toMatchObject({ status: 503, result: 'hit' })
  })

  test('an error replaces another one that was requested before it', async () => {
    const w = world({ grace: GRACE })
    const early = w.get('/')
    await w.clock.advance(10)
    const late = w.get('/', COOKIE)
    await settle()
    w.origin.next.answer(error)
    await early
    w.origin.next.answer({ ...error, status: 500 })
    await late
    expect(await w.get('/')).toMatchObject({ status: 500, result: 'hit' })
  })
})

test('an error leaves the copy that the request accepts in its place for longer than the response said', async () => {
  const w = world({ grace: 0 })
  w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=3', ETag: '"1"' }, body: 'old' }))
  await w.get('/')
  await w.clock.advance(10_000)
  w.origin.script(() => ({ status: 503, headers: { 'Cache-Control': 'max-age=3' } }))
  const accepting = { 'Cache-Control': 'stale-if-error=600' }
  expect(await w.get('/', accepting)).toMatchObject({ body: 'old', result: 'stale_if_error' })
  expect(await w.get('/', accepting)).toMatchObject({ body: 'old', result: 'stale_if_error' })
})
