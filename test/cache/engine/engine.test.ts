import { describe, expect, test } from 'vitest'
import { HerdgateError } from '../../../src/errors.ts'
import { field } from '../../../src/fields.ts'
import { ResponseBody } from '../../../src/origin/response-body.ts'
import { settle } from '../../support/fake-clock.ts'
import { PushedBody } from '../../support/scripted-origin.ts'
import { received, text, world } from '../../support/world.ts'

const FRESH = { 'Cache-Control': 'max-age=60' }

/** A response whose head arrived 3 s ago and whose body is still arriving. */
async function inMidBody() {
  const w = world()
  const body = new PushedBody()
  const first = w.ask('/')
  w.origin.next.answer({ headers: FRESH, body })
  await first
  await w.clock.advance(3_000)
  return { w, body }
}

describe('one fetch per key', () => {
  test('a second request within the lifetime is a hit', async () => {
    const w = world()
    w.origin.script(() => ({ headers: FRESH, body: 'v1' }))
    expect(await w.get('/')).toMatchObject({ body: 'v1', result: 'miss' })
    expect(await w.get('/')).toMatchObject({ body: 'v1', result: 'hit' })
    expect(w.origin.requests).toHaveLength(1)
  })

  test('a hundred concurrent misses make one origin request', async () => {
    const w = world()
    const all = Array.from({ length: 100 }, () => w.get('/'))
    await settle()
    expect(w.origin.requests).toHaveLength(1)
    w.origin.next.answer({ headers: FRESH, body: 'v1' })
    const answers = await Promise.all(all)
    expect(new Set(answers.map((answer) => answer.body))).toEqual(new Set(['v1']))
    expect(answers.filter((answer) => answer.result === 'miss')).toHaveLength(1)
    expect(answers.filter((answer) => answer.cacheStatus === 'herdgate; fwd=uri-miss; collapsed')).toHaveLength(99)
  })

  test('a waiter that joins in mid body reads it from the first byte', async () => {
    const w = world()
    const body = new PushedBody()
    const first = w.ask('/')
    await settle()
    w.origin.next.answer({ headers: FRESH, body })
    body.push('a')
    const leader = (await first).body?.read()
    expect(Buffer.from((await leader?.next()) ?? []).toString()).toBe('a')
    const joined = await w.ask('/')
    const reader = joined.body?.read()
    expect(Buffer.from((await reader?.next()) ?? []).toString()).toBe('a')
    body.push('b')
    body.end()
    expect(Buffer.from((await reader?.next()) ?? []).toString()).toBe('b')
    expect(await reader?.next()).toBeUndefined()
    await settle()
    expect(await w.get('/')).toMatchObject({ body: 'ab', result: 'hit' })
    expect(w.origin.requests).toHaveLength(1)
  })

  test.each([
    { 'Cache-Control': 'no-cache' },
    { 'Cache-Control': 'max-age=0' },
    { 'Cache-Control': 'max-age=2' },
    { 'Cache-Control': 'min-fresh=58' },
    { Pragma: 'no-cache' },
  ])('a request with %j does not join a response in mid body that is too old for it', async (wish) => {
    const { w, body } = await inMidBody()
    const asked = w.get('/', wish)
    await settle()
    expect(w.origin.waiting).toHaveLength(1)
    w.origin.next.answer({ headers: FRESH, body: 'new' })
    expect(await asked).toMatchObject({ body: 'new', result: 'miss' })
    body.end()
  })

  test.each([{ 'Cache-Control': 'max-age=4' }, { 'Cache-Control': 'min-fresh=57' }])(
    'a request with %j joins a response in mid body that is new enough for it',
    async (wish) => {
      const { w, body } = await inMidBody()
      const asked = w.get('/', wish)
      body.end()
      expect(await asked).toMatchObject({ result: 'collapsed' })
    },
  )

  test('when the client that started the fetch leaves, the others still get the answer', async () => {
    const w = world()
    const client = new AbortController()
    const body = new PushedBody()
    const leader = w.ask('/', {}, { signal: client.signal })
    const waiter = w.ask('/')
    await settle()
    client.abort()
    w.origin.next.answer({ headers: FRESH, body })
    const gone = (await leader).body?.read()
    gone?.cancel()
    body.push('all of it')
    body.end()
    expect(await text((await waiter).body)).toBe('all of it')
    expect(await w.get('/')).toMatchObject({ body: 'all of it', result: 'hit' })
  })

  test('nothing is left in flight when all is done', async () => {
    const w = world()
    w.origin.script((_, number) => (number % 2 ? { headers: FRESH } : { headers: { 'Cache-Control': 'no-store' } }))
    await Promise.all(['/a', '/b', '/c', '/d'].map((path) => w.get(path)))
    await settle()
    expect(w.cache.stats()).toMatchObject({ inFlight: 0, waiting: 0 })
  })
})

describe('an answer that cannot be shared', () => {
  test.each([
    ['no-store', { 'Cache-Control': 'no-store' }],
    ['private', { 'Cache-Control': 'private, max-age=60' }],
    ['set-cookie', { 'Cache-Control': 'max-age=60', 'Set-Cookie': 'sid=1' }],
    ['no-lifetime', {}],
  ])('%s: all waiters ask the origin at once, in parallel, and each gets its own answer', async (why, headers) => {
    const w = world()
    const all = Array.from({ length: 20 }, () => w.get('/'))
    await settle()
    w.origin.next.answer({ headers, body: 'of the leader' })
    await settle()
    expect(w.origin.waiting).toHaveLength(19)
    for (const [index, call] of w.origin.waiting.slice().entries()) call.answer({ headers, body: `own ${index}` })
    const answers = await Promise.all(all)
    expect(new Set(answers.map((answer) => answer.body)).size).toBe(20)
    expect(answers[0]?.cacheStatus).toContain(`detail=${why}`)
  })

  test('its key is remembered: later requests do not wait for each other', async () => {
    const w = world()
    w.origin.script(() => ({ headers: { 'Cache-Control': 'no-store' } }))
    await w.get('/')
    w.origin.script(() => undefined)
    const both = [w.get('/'), w.get('/')]
    await settle()
    expect(w.origin.waiting).toHaveLength(2)
    for (const call of w.origin.waiting.slice()) call.answer({ headers: { 'Cache-Control': 'no-store' } })
    expect((await Promise.all(both)).map((answer) => answer.result)).toEqual(['pass', 'pass'])
  })

  test.each([{}, { Cookie: 'a=1' }])('its key is remembered for 30 s, or until a purge: %j', async (by) => {
    for (const forget of ['wait', 'purge', 'invalidate'] as const) {
      const w = world()
      w.origin.script(() => ({ headers: { 'Cache-Control': 'no-store' } }))
      await w.get('/', by)
      if (forget === 'wait') await w.clock.advance(30_000)
      else await w.cache[forget]({ urls: ['http://a.test/'] })
      w.origin.script(() => undefined)
      const both = [w.get('/', by), w.get('/', by)]
      await settle()
      expect(w.origin.waiting, forget).toHaveLength(1)
      w.origin.next.answer({ headers: { 'Cache-Control': 'public, max-age=60' } })
      expect((await Promise.all(both)).map(({ result }) => result)).toEqual(['miss', 'collapsed'])
    }
  })

  test('its key is forgotten after a shareable answer', async () => {
    const w = world()
    w.origin.script((_, number) => ({
      headers: number === 1 ? { 'Cache-Control': 'no-store' } : FRESH,
      body: `v${number}`,
    }))
    await w.get('/')
    await w.get('/')
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test.each([
    ['is reported as stored if its length shows that it will be', { 'Content-Length': '2' }, 'stored'],
    ['is not if it may exceed the size limit', {}, 'detail=unshareable'],
  ])('a shareable answer while the key is remembered %s', async (_, headers, told) => {
    const w = world()
    w.origin.script((_, number) => ({ headers: { 'Cache-Control': 'no-store' }, body: `v${number}` }))
    await w.get('/')
    w.origin.script(() => ({ headers: { ...FRESH, ...headers }, body: 'v2' }))
    expect((await w.get('/')).cacheStatus).toBe(`herdgate; fwd=uri-miss; fwd-status=200; ${told}`)
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('an answer to a request with credentials says nothing about requests without', async () => {
    const w = world()
    w.origin.script((request) =>
      request.fields.includes('Authorization') ? { headers: FRESH, body: 'secret' } : { headers: FRESH, body: 'open' },
    )
    expect(await w.get('/', { Authorization: 'Bearer a' })).toMatchObject({ body: 'secret' })
    expect(await w.get('/')).toMatchObject({ body: 'open', result: 'miss' })
    expect(await w.get('/')).toMatchObject({ body: 'open', result: 'hit' })
  })

  /** A stale shared copy, and one request with a cookie whose answer could not be shared. */
  const rememberedApart = async () => {
    const w = world()
    w.origin.script((_, number) => ({ headers: { ...FRESH, ETag: `"${number}"` }, body: `v${number}` }))
    await w.get('/')
    await w.clock.advance(61_000)
    await w.get('/', { Cookie: 'a=1' })
    w.origin.script(() => undefined)
    return w
  }

  test('requests with credentials do not wait for each other, even beside a stale copy', async () => {
    const w = await rememberedApart()
    expect(await w.cache.explain({ method: 'GET', url: 'http://a.test/', fields: ['Cookie', 'b=2'] })).toMatchObject({
      decision: 'pass',
      why: 'unshareable',
    })
    const both = [w.get('/', { Cookie: 'b=2' }), w.get('/', { Cookie: 'c=3' })]
    await settle()
    expect(w.origin.waiting).toHaveLength(2)
    w.origin.answerAll({ headers: FRESH, body: 'own' })
    expect((await Promise.all(both)).map(({ body, result }) => [body, result])).toEqual([
      ['own', 'pass'],
      ['own', 'pass'],
    ])
  })

  test('requests with credentials do not wait for each other where there is no copy', async () => {
    const w = world()
    w.origin.script(() => ({ headers: { 'Cache-Control': 'private' } }))
    await w.get('/', { Cookie: 'a=1' })
    w.origin.script(() => undefined)
    void [w.get('/', { Cookie: 'b=2' }), w.get('/', { Cookie: 'c=3' })]
    await settle()
    expect(w.origin.waiting).toHaveLength(2)
  })

  test('requests without credentials still wait for each other, and revalidate the copy', async () => {
    const w = await rememberedApart()
    const both = [w.get('/'), w.get('/')]
    await settle()
    w.origin.next.answer({ status: 304, headers: FRESH })
    expect((await Promise.all(both)).map(({ body, result }) => [body, result])).toEqual([
      ['v1', 'revalidated'],
      ['v1', 'collapsed'],
    ])
  })

  test('the stale copy is still served when the origin fails', async () => {
    const w = await rememberedApart()
    const asked = w.get('/', { Cookie: 'b=2' })
    await settle()
    w.origin.next.fail()
    expect(await asked).toMatchObject({ body: 'v1', result: 'stale_if_error' })
  })

  test('after a shareable answer, requests with credentials wait for each other again', async () => {
    const w = await rememberedApart()
    const shared = { 'Cache-Control': 'public, max-age=1' }
    const asked = w.get('/', { Cookie: 'b=2' })
    await settle()
    w.origin.next.answer({ headers: { ...shared, 'Content-Length': '7' }, body: 'for all' })
    expect(await asked).toMatchObject({ body: 'for all', result: 'miss' })
    await w.clock.advance(2_000)
    const both = [w.get('/', { Cookie: 'b=2' }), w.get('/', { Cookie: 'c=3' })]
    await settle()
    expect(w.origin.waiting).toHaveLength(1)
    w.origin.next.answer({ headers: shared, body: 'anew' })
    expect((await Promise.all(both)).map(({ result }) => result)).toEqual(['miss', 'collapsed'])
  })

  test('a request with credentials does not wait for one without, nor vice versa', async () => {
    const w = world()
    const open = w.get('/')
    const closed = w.get('/', { Cookie: 'session=1' })
    await settle()
    expect(w.origin.waiting).toHaveLength(2)
    for (const call of w.origin.waiting.slice()) call.answer({ headers: FRESH, body: 'x' })
    await Promise.all([open, closed])
  })
})

describe('vary', () => {
  const byLanguage = { 'Cache-Control': 'max-age=60', Vary: 'Accept-Language' }

  test('each variant is fetched once and kept apart', async () => {
    const w = world()
    w.origin.script((request) => ({
      headers: byLanguage,
      body: request.fields[request.fields.indexOf('Accept-Language') + 1] ?? '',
    }))
    for (const language of ['en', 'fr', 'en', 'fr']) {
      expect((await w.get('/', { 'Accept-Language': language })).body).toBe(language)
    }
    expect(w.origin.requests).toHaveLength(2)
  })

  test('waiters for another variant fetch it once for all of them', async () => {
    const w = world()
    const english = w.get('/', { 'Accept-Language': 'en' })
    const french = [w.get('/', { 'Accept-Language': 'fr' }), w.get('/', { 'Accept-Language': 'fr' })]
    await settle()
    w.origin.next.answer({ headers: byLanguage, body: 'en' })
    await settle()
    expect(w.origin.waiting).toHaveLength(1)
    w.origin.next.answer({ headers: byLanguage, body: 'fr' })
    expect((await english).body).toBe('en')
    expect((await Promise.all(french)).map((answer) => answer.body)).toEqual(['fr', 'fr'])
  })

  test('purging a URL removes every variant, and refilling one does not bring back the others', async () => {
    const w = world()
    w.origin.script((_, number) => ({ headers: byLanguage, body: `v${number}` }))
    await w.get('/', { 'Accept-Language': 'en' })
    await w.get('/', { 'Accept-Language': 'fr' })
    await w.cache.purge({ urls: ['https://a.test/'] })
    expect((await w.get('/', { 'Accept-Language': 'en' })).body).toBe('v3')
    expect((await w.get('/', { 'Accept-Language': 'fr' })).body).toBe('v4')
  })

  test('variants beyond the cap evict the oldest', async () => {
    const w = world()
    w.origin.script((_, number) => ({ headers: byLanguage, body: `v${number}` }))
    for (let n = 0; n < 65; n++) await w.get('/', { 'Accept-Language': `l${n}` })
    expect((await w.get('/', { 'Accept-Language': 'l1' })).result).toBe('hit')
    expect((await w.get('/', { 'Accept-Language': 'l0' })).result).toBe('miss')
  })
})

describe('a failing origin', () => {
  test('the failure is shared by all waiters', async () => {
    const w = world()
    const all = Array.from({ length: 50 }, () => w.get('/'))
    await settle()
    w.origin.next.fail(new HerdgateError('origin_timeout'))
    const answers = await Promise.all(all)
    expect(answers.every((answer) => answer.status === 504)).toBe(true)
    expect(w.origin.requests).toHaveLength(1)
  })

  test('the failure is shared for 250 ms with later requests too', async () => {
    const w = world()
    w.origin.script(() => new HerdgateError('origin_refused'))
    for (let n = 0; n < 5; n++) expect((await w.get('/')).status).toBe(502)
    expect(w.origin.requests).toHaveLength(1)
    await w.clock.advance(250)
    await w.get('/')
    expect(w.origin.requests).toHaveLength(2)
    await w.clock.advance(250)
    expect(w.cache.stats().inFlight).toBe(0)
  })

  test.each([
    [2_000, 2_000],
    [60_000, 5_000],
  ])('a failure that took %i ms is shared for %i ms', async (tookMs, sharedMs) => {
    const w = world()
    const first = w.get('/')
    await settle()
    await w.clock.advance(tookMs)
    w.origin.next.fail()
    await first
    await w.clock.advance(sharedMs - 1)
    expect((await w.get('/')).status).toBe(502)
    expect(w.origin.requests).toHaveLength(1)
    await w.clock.advance(1)
    w.origin.script(() => ({ body: 'well again' }))
    expect((await w.get('/')).body).toBe('well again')
  })

  test.each<[string, Record<string, string>]>([
    ['nothing', {}],
    ['max-age=0', { 'Cache-Control': 'max-age=0' }],
  ])('a 5xx with nothing private in it, whose Cache-Control says %s, is shared by all waiters', async (_, headers) => {
    const w = world()
    const all = Array.from({ length: 10 }, () => w.get('/'))
    await settle()
    w.origin.next.answer({ status: 503, headers, body: 'sorry' })
    const answers = await Promise.all(all)
    expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual(Array(10).fill('503 sorry'))
    expect(w.origin.requests).toHaveLength(1)
  })

  test('within grace the stale copy is served, and Cache-Status says so', async () => {
    const w = world()
    w.origin.script((_, number) => (number === 1 ? { headers: FRESH, body: 'v1' } : new HerdgateError('origin_reset')))
    await w.get('/')
    await w.clock.advance(63_000)
    const answer = await w.get('/')
    expect(answer).toMatchObject({ status: 200, body: 'v1', result: 'stale_if_error' })
    expect(answer.cacheStatus).toBe('herdgate; hit; ttl=-3; detail=stale-if-error')
  })

  test('the stale copy is served in place of a 5xx too', async () => {
    const w = world()
    w.origin.script((_, number) => (number === 1 ? { headers: FRESH, body: 'v1' } : { status: 500, body: 'oops' }))
    await w.get('/')
    await w.clock.advance(61_000)
    expect(await w.get('/')).toMatchObject({ status: 200, body: 'v1', result: 'stale_if_error' })
  })

  test('a 5xx that is not stored is shared with waiters, not with later requests', async () => {
    const w = world()
    w.origin.script((_, number) => ({ status: 503, body: `v${number}` }))
    expect((await w.get('/')).body).toBe('v1')
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'miss' })
  })

  test('a stored error is not served stale in place of a new one', async () => {
    const w = world()
    w.origin.script((_, number) => ({ status: 503, headers: { 'Cache-Control': 'max-age=10' }, body: `v${number}` }))
    expect((await w.get('/')).body).toBe('v1')
    expect(await w.get('/')).toMatchObject({ body: 'v1', result: 'hit' })
    await w.clock.advance(11_000)
    expect(await w.get('/')).toMatchObject({ status: 503, body: 'v2' })
  })

  test('a storable 5xx does not replace a copy that may still be served', async () => {
    const w = world()
    w.origin.script((_, number) =>
      number === 1 ? { headers: FRESH, body: 'v1' } : { status: 503, headers: { 'Cache-Control': 'max-age=10' } },
    )
    await w.get('/')
    await w.clock.advance(61_000)
    expect((await w.get('/')).body).toBe('v1')
    await w.clock.advance(1_000)
    expect((await w.get('/')).body).toBe('v1')
  })

  test('must-revalidate forbids serving the stale copy', async () => {
    const w = world()
    const headers = { 'Cache-Control': 'max-age=60, must-revalidate' }
    w.origin.script((_, number) => (number === 1 ? { headers, body: 'v1' } : new HerdgateError('origin_reset')))
    await w.get('/')
    await w.clock.advance(61_000)
    expect((await w.get('/')).status).toBe(502)
  })

  test('past grace the stale copy is not served', async () => {
    const w = world({ grace: 10_000 })
    w.origin.script((_, number) => (number === 1 ? { headers: FRESH } : new HerdgateError('origin_reset')))
    await w.get('/')
    await w.clock.advance(71_000)
    expect((await w.get('/')).status).toBe(502)
  })

  test.each([
    ['max-age=60, must-revalidate', 'no-cache', 59_000],
    ['max-age=60, stale-if-error=5', 'no-store', 61_000],
    ['max-age=60', 'stale-if-error=5', 61_000],
  ])(
    'a copy with %s is not served to a request with %s if its window ends before the origin fails',
    async (held, wish, ageMs) => {
      const w = world()
      w.origin.script((_, number) => (number === 1 ? { headers: { 'Cache-Control': held }, body: 'v1' } : undefined))
      await w.get('/')
      await w.clock.advance(ageMs)
      const headers = { 'Cache-Control': wish }
      const [soon, late] = [w.get('/', headers), w.get('/', { ...headers, Cookie: 'apart=1' })]
      await settle()
      w.origin.next.fail()
      expect(await soon).toMatchObject({ body: 'v1', result: 'stale_if_error' })
      await w.clock.advance(10_000)
      w.origin.next.fail()
      expect(await late).toMatchObject({ status: 502, result: 'error' })
    },
  )

  test('once the origin is back, the next answer is fresh', async () => {
    const w = world()
    w.origin.script((_, number) =>
      number === 2 ? new HerdgateError('origin_refused') : { headers: FRESH, body: `v${number}` },
    )
    await w.get('/')
    await w.clock.advance(61_000)
    expect((await w.get('/')).body).toBe('v1')
    await w.clock.advance(1_000)
    expect(await w.get('/')).toMatchObject({ body: 'v3', result: 'miss' })
  })

  test('a response that breaks off reaches its readers as broken and is not stored', async () => {
    const w = world()
    const body = new PushedBody()
    const all = [w.get('/'), w.get('/')]
    for (const each of all) each.catch(() => {})
    await settle()
    w.origin.next.answer({ headers: FRESH, body })
    body.push('half')
    await settle()
    body.break()
    for (const each of all) await expect(each).rejects.toMatchObject({ code: 'origin_reset' })
    const again = w.get('/')
    await settle()
    w.origin.next.answer({ headers: FRESH, body: 'whole' })
    expect(await again).toMatchObject({ body: 'whole', result: 'miss' })
  })

  test('an overloaded origin is reported as shed', async () => {
    const w = world()
    w.origin.script(() => new HerdgateError('overloaded'))
    expect(await w.get('/')).toMatchObject({ status: 503, result: 'shed' })
  })
})

describe('a slow origin', () => {
  const stale = async (rules: Parameters<typeof world>[0]) => {
    const w = world(rules)
    w.origin.script((_, number) => (number === 1 ? { headers: FRESH, body: 'v1' } : undefined))
    await w.get('/')
    await w.clock.advance(61_000)
    return w
  }

  test('after softTimeout the stale copy is served and the refresh goes on', async () => {
    const w = await stale({ softTimeout: 300 })
    const all = [w.get('/'), w.get('/')]
    await w.clock.advance(300)
    for (const answer of await Promise.all(all)) {
      expect(answer).toMatchObject({
        body: 'v1',
        result: 'stale',
        cacheStatus: 'herdgate; hit; ttl=-2; detail=soft-timeout',
      })
    }
    w.origin.next.answer({ headers: FRESH, body: 'v2' })
    await settle()
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
    expect(w.origin.requests).toHaveLength(2)
  })

  test('an origin that answers in time is waited for', async () => {
    const w = await stale({ softTimeout: 300 })
    const answer = w.get('/')
    await w.clock.advance(299)
    w.origin.next.answer({ headers: FRESH, body: 'v2' })
    expect(await answer).toMatchObject({ body: 'v2', result: 'miss' })
    expect(w.clock.pending).toBe(0)
  })

  test.each([{}, { 'Cache-Control': 'no-store' }])(
    'a copy purged while the origin is waited for is not served to a request with %j',
    async (headers) => {
      const w = await stale({ softTimeout: 300 })
      const answer = w.get('/', headers)
      await settle()
      await w.cache.purge({ all: true })
      await w.clock.advance(300)
      w.origin.next.answer({ headers: FRESH, body: 'v2' })
      expect((await answer).body).toBe('v2')
    },
  )

  test('the answer to a request that got the stale copy is not read if nobody else may have it', async () => {
    const w = await stale({ softTimeout: 300 })
    const answer = w.get('/', { 'Cache-Control': 'no-store' })
    await w.clock.advance(300)
    expect((await answer).body).toBe('v1')
    const { signal } = w.origin.next
    w.origin.next.answer({ headers: FRESH, body: new PushedBody() })
    await settle()
    expect(signal?.aborted).toBe(true)
  })

  test('a copy whose grace ends before softTimeout is not served', async () => {
    const w = await stale({ grace: 1_100, softTimeout: 300 })
    const answer = w.get('/')
    await w.clock.advance(300)
    w.origin.next.answer({ headers: FRESH, body: 'v2' })
    expect(await answer).toMatchObject({ body: 'v2', result: 'miss' })
  })

  test('softTimeout 0 serves the stale copy at once and refreshes it once in the background', async () => {
    const w = await stale({ softTimeout: 0 })
    expect(await w.get('/')).toMatchObject({ body: 'v1', result: 'stale' })
    expect(await w.get('/')).toMatchObject({ body: 'v1', result: 'stale' })
    w.origin.next.answer({ headers: FRESH, body: 'v2' })
    await settle()
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
    expect(w.origin.requests).toHaveLength(2)
  })

  test('stale-while-revalidate of the response does the same', async () => {
    const w = world()
    const headers = { 'Cache-Control': 'max-age=60, stale-while-revalidate=30' }
    w.origin.script((_, number) => ({ headers, body: `v${number}` }))
    await w.get('/')
    await w.clock.advance(65_000)
    expect(await w.get('/')).toMatchObject({
      body: 'v1',
      cacheStatus: 'herdgate; hit; ttl=-5; detail=stale-while-revalidate',
    })
    await settle()
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test.each([new HerdgateError('origin_refused'), { status: 503 }, { status: 403 }])(
    'a background refresh that fails (%j) is not repeated by every hit',
    async (failure) => {
      const w = world({ softTimeout: 0 })
      w.origin.script((_, number) => (number === 1 ? { headers: FRESH } : failure))
      await w.get('/')
      await w.clock.advance(61_000)
      for (let n = 0; n < 10; n++) {
        await w.get('/')
        await settle()
      }
      expect(w.origin.requests).toHaveLength(2)
    },
  )

  test('refreshAhead refreshes in the background after a hit late in the freshness lifetime', async () => {
    const w = world({ refreshAhead: 0.8 })
    w.origin.script((_, number) => ({ headers: FRESH, body: `v${number}` }))
    await w.get('/')
    await w.clock.advance(47_000)
    await w.get('/')
    expect(w.origin.requests).toHaveLength(1)
    await w.clock.advance(2_000)
    expect(await w.get('/')).toMatchObject({ body: 'v1', result: 'hit' })
    await settle()
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
    expect(w.seen.revalidation).toEqual([{ route: 'default', mode: 'background', outcome: 'replaced' }])
  })
})

test('a copy that is no longer kept is not revalidated', async () => {
  const w = world({ grace: 0 })
  w.origin.script((_, number) => ({ headers: { 'Cache-Control': 'max-age=1', ETag: '"1"' }, body: `v${number}` }))
  await w.get('/')
  await w.clock.advance(3_601_000)
  expect((await w.get('/')).cacheStatus).toContain('fwd=uri-miss')
  expect(w.origin.requests[1]?.fields).not.toContain('If-None-Match')
})

test('a response that arrives too old to be kept is not reported as stored', async () => {
  const w = world({ grace: 60_000 })
  w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=60', Age: '7200' }, body: 'old' }))
  expect((await w.get('/')).cacheStatus).toBe('herdgate; fwd=uri-miss; fwd-status=200')
  expect((await w.get('/')).result).toBe('miss')
})

describe('validation', () => {
  test('a 304 makes the stored copy fresh again', async () => {
    const w = world()
    w.origin.script((request) =>
      request.fields.includes('If-None-Match')
        ? { status: 304, headers: { 'Cache-Control': 'max-age=100', ETag: '"1"', 'X-New': 'yes' } }
        : { headers: { 'Cache-Control': 'max-age=60', ETag: '"1"' }, body: 'v1' },
    )
    await w.get('/')
    await w.clock.advance(61_000)
    const answer = await w.get('/')
    expect(answer).toMatchObject({ status: 200, body: 'v1', result: 'revalidated' })
    expect(answer.cacheStatus).toBe('herdgate; fwd=stale; fwd-status=304; stored')
    expect(answer.reply.fields).toContain('X-New')
    await w.clock.advance(99_000)
    expect((await w.get('/')).result).toBe('hit')
  })

  test('a 304 for another response is not merged: the origin is asked again without conditions', async () => {
    const w = world()
    w.origin.script((request, number) =>
      request.fields.includes('If-None-Match')
        ? { status: 304, headers: { ETag: '"other"' } }
        : { headers: { 'Cache-Control': 'max-age=60', ETag: `"${number}"` }, body: `v${number}` },
    )
    await w.get('/')
    await w.clock.advance(61_000)
    expect(await w.get('/')).toMatchObject({ status: 200, body: 'v3', result: 'miss' })
  })

  test('on a 304 that forbids storing, the copy is served once more and removed', async () => {
    const w = world()
    w.origin.script((request, number) =>
      request.fields.includes('If-None-Match')
        ? { status: 304, headers: { 'Cache-Control': 'no-store' } }
        : { headers: { 'Cache-Control': 'max-age=60', ETag: '"1"' }, body: `v${number}` },
    )
    await w.get('/')
    await w.clock.advance(61_000)
    expect((await w.get('/')).body).toBe('v1')
    expect((await w.get('/')).body).toBe('v3')
  })

  test('a 304 with more tags than can be kept removes the copy', async () => {
    const w = world()
    const tags = Array.from({ length: 129 }, (_, n) => `t${n}`).join(' ')
    w.origin.script((request, number) =>
      request.fields.includes('If-None-Match')
        ? { status: 304, headers: { ...FRESH, 'Surrogate-Key': tags } }
        : { headers: { ...FRESH, ETag: '"1"' }, body: `v${number}` },
    )
    await w.get('/')
    await w.clock.advance(61_000)
    expect((await w.get('/')).cacheStatus).toContain('detail=tags')
    expect((await w.get('/')).body).toBe('v3')
  })

  test('a copy to which 304s keep adding tags is removed before it has more than can be kept', async () => {
    const w = world()
    w.origin.script(({ fields }, number) => {
      const tags = Array.from({ length: 128 }, (_, n) => `t${number}-${n}`).join(' ')
      const headers = { ...FRESH, ETag: '"1"', 'Surrogate-Key': tags }
      return fields.includes('If-None-Match') ? { status: 304, headers } : { headers, body: `v${number}` }
    })
    await w.get('/')
    for (const isTooMany of [false, true]) {
      await w.clock.advance(61_000)
      expect((await w.get('/')).cacheStatus.includes('detail=tags')).toBe(isTooMany)
    }
    expect((await w.get('/')).body).toBe('v4')
  })

  test('content that comes with a 304 is not read', async () => {
    const w = world()
    w.origin.script((_, number) => (number === 1 ? { headers: { ...FRESH, ETag: '"1"' }, body: 'v1' } : undefined))
    await w.get('/')
    await w.clock.advance(61_000)
    for (const headers of [{ ETag: '"other"' }, { ETag: '"1"' }]) {
      const asked = w.get('/', { 'Cache-Control': 'max-age=0' })
      await settle()
      const { signal } = w.origin.next
      w.origin.next.answer({ status: 304, headers, body: new PushedBody() })
      await settle()
      expect(signal?.aborted).toBe(true)
      w.origin.answerAll({ headers: { ...FRESH, ETag: '"1"' }, body: 'v1' })
      await asked
    }
  })

  test('a client that already has the response gets a 304 without content', async () => {
    const w = world()
    w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=60', ETag: '"1"' }, body: 'v1' }))
    expect((await w.get('/', { 'If-None-Match': '"1"' })).status).toBe(304)
    expect(w.origin.requests[0]?.fields).not.toContain('If-None-Match')
    expect(await w.get('/', { 'If-None-Match': '"1"' })).toMatchObject({ status: 304, body: '', result: 'hit' })
    expect((await w.get('/', { 'If-None-Match': '"2"' })).status).toBe(200)
  })

  test('an unsolicited 304 is an error and is not stored', async () => {
    const w = world()
    w.origin.script(() => ({ status: 304, headers: FRESH }))
    expect((await w.get('/')).status).toBe(502)
  })

  test('a copy confirmed by a 304 that adds Vary is served only to requests that match it', async () => {
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

  test('a 304 confirms nothing when no condition could be sent', async () => {
    const w = world()
    const headers = { ETag: '"with space"', 'Cache-Control': 'max-age=1, stale-if-error=0' }
    w.origin.script((_, number) => (number === 1 ? { headers, body: 'old' } : { status: 304, headers: FRESH }))
    await w.get('/')
    await w.clock.advance(2_000)
    expect((await w.get('/')).status).toBe(502)
  })

  test('when the origin keeps answering with a 304 that does not match, the client gets a 502', async () => {
    const w = world()
    const headers = { ETag: '"1"', 'Cache-Control': 'max-age=1, stale-if-error=0' }
    w.origin.script((_, number) =>
      number === 1 ? { headers, body: 'old' } : { status: 304, headers: { ETag: '"2"' } },
    )
    await w.get('/')
    await w.clock.advance(2_000)
    expect((await w.get('/')).status).toBe(502)
    expect(w.origin.requests).toHaveLength(3)
  })
})

test.each([
  ['GET', {}],
  ['GET', { 'Cache-Control': 'no-store' }],
  ['HEAD', {}],
])('an unsolicited 304 to %s with %j is not passed on when its key is unshareable', async (method, asked) => {
  const w = world()
  w.origin.script(() => ({ headers: { 'Cache-Control': 'private' } }))
  await w.get('/')
  w.origin.script(() => ({ status: 304, headers: { ETag: '"1"' } }))
  expect((await w.get('/', asked, { method })).status).toBe(502)
  expect((await w.get('/', { ...asked, 'If-None-Match': '"1"' }, { method })).status).toBe(304)
})

test.each(['no-store', 'max-age=60'])('a 204 with %s is sent without Content-Length', async (control) => {
  const w = world()
  w.origin.script(() => ({ status: 204, headers: { 'Content-Length': '5', 'Cache-Control': control } }))
  for (const method of ['GET', 'GET', 'HEAD', 'DELETE']) {
    expect(field((await w.get('/', {}, { method })).reply.fields, 'content-length')).toBeUndefined()
  }
})

describe('other methods', () => {
  test('HEAD is answered from a stored GET, with its Content-Length', async () => {
    const w = world()
    w.origin.script(() => ({ headers: FRESH, body: 'four' }))
    await w.get('/')
    const answer = await w.get('/', {}, { method: 'HEAD' })
    expect(answer).toMatchObject({ status: 200, body: '', result: 'hit' })
    expect(answer.reply.fields.join()).toContain('Content-Length,4')
    expect(w.origin.requests).toHaveLength(1)
  })

  test('an unsafe method goes to the origin and purges what it changed', async () => {
    const w = world()
    w.origin.script((request, number) => ({ headers: request.method === 'GET' ? FRESH : {}, body: `v${number}` }))
    await w.get('/')
    expect((await w.get('/', {}, { method: 'POST' })).result).toBe('pass')
    expect((await w.get('/')).body).toBe('v3')
    expect(w.seen.purge).toMatchObject([{ mode: 'purge', by: 'unsafe-method', outcome: 'done' }])
  })

  test('an unsafe method that fails purges nothing', async () => {
    const w = world()
    w.origin.script((request) => (request.method === 'GET' ? { headers: FRESH, body: 'v1' } : { status: 400 }))
    await w.get('/')
    await w.get('/', {}, { method: 'POST' })
    expect((await w.get('/')).result).toBe('hit')
  })

  test('only-if-cached without a copy is a 504, and the origin is not asked', async () => {
    const w = world()
    const refused = await w.get('/', { 'Cache-Control': 'only-if-cached' })
    expect(refused).toMatchObject({ status: 504, cacheStatus: 'herdgate; detail=only-if-cached' })
    expect(w.origin.requests).toHaveLength(0)
  })

  test('only-if-cached is passed on by a route that bypasses the cache', async () => {
    const w = world({ bypass: true })
    w.origin.script(() => ({}))
    expect((await w.get('/', { 'Cache-Control': 'only-if-cached' })).status).toBe(200)
    expect(field(w.origin.requests[0]?.fields ?? [], 'cache-control')).toBe('only-if-cached')
  })

  test('a bypassing route leaves conditions to the origin, and aborts its request when the client leaves', async () => {
    const w = world({ bypass: true })
    const client = new AbortController()
    const asked = w.get('/', { 'If-None-Match': '"1"' }, { signal: client.signal })
    await settle()
    const { signal } = w.origin.next
    w.origin.next.answer({ headers: { ETag: '"1"' }, body: 'all the same' })
    expect(await asked).toMatchObject({ status: 200, body: 'all the same' })
    client.abort()
    expect(signal?.aborted).toBe(true)
  })

  test('a request that has passed through Herdgate before is a 508', async () => {
    const w = world()
    expect((await w.get('/', { Via: '1.1 herdgate' })).status).toBe(508)
  })
})

describe('large responses', () => {
  test('a response that outgrows the limit is passed on whole, not stored, and later requests do not wait', async () => {
    const w = world({ maxObjectBytes: 4 })
    const body = new PushedBody()
    const first = w.ask('/')
    await settle()
    w.origin.next.answer({ headers: FRESH, body })
    const whole = text((await first).body)
    body.push('1234')
    await settle()
    body.push('5678')
    body.end()
    expect(await whole).toBe('12345678')
    const both = [w.ask('/'), w.ask('/')]
    await settle()
    expect(w.origin.waiting).toHaveLength(2)
    for (const call of w.origin.waiting.slice()) call.answer({ headers: FRESH, body: '12345' })
    for (const reply of await Promise.all(both)) expect((await received(reply)).body).toBe('12345')
  })

  test('a limit of 0 stores nothing, not even what is short and has arrived with its head', async () => {
    const w = world({ maxObjectBytes: 0 })
    w.origin.script(() => {
      const body = new ResponseBody({ resume: () => {}, cancel: () => {} })
      body.push(Buffer.from('1234'))
      body.end()
      return { headers: FRESH, body }
    })
    for (const _ of ['once', 'again']) expect((await w.get('/')).body).toBe('1234')
    expect(w.origin.requests).toHaveLength(2)
  })

  test('a response that outgrows the limit before its reader starts is not cut off', async () => {
    const w = world({ maxObjectBytes: 4 })
    const body = new PushedBody()
    body.push('1234')
    body.push('5678') // arrives with the head
    body.end()
    w.origin.script(() => ({ headers: FRESH, body }))
    expect((await w.get('/')).body).toBe('12345678')
  })

  test('a response that nobody reads any more is aborted when it outgrows the limit', async () => {
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

  test.each([
    ['to whom it is not modified', { 'If-None-Match': '"1"' }, FRESH],
    ['of which nothing is asked for', { Range: 'bytes=9-' }, { ...FRESH, 'Content-Length': '8' }],
    ['to whom it is not modified, and which is for one', { 'If-None-Match': '"1"' }, { 'Cache-Control': 'private' }],
  ])('content that its only client does not need is aborted too: an answer %s', async (_, asked, headers) => {
    const w = world({ maxObjectBytes: 'Content-Length' in headers ? 8 : 4 })
    const body = new PushedBody()
    const reply = w.ask('/', asked)
    await settle()
    const { signal } = w.origin.next
    w.origin.next.answer({ headers: { ...headers, ETag: '"1"' }, body })
    await reply
    for (const _ of ['once', 'twice', 'more']) body.push('1234')
    await settle()
    expect(signal?.aborted).toBe(true)
  })

  test('a reader that resumes after a stall does not wait for one that stays stalled', async () => {
    const w = world({ maxObjectBytes: 1 })
    const body = new PushedBody()
    const [first, second] = [w.ask('/'), w.ask('/')]
    await settle()
    w.origin.next.answer({ headers: FRESH, body })
    const readers = [(await first).body?.read(), (await second).body?.read()]
    const chunk = 'x'.repeat(300_000)
    for (let n = 0; n < 4; n++) body.push(chunk)
    body.end()
    await w.clock.advance(10_000) // both stall: neither is dropped
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
})

describe('keys that leave out part of the query', () => {
  const key = { sortQuery: true, ignoreQuery: ['utm_*'], headers: [], cookies: [] }

  test.each(['http://a.test/p?b=2&a=1', 'http://a.test/p?a=1&b=2&utm_source=x'])(
    'a purge of %s finds what was stored for another spelling',
    async (url) => {
      const w = world({ key })
      w.origin.script((request, number) => ({ headers: FRESH, body: `${request.target} v${number}` }))
      expect((await w.get('/p?utm_x=1&b=2&a=1')).body).toBe('/p?a=1&b=2 v1')
      expect((await w.get('/p?a=1&b=2')).result).toBe('hit')
      await w.cache.purge({ urls: [url] })
      expect((await w.get('/p?a=1&b=2')).body).toBe('/p?a=1&b=2 v2')
    },
  )
})

test('entries and markers are stored for as long as they may be used', async () => {
  const w = world({ grace: 0 })
  const stored: [kind: string, forMs: number][] = []
  const { set } = w.store
  w.store.set = (key, given, forMs) => {
    stored.push([given.kind, forMs])
    return set(key, given, forMs)
  }
  const headers: Record<string, Record<string, string>> = {
    '/a': { ...FRESH, Vary: 'Accept' },
    '/b': { 'Cache-Control': 'private' },
  }
  w.origin.script(({ target }) => ({ headers: headers[target] ?? {} }))
  await w.get('/a')
  await w.get('/b')
  expect(stored).toEqual([
    ['varies', 60_000],
    ['response', 60_000],
    ['unshareable', 30_000],
  ])
})

test('a Connection field that names an end-to-end field is refused', async () => {
  const w = world()
  expect((await w.get('/', { Connection: 'close, Authorization' })).status).toBe(400)
  expect(w.origin.requests).toHaveLength(0)
})
