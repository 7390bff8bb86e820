import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { DEFAULT_RULES } from '../../../src/config/defaults.ts'
import { HerdgateError } from '../../../src/errors.ts'
import { field, fieldLines, type Fields, has } from '../../../src/fields.ts'
import { createCache } from '../../../src/library/embed.ts'
import type { OriginRequest, Rules } from '../../../src/model.ts'
import { settle } from '../../support/fake-clock.ts'
import type { Answer } from '../../support/scripted-origin.ts'
import { received, world } from '../../support/world.ts'

/* RFC 9111 and related RFCs, end to end: what tests of single policies cannot show. */

const MINUTE = { 'Cache-Control': 'max-age=60' }
const sent = (request: OriginRequest | undefined, name: string) => field(request?.fields ?? [], name)
const date = (ms: number) => new Date(ms).toUTCString()
type World = ReturnType<typeof world>

/** Gives each request the next answer, and the last one to all that follow. */
function answering(w: World, ...answers: readonly Answer[]): void {
  w.origin.script((_, number) => answers[Math.min(number, answers.length) - 1])
}

const header = async (w: World, name: string, path = '/', headers: Record<string, string> = {}) =>
  field((await w.get(path, headers)).reply.fields, name)

const method = async (w: World, verb: string, path: string, headers: Record<string, string> = {}, content?: string) =>
  received(
    await w.ask(path, headers, {
      method: verb,
      ...(content !== undefined && { body: Readable.from([Buffer.from(content)]) }),
    }),
  )

describe('a targeted field (RFC 9213)', () => {
  test.each([
    ['max-age=60', 'no-store', 1],
    ['max-age=60', 'private', 1],
    ['no-store', 'max-age=60', 2],
    ['private', 'public, max-age=60', 2],
    ['max-age=60, no-cache', 'max-age=60', 2],
    ['max-age=0', 'max-age=60', 2],
    ['max-age="60"', 'max-age=60', 2], // a string, not a number
    ['max-age=60, &', 'max-age=60', 1], // does not parse, so the field is ignored
    ['max-age=60, &', 'no-store', 2],
    ['', 'max-age=60', 1],
  ])('%j beside Cache-Control: %s: of two requests, %i go to the origin', async (targeted, control, requests) => {
    for (const name of ['CDN-Cache-Control', 'Herdgate-Cache-Control']) {
      const w = world({ grace: 0 })
      answering(w, { headers: { [name]: targeted, 'Cache-Control': control } })
      await w.get('/')
      await w.get('/')
      expect(w.origin.requests, name).toHaveLength(requests)
    }
  })

  test('takes precedence by how specific it is, and is passed on unless it is for Herdgate alone', async () => {
    const w = world()
    const headers = {
      'Herdgate-Cache-Control': 'max-age=60',
      'CDN-Cache-Control': 'no-store',
      'Cache-Control': 'no-store',
    }
    answering(w, { headers })
    await w.get('/')
    const { reply, result } = await w.get('/')
    expect(result).toBe('hit')
    expect(field(reply.fields, 'herdgate-cache-control')).toBeUndefined()
    expect(field(reply.fields, 'cdn-cache-control')).toBe('no-store')
  })
})

describe('a copy confirmed by a 304', () => {
  test('has the Date, Age and freshness lifetime of the 304', async () => {
    const w = world({ grace: 0 })
    const date = () => new Date(w.clock.now()).toUTCString()
    answering(w, { headers: { ...MINUTE, ETag: '"1"', Date: date(), Age: '10' }, body: 'v1' })
    await w.get('/')
    await w.clock.advance(55_000)
    const now = date()
    w.origin.script(() => ({
      status: 304,
      headers: { ETag: '"1"', Date: now, 'Cache-Control': 'max-age=30', 'X-New': '1' },
    }))
    const { body, reply } = await w.get('/')
    expect([body, field(reply.fields, 'date'), field(reply.fields, 'age')]).toEqual(['v1', now, '0'])
    await w.clock.advance(20_000)
    expect([await header(w, 'age'), await header(w, 'x-new')]).toEqual(['20', '1'])
    expect(w.origin.requests).toHaveLength(2)
  })

  test('is revalidated with the fields that selected it, and is selected by them from then on', async () => {
    const w = world({ grace: 0 })
    answering(
      w,
      { headers: { ...MINUTE, Vary: 'X-Kind, Accept-Encoding', ETag: '"1"' }, body: 'v1' },
      { status: 304, headers: { ...MINUTE, Vary: 'X-Kind, Accept-Encoding', ETag: '"1"' } },
    )
    const kind = { 'X-Kind': 'a', 'Accept-Encoding': 'gzip,  br' }
    await w.get('/', kind)
    await w.clock.advance(61_000)
    expect(await w.get('/', { ...kind, 'X-Other': 'b' })).toMatchObject({ body: 'v1', result: 'revalidated' })
    const [, request] = w.origin.requests
    expect([sent(request, 'if-none-match'), sent(request, 'x-kind')]).toEqual(['"1"', 'a'])
    expect(sent(request, 'accept-encoding')).toBe('br, gzip')
    expect((await w.get('/', kind)).result).toBe('hit')
  })

  test('keeps its weak entity-tag when the 304 has the strong one, as nginx sends for what it compresses', async () => {
    const w = world({ grace: 0 })
    const vary = { Vary: 'Accept-Encoding', 'Content-Encoding': 'gzip' }
    answering(
      w,
      { headers: { ...MINUTE, ...vary, ETag: 'W/"1"' }, body: 'v1' },
      { status: 304, headers: { ...MINUTE, ETag: '"1"' } },
    )
    await w.get('/', { 'Accept-Encoding': 'gzip' })
    await w.clock.advance(61_000)
    const { body, result, reply } = await w.get('/', { 'Accept-Encoding': 'gzip' })
    expect([body, result, field(reply.fields, 'etag')]).toEqual(['v1', 'revalidated', 'W/"1"'])
    expect(w.origin.requests).toHaveLength(2)
  })

  test('is not served to clients that want no coding after a 304 whose Vary leaves out Accept-Encoding', async () => {
    const w = world({ grace: 0 })
    answering(
      w,
      { headers: { ...MINUTE, Vary: 'Origin, Accept-Encoding', 'Content-Encoding': 'gzip', ETag: '"1"' }, body: 'gz' },
      { status: 304, headers: { ...MINUTE, Vary: 'Origin', ETag: '"1"' } },
      { headers: { ...MINUTE, Vary: 'Origin, Accept-Encoding', ETag: '"1"' }, body: 'plain' },
    )
    await w.get('/', { 'Accept-Encoding': 'gzip' })
    await w.clock.advance(61_000)
    expect(await w.get('/', { 'Accept-Encoding': 'gzip' })).toMatchObject({ body: 'gz', result: 'revalidated' })
    expect((await w.get('/')).body).toBe('plain')
    expect(await w.get('/', { 'Accept-Encoding': 'gzip' })).toMatchObject({ body: 'gz', result: 'hit' })
  })

  test('is revalidated with its own conditions, not with those of the client', async () => {
    const w = world({ grace: 0 })
    answering(
      w,
      { headers: { ...MINUTE, ETag: '"1"' }, body: 'v1' },
      { status: 304, headers: { ETag: '"1"', ...MINUTE } },
    )
    await w.get('/')
    await w.clock.advance(61_000)
    const theirs = { 'If-None-Match': '"0", W/"1"', 'If-Modified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' }
    expect((await w.get('/', theirs)).status).toBe(304)
    expect(sent(w.origin.requests[1], 'if-none-match')).toBe('"1"')
    expect(sent(w.origin.requests[1], 'if-modified-since')).toBeUndefined()
  })
})

describe('a resource that varies', () => {
  test('is a hit for the same value in another spelling', async () => {
    const w = world()
    answering(w, { headers: { ...MINUTE, Vary: 'accept-encoding, X-List' } })
    await w.get('/', { 'Accept-Encoding': 'gzip, br', 'X-List': 'a, b' })
    expect((await w.get('/', { 'accept-encoding': 'gzip,br', 'x-list': 'a  ,b' })).result).toBe('hit')
    expect((await w.get('/', { 'Accept-Encoding': 'gzip, br' })).result).toBe('miss')
  })

  test('loses its earlier variants when its Vary changes', async () => {
    const w = world()
    answering(w, { headers: { ...MINUTE, Vary: 'X-A' }, body: 'a' }, { headers: { ...MINUTE, Vary: 'X-B' }, body: 'b' })
    await w.get('/', { 'X-A': '1' })
    await w.get('/', { 'X-A': '2' })
    expect((await w.get('/', { 'X-A': '1', 'X-B': 'x' })).body).toBe('b')
    expect(w.store.usage()[0]?.objects).toBe(3) // the entry with its Vary, and two variants
  })

  test('on more than 16 fields is not stored', async () => {
    const w = world()
    const names = (count: number) => Array.from({ length: count }, (_, at) => `X-${at}`).join(', ')
    w.origin.script(({ target }) => ({ headers: { ...MINUTE, Vary: names(Number(target.slice(1))) } }))
    for (const count of [16, 17]) {
      await w.get(`/${count}`)
      expect((await w.get(`/${count}`)).result).toBe(count === 16 ? 'hit' : 'pass')
    }
  })
})

test('Vary: Cookie does not tell clients apart when the origin does not get their cookies', async () => {
  const w = world({ cookies: 'ignore' })
  answering(w, { headers: { ...MINUTE, Vary: 'Cookie, Accept' }, body: 'for all' })
  const results = [{ Cookie: 'session=alice' }, { Cookie: 'session=bob' }, {}, { Accept: 'text/html' }]
  for (const [at, headers] of results.entries()) {
    expect((await w.get('/', headers)).result).toBe(['miss', 'hit', 'hit', 'miss'][at])
  }
  const both = [w.get('/new', { Cookie: 'a=1' }), w.get('/new', { Cookie: 'a=2' })]
  expect((await Promise.all(both)).map(({ result }) => result)).toEqual(['miss', 'collapsed'])
})

describe('a refresh that nobody waits for', () => {
  const WINDOW = { 'Cache-Control': 'max-age=60, stale-while-revalidate=600', ETag: '"1"' }
  /** An expired copy within its window; further origin requests wait for the test to answer them. */
  const expired = async (headers: Record<string, string> = WINDOW, rules: Partial<Rules> = {}, asked = {}) => {
    const w = world({ grace: 600_000, ...rules })
    answering(w, { headers, body: 'v1' })
    await w.get('/', asked)
    await w.clock.advance(61_000)
    w.origin.script(() => undefined)
    return w
  }

  test('after a stale copy was served to no-store keeps the copy (RFC 9111 section 5.2.1.5)', async () => {
    const w = await expired()
    expect((await w.get('/', { 'Cache-Control': 'no-store' })).result).toBe('stale')
    w.origin.next.answer({ status: 304, headers: WINDOW })
    await settle()
    expect(await w.get('/')).toMatchObject({ body: 'v1', result: 'hit' })
  })

  test('ahead of expiry, started by a request with no-store, is stored', async () => {
    const w = world({ refreshAhead: 0.5 })
    answering(w, { headers: MINUTE, body: 'v1' }, { headers: MINUTE, body: 'v2' })
    await w.get('/')
    await w.clock.advance(31_000)
    expect((await w.get('/', { 'Cache-Control': 'no-store' })).result).toBe('hit')
    await settle()
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('by HEAD makes the copy fresh again', async () => {
    const w = await expired()
    expect((await method(w, 'HEAD', '/', { 'Cache-Control': 'no-store' })).result).toBe('stale')
    w.origin.next.answer({ headers: WINDOW })
    await settle()
    expect(await w.get('/')).toMatchObject({ body: 'v1', result: 'hit' })
  })

  test.each([{ Cookie: 'a=1' }, { Authorization: 'b' }])(
    'with %j whose answer cannot be shared leaves the copy',
    async (by) => {
      const w = await expired()
      await w.get('/', { ...by, 'Cache-Control': 'no-store' })
      w.origin.next.answer({ headers: MINUTE, body: 'own' })
      await settle()
      expect(await w.get('/')).toMatchObject({ body: 'v1', result: 'stale' })
    },
  )

  test('does not send the cache directives of the client', async () => {
    const w = await expired()
    await w.get('/', { 'Cache-Control': 'max-stale=90', Pragma: 'x', Accept: 'c/d' })
    const { request } = w.origin.next
    expect(['cache-control', 'pragma', 'accept'].map((name) => sent(request, name))).toEqual([
      undefined,
      undefined,
      'c/d',
    ])
  })

  test('sends those that selected the copy or are in its key', async () => {
    const wish = { 'Cache-Control': 'max-stale=90' }
    for (const key of [DEFAULT_RULES.key, { ...DEFAULT_RULES.key, headers: ['cache-control'] }]) {
      const vary = key === DEFAULT_RULES.key ? { Vary: 'Cache-Control' } : {}
      const w = await expired({ ...WINDOW, ...vary }, { key }, wish)
      expect((await w.get('/', wish)).result).toBe('stale')
      expect(sent(w.origin.next.request, 'cache-control')).toBe('max-stale=90')
    }
  })
})

describe('HEAD', () => {
  const stale = async (answer: Answer) => {
    const w = world({ grace: 0 })
    answering(w, { headers: { ...MINUTE, ETag: '"1"', 'X-Said': 'once' }, body: 'v1' }, answer, {
      headers: MINUTE,
      body: 'v2',
    })
    await w.get('/')
    await w.clock.advance(61_000)
    await method(w, 'HEAD', '/')
    return w.get('/')
  }

  const SHORT = { 'Cache-Control': 'max-age=60, stale-while-revalidate=60', ETag: '"1"' }
  const reviving = async () => {
    const w = world({ grace: 0 })
    answering(w, { headers: SHORT, body: 'v1' })
    await w.get('/')
    await w.clock.advance(61_000)
    w.origin.script(() => undefined)
    return w
  }

  test('within stale-while-revalidate is answered at once, and one HEAD revalidates the copy (RFC 5861 section 3)', async () => {
    const w = await reviving()
    for (let at = 0; at < 3; at++) {
      const { status, result, reply } = await method(w, 'HEAD', '/')
      expect([status, result, field(reply.fields, 'content-length')]).toEqual([200, 'stale', '2'])
      expect(field(reply.fields, 'cache-status')).toBe('herdgate; hit; ttl=-1; detail=stale-while-revalidate')
    }
    expect(w.origin.requests.map(({ method: verb }) => verb)).toEqual(['GET', 'HEAD'])
    w.origin.next.answer({ headers: SHORT })
    await settle()
    expect(await w.get('/')).toMatchObject({ body: 'v1', result: 'hit' })
    await w.clock.advance(61_000)
    expect((await method(w, 'HEAD', '/')).result).toBe('stale')
    expect(w.origin.requests).toHaveLength(3)
  })

  test('within stale-while-revalidate revalidates the copy without the conditions of the client', async () => {
    const w = await reviving()
    await method(w, 'HEAD', '/', { 'If-None-Match': '"1"', 'If-Modified-Since': 'Thu, 01 Jan 2026 00:00:00 GMT' })
    const [, asked] = w.origin.requests
    expect([asked?.method, has(asked?.fields ?? [], 'if-modified-since')]).toEqual(['HEAD', false])
    expect(has(asked?.fields ?? [], 'if-none-match')).toBe(false)
  })

  test('within stale-while-revalidate that reveals other content has it fetched anew', async () => {
    const w = await reviving()
    await method(w, 'HEAD', '/')
    w.origin.next.answer({ headers: { ...SHORT, ETag: '"2"' } })
    await settle()
    answering(w, { headers: SHORT, body: 'v2' })
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'miss' })
  })

  test('within stale-while-revalidate makes no origin request while a GET revalidates the copy', async () => {
    const w = await reviving()
    expect((await w.get('/')).result).toBe('stale')
    expect((await method(w, 'HEAD', '/')).result).toBe('stale')
    expect(w.origin.requests.map(({ method: verb }) => verb)).toEqual(['GET', 'GET'])
  })

  test('that matches the stored content makes the copy fresh again (RFC 9111 section 4.3.5)', async () => {
    const headers = { ...MINUTE, ETag: '"1"', 'Content-Length': '2', 'X-Said': 'twice' }
    const { body, result, reply } = await stale({ headers })
    expect([body, result, field(reply.fields, 'x-said')]).toEqual(['v1', 'hit', 'twice'])
  })

  test.each([
    { ETag: '"2"' },
    { ETag: '"1"', 'Content-Length': '99' },
    { ETag: '"1"', 'Last-Modified': 'Thu, 01 Jan 2026 00:00:00 GMT' },
  ])('with %j has the content fetched anew', async (said) => {
    expect(await stale({ headers: { ...MINUTE, ...said } })).toMatchObject({ body: 'v2' })
  })

  test('without the validator of the copy says nothing about its content', async () => {
    expect(await stale({ headers: { ...MINUTE, 'X-Said': 'twice' } })).toMatchObject({ body: 'v2' })
  })

  test('without a validator does not extend a copy without one: health checks would keep it for ever', async () => {
    const w = world({ grace: 60_000 })
    answering(w, { headers: MINUTE, body: 'v1' }, { headers: { ...MINUTE, 'Content-Length': '2' } }, { body: 'v2' })
    await w.get('/')
    await w.clock.advance(61_000)
    await method(w, 'HEAD', '/')
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'miss' })
  })

  test.each([404, 301])('that is answered 200 when the copy is a %i has the content fetched anew', async (status) => {
    const w = world()
    answering(w, { status, headers: MINUTE, body: 'v1' }, { headers: MINUTE }, { headers: MINUTE, body: 'v2' })
    await w.get('/')
    await w.clock.advance(61_000)
    expect(await method(w, 'HEAD', '/')).toMatchObject({ status: 200 })
    expect(await w.get('/')).toMatchObject({ status: 200, body: 'v2' })
  })

  test.each([{ Cookie: 'a=1' }, { Authorization: 'b' }, { 'Cache-Control': 'no-cache, no-store' }])(
    'with %j that matches the content leaves a fresh copy unchanged (RFC 9111 section 4.3.5)',
    async (headers) => {
      const w = world()
      answering(
        w,
        { headers: { ...MINUTE, ETag: '"1"', 'X-Said': 'once' }, body: 'v1' },
        {
          headers: { ...MINUTE, ETag: '"1"', 'X-Said': 'twice' },
        },
      )
      await w.get('/')
      await w.clock.advance(30_000)
      const asked = { 'Cache-Control': 'no-cache', ...headers }
      expect((await method(w, 'HEAD', '/', asked)).reply.outcome.fwdStatus).toBe(200)
      const { result, reply } = await w.get('/')
      expect([result, field(reply.fields, 'x-said')]).toEqual(['hit', 'once'])
      await w.clock.advance(31_000)
      expect((await w.get('/')).result).not.toBe('hit')
    },
  )

  test('with a cookie that reveals other content has it fetched anew', async () => {
    const w = world()
    answering(w, { headers: { ...MINUTE, ETag: '"1"' } }, { headers: { ...MINUTE, ETag: '"2"' } }, { body: 'v2' })
    await w.get('/')
    await method(w, 'HEAD', '/', { Cookie: 'a=1', 'Cache-Control': 'no-cache' })
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'miss' })
  })

  test('makes an invalidated copy valid again only if its validator matches', async () => {
    const w = world()
    const headers = { ...MINUTE, ETag: '"1"' }
    answering(w, { headers, body: 'v1' }, { headers: MINUTE }, { headers, body: 'v2' }, { headers })
    await w.get('/')
    await w.cache.invalidate({ urls: ['http://a.test/'] })
    await method(w, 'HEAD', '/')
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'miss' })
    await w.cache.invalidate({ urls: ['http://a.test/'] })
    await method(w, 'HEAD', '/')
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })
})

describe('POST', () => {
  const posted = async (headers: Record<string, string>, status = 200) => {
    const w = world()
    w.origin.script(({ method: verb }) =>
      verb === 'POST' ? { status, headers, body: 'posted' } : { headers: MINUTE, body: 'got' },
    )
    const { cacheStatus } = await method(w, 'POST', '/a', {}, 'x')
    return { ...(await w.get('/a')), whenPosted: cacheStatus }
  }

  test('with a freshness lifetime and Content-Location of its own URL answers the next GET', async () => {
    const whenPosted = 'herdgate; fwd=method; fwd-status=200; stored'
    const whenGot = { body: 'posted', result: 'hit' }
    expect(await posted({ ...MINUTE, 'Content-Location': '/a' })).toMatchObject({ ...whenGot, whenPosted })
    expect(await posted({ ...MINUTE, 'Content-Location': 'http://a.test/a' })).toMatchObject({ body: 'posted' })
  })

  test.each([
    { 'Content-Location': '/a' },
    { ...MINUTE },
    { ...MINUTE, 'Content-Location': '/b' },
    { 'Cache-Control': 'no-store, max-age=60', 'Content-Location': '/a' },
  ])('with %j does not answer the next GET', async (headers) => {
    const whenPosted = 'herdgate; fwd=method; fwd-status=200; detail=method'
    expect(await posted(headers)).toMatchObject({ body: 'got', result: 'miss', whenPosted })
  })

  test('that created something does not answer the next GET', async () => {
    expect(await posted({ ...MINUTE, 'Content-Location': '/a' }, 201)).toMatchObject({ body: 'got', result: 'miss' })
  })

  test('to a URL of which the key leaves something out does not answer the next GET', async () => {
    const w = world({ key: { ...DEFAULT_RULES.key, ignoreQuery: ['utm_*'] } })
    w.origin.script(({ method: verb, target }) => {
      return { headers: { ...MINUTE, ...(verb === 'POST' && { 'Content-Location': target }) }, body: target }
    })
    expect((await method(w, 'POST', '/a?utm_source=x', {}, 'x')).body).toBe('/a?utm_source=x')
    expect(await w.get('/a?utm_source=x')).toMatchObject({ body: '/a', result: 'miss' })
  })

  test('is purged by the URL of the GET that it answers, whatever the key of its own route', async () => {
    const { origin, clock } = world()
    const rules = { ...DEFAULT_RULES, key: { ...DEFAULT_RULES.key, ignoreQuery: ['utm_*'] } }
    const posts = { name: 'posts', match: { methods: ['POST'] }, origin, rules }
    const cache = createCache({ clock, routes: [posts, { name: 'rest', match: {}, origin, rules: DEFAULT_RULES }] })
    const url = 'http://a.test/a?utm_source=x'
    origin.script(() => ({ headers: { ...MINUTE, 'Content-Location': url }, body: 'answer' }))
    const body = Readable.from([Buffer.from('x')])
    await received(await cache.handle({ method: 'POST', url, fields: [], body }))
    const get = async () => (await received(await cache.handle({ method: 'GET', url, fields: [] }))).result
    expect(await get()).toBe('hit')
    await cache.purge({ urls: [url] })
    expect(await get()).toBe('miss')
  })
})

test('credentials in the key of a POST route do not make its response storable for a GET elsewhere', async () => {
  const { origin, clock } = world()
  const ofOne = { ...DEFAULT_RULES, override: true, key: { ...DEFAULT_RULES.key, headers: ['authorization'] } }
  const posts = { name: 'posts', match: { methods: ['POST'] }, origin, rules: ofOne }
  const cache = createCache({ clock, routes: [posts, { name: 'rest', match: {}, origin, rules: DEFAULT_RULES }] })
  const url = 'http://a.test/me'
  origin.script(({ method }) => ({ headers: { ...MINUTE, 'Content-Location': url }, body: `for ${method}` }))
  const fields = ['Authorization', 'Bearer alice']
  await received(await cache.handle({ method: 'POST', url, fields, body: Readable.from([Buffer.from('x')]) }))
  expect((await received(await cache.handle({ method: 'GET', url, fields: [] }))).body).toBe('for GET')
})

test('a POST response stored without Set-Cookie answers no GET of a route that keeps cookies', async () => {
  const { origin, clock } = world()
  const posts = {
    name: 'posts',
    match: { methods: ['POST'] },
    origin,
    rules: { ...DEFAULT_RULES, cookies: 'ignore' },
  } as const
  const rest = { name: 'rest', match: {}, origin, rules: { ...DEFAULT_RULES, cookies: 'rfc' } } as const
  const cache = createCache({ clock, routes: [posts, rest] })
  const url = 'http://a.test/a'
  origin.script(() => ({ headers: { ...MINUTE, 'Content-Location': url, 'Set-Cookie': 'a=1' }, body: 'answer' }))
  await received(await cache.handle({ method: 'POST', url, fields: [], body: Readable.from([Buffer.from('x')]) }))
  const { reply } = await received(await cache.handle({ method: 'GET', url, fields: [] }))
  expect(field(reply.fields, 'set-cookie')).toBe('a=1')
})

test('a POST response that answers a GET has the tags of the route of the GET', async () => {
  const { origin, clock } = world()
  const posts = { name: 'posts', match: { methods: ['POST'] }, origin, rules: DEFAULT_RULES }
  const rest = { name: 'rest', match: {}, origin, rules: { ...DEFAULT_RULES, tags: ['catalog'] } }
  const cache = createCache({ clock, routes: [posts, rest] })
  const url = 'http://a.test/a'
  origin.script(() => ({ headers: { ...MINUTE, 'Content-Location': url }, body: 'answer' }))
  await received(await cache.handle({ method: 'POST', url, fields: [], body: Readable.from([Buffer.from('x')]) }))
  const get = async () => (await received(await cache.handle({ method: 'GET', url, fields: [] }))).result
  expect(await get()).toBe('hit')
  await cache.purge({ tags: ['catalog'] })
  expect(await get()).toBe('miss')
})

test.each([
  ['ttl', { grace: 0 }, { grace: 0, override: true, ttl: 3_600_000 }, 3_599_000, 'hit'],
  ['grace', { grace: 3_600_000 }, { grace: 0 }, 61_000, 'error'],
])(
  'a POST response that answers a GET lives by the %s of the route of the GET',
  async (_, ofPost, ofGet, ms, expected) => {
    const { origin, clock } = world()
    const posts = { name: 'posts', match: { methods: ['POST'] }, origin, rules: { ...DEFAULT_RULES, ...ofPost } }
    const rest = { name: 'rest', match: {}, origin, rules: { ...DEFAULT_RULES, ...ofGet } }
    const cache = createCache({ clock, routes: [posts, rest] })
    const url = 'http://a.test/a'
    origin.script(() => ({ headers: { ...MINUTE, 'Content-Location': url }, body: 'answer' }))
    await received(await cache.handle({ method: 'POST', url, fields: [], body: Readable.from([Buffer.from('x')]) }))
    await clock.advance(ms)
    origin.script(() => new HerdgateError('origin_refused'))
    const { result } = await received(await cache.handle({ method: 'GET', url, fields: [] }))
    expect(result).toBe(expected)
  },
)

test('QUERY is answered by the stored response to the same query of the same type', async () => {
  const w = world()
  w.origin.script((_, number) => ({ headers: MINUTE, body: `answer ${number}` }))
  const query = async (content: string, type = 'text/q', path = '/') =>
    (await method(w, 'QUERY', path, { 'Content-Type': type, 'Content-Length': String(content.length) }, content)).body
  expect([await query('a'), await query('b'), await query('a')]).toEqual(['answer 1', 'answer 2', 'answer 1'])
  expect([await query('a', 'text/other'), await query('a', 'text/q', '/other')]).toEqual(['answer 3', 'answer 4'])
  expect((await w.get('/')).body).toBe('answer 5')
})

describe('an unsafe method', () => {
  test.each([
    ['POST', 200, {}, ['/a']],
    ['PUT', 201, { Location: '/b' }, ['/a', '/b']],
    ['DELETE', 204, { 'Content-Location': 'http://a.test/c' }, ['/a', '/c']],
    ['BREW', 303, { Location: 'http://elsewhere.test/b' }, ['/a']],
    ['PATCH', 404, { Location: '/b' }, []],
    ['POST', 500, {}, []],
  ])('%s answered %i with %j purges %j', async (verb, status, headers, gone) => {
    const w = world()
    w.origin.script(({ method: asked }) => (asked === 'GET' ? { headers: MINUTE } : { status, headers }))
    const paths = ['/a', '/b', '/c']
    for (const path of paths) await w.get(path)
    await method(w, verb, '/a', {}, 'x')
    const missed: string[] = []
    for (const path of paths) if ((await w.get(path)).result !== 'hit') missed.push(path)
    expect(missed).toEqual(gone)
  })

  test('purges the cache groups named by its answer, of its own origin only (RFC 9875)', async () => {
    const w = world()
    w.origin.script(({ method: asked, target }) =>
      asked === 'GET'
        ? { headers: { ...MINUTE, 'Cache-Groups': target === '/two' ? '"shoes", "hats"' : '"hats"' } }
        : { headers: { 'Cache-Group-Invalidation': '"shoes"' } },
    )
    const elsewhere = { url: 'http://b.test/two' }
    for (const path of ['/one', '/two']) await w.get(path)
    await w.get('', {}, elsewhere)
    await method(w, 'POST', '/order', {}, 'x')
    expect((await w.get('/one')).result).toBe('hit')
    expect((await w.get('/two')).result).toBe('miss')
    expect((await w.get('', {}, elsewhere)).result).toBe('hit')
  })
})

describe('parts', () => {
  const CONTENT = '0123456789'
  /** An origin that supports ranges and sends a validator. */
  const ranged = (etag = '"1"') => {
    const w = world()
    w.origin.script(({ fields }) => {
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(field(fields, 'range') ?? '') ?? []
      const headers = { ...MINUTE, ETag: etag }
      if (from === undefined) return { headers, body: CONTENT }
      const last = to === '' || to === undefined ? CONTENT.length - 1 : Number(to)
      const range = `bytes ${from}-${last}/${CONTENT.length}`
      return {
        status: 206,
        headers: { ...headers, 'Content-Range': range },
        body: CONTENT.slice(Number(from), last + 1),
      }
    })
    const part = async (range: string, more: Record<string, string> = {}) => {
      const { status, body, reply } = await w.get('/', { Range: `bytes=${range}`, ...more })
      return [status, body, field(reply.fields, 'content-range')]
    }
    return { w, part }
  }

  test('of a complete copy answer every range: closed, open, suffix, unsatisfiable, several', async () => {
    const { w, part } = ranged()
    await w.get('/')
    expect(await part('2-4')).toEqual([206, '234', 'bytes 2-4/10'])
    expect(await part('7-')).toEqual([206, '789', 'bytes 7-9/10'])
    expect(await part('-2')).toEqual([206, '89', 'bytes 8-9/10'])
    expect(await part('10-')).toEqual([416, '', 'bytes */10'])
    expect((await part('0-1,8-9'))[0]).toBe(206)
    expect((await part(Array.from({ length: 8 }, (_, at) => `${at}-${at}`).join()))[0]).toBe(206)
    expect((await part(Array.from({ length: 9 }, (_, at) => `${at}-${at}`).join()))[0]).toBe(200)
    expect(await part('2-4', { 'If-Range': '"1"' })).toEqual([206, '234', 'bytes 2-4/10'])
    expect((await part('2-4', { 'If-Range': '"0"' }))[1]).toBe(CONTENT)
    expect(w.origin.requests).toHaveLength(1)
  })

  test('are stored, answer the ranges they hold, are joined, and are completed with what they lack', async () => {
    const { w, part } = ranged()
    await part('0-3')
    await part('4-6')
    expect(await part('2-5')).toEqual([206, '2345', 'bytes 2-5/10'])
    expect(w.origin.requests).toHaveLength(2)
    expect(await w.get('/')).toMatchObject({ status: 200, body: CONTENT })
    expect(sent(w.origin.requests[2], 'range')).toBe('bytes=7-')
    expect(sent(w.origin.requests[2], 'if-range')).toBe('"1"')
    expect(await w.get('/')).toMatchObject({ body: CONTENT, result: 'hit' })
    expect(w.origin.requests).toHaveLength(3)
  })

  test('under a weak validator are never joined', async () => {
    const { w, part } = ranged('W/"1"')
    await part('0-3')
    await part('4-9')
    expect(await part('2-5')).toEqual([206, '2345', 'bytes 2-5/10'])
    expect(w.origin.requests).toHaveLength(3)
    expect((await w.get('/')).body).toBe(CONTENT)
    expect(sent(w.origin.requests[3], 'range')).toBeUndefined()
  })

  test('that were not requested are not stored', async () => {
    const w = world()
    answering(w, { status: 206, headers: { ...MINUTE, 'Content-Range': 'bytes 0-1/10' }, body: '01' })
    await w.get('/')
    await w.get('/')
    expect(w.origin.requests).toHaveLength(2)
  })
})

describe('an error in answer to a revalidation', () => {
  const revalidated = async (status: number, headers: Record<string, string>) => {
    const w = world({ grace: 3_600_000 })
    answering(w, { headers: { ...MINUTE, ETag: '"1"' }, body: 'v1' }, { status, headers, body: 'no' }, { status: 503 })
    await w.get('/')
    await w.clock.advance(61_000)
    const asked = await Promise.all([w.get('/'), w.get('/')])
    await w.clock.advance(10_000)
    return { first: asked[0], later: await w.get('/') }
  }

  test.each([400, 401, 403, 407, 408, 412, 416, 428, 429, 431])(
    'of transient status %i does not replace a copy that may be served stale',
    async (status) => {
      for (const headers of [MINUTE, {}]) {
        const { first, later } = await revalidated(status, headers)
        expect(first).toMatchObject({ status, body: 'no' })
        expect(later).toMatchObject({ status: 200, body: 'v1', result: 'stale_if_error' })
      }
    },
  )

  test.each([404, 410, 451])('of permanent status %i replaces the copy', async (status) => {
    const { first, later } = await revalidated(status, MINUTE)
    expect(first.status).toBe(status)
    expect(later).toMatchObject({ status, result: 'hit' })
  })
})

test('a stored challenge does not lock out clients with credentials', async () => {
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

describe('when the origin closes the connection', () => {
  test.each(['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=2'])(
    'a copy with %s is not served in place of the error, neither to the first request nor to a waiter',
    async (directive) => {
      const w = world({ grace: 3_600_000 })
      const headers = { 'Cache-Control': `max-age=2, ${directive}`, ETag: '"1"', Date: date(w.clock.now()) }
      w.origin.script((_, number) => (number === 1 ? { headers, body: 'v1' } : new HerdgateError('origin_reset')))
      expect((await w.get('/')).body).toBe('v1')
      await w.clock.advance(3_000)
      for (const { status, result } of await Promise.all([w.get('/'), w.get('/')])) {
        expect([status, result]).toEqual([502, 'error'])
      }
    },
  )

  test('a copy without such a directive is served stale', async () => {
    const w = world({ grace: 3_600_000 })
    const headers = { 'Cache-Control': 'max-age=2', Date: date(w.clock.now()) }
    w.origin.script((_, number) => (number === 1 ? { headers, body: 'v1' } : new HerdgateError('origin_reset')))
    await w.get('/')
    await w.clock.advance(3_000)
    expect(await w.get('/')).toMatchObject({ status: 200, body: 'v1', result: 'stale_if_error' })
  })
})

test.each(['private', 'max-age=60'])(
  'If-Modified-Since is ignored for a new response without Last-Modified (RFC 9110 section 13.1.3), though it is later: %s',
  async (control) => {
    const w = world()
    w.origin.script(() => ({ headers: { 'Cache-Control': control, Date: date(w.clock.now()) }, body: 'new' }))
    const answer = await w.get('/', { 'If-Modified-Since': date(w.clock.now() + 300_000) })
    expect(answer).toMatchObject({ status: 200, body: 'new' })
  },
)

test('If-Modified-Since is compared with Date if the copy has no Last-Modified (RFC 9111 section 4.3.2)', async () => {
  const w = world()
  const made = w.clock.now()
  w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=60', Date: date(made) }, body: 'v1' }))
  await w.get('/')
  const since = async (ms: number) => (await w.get('/', { 'If-Modified-Since': date(ms) })).status
  expect([await since(made), await since(made + 1_000)]).toEqual([304, 304])
  expect([await since(made - 1_000), await since(made - 3_000_000)]).toEqual([200, 200])
  expect(w.origin.requests).toHaveLength(1)
})

test('a 304 made from a copy has no fields about content, which it does not carry (RFC 9530 section 2)', async () => {
  const w = world()
  const ofContent = {
    'Content-Digest': 'sha-256=:x:',
    'Content-Encoding': 'gzip',
    'Content-Language': 'de',
    'Content-MD5': 'x',
    'Content-Range': 'bytes 0-1/2',
    'Content-Type': 'text/plain',
  }
  w.origin.script(() => ({
    headers: { ...MINUTE, ...ofContent, 'Repr-Digest': 'sha-256=:x:', ETag: '"1"' },
    body: 'v1',
  }))
  await w.get('/')
  const answer = await w.get('/')
  const names = [...Object.keys(ofContent), 'Content-Length', 'Repr-Digest'].map((name) => name.toLowerCase())
  expect(names.filter((name) => has(answer.reply.fields, name))).toEqual(names)
  const { status, reply } = await w.get('/', { 'If-None-Match': '"1"' })
  expect(status).toBe(304)
  expect(names.filter((name) => has(reply.fields, name))).toEqual(['repr-digest'])
})

describe('Age, of what the origin has taken three seconds to answer', () => {
  const ages = async (w: World, headers: Record<string, string> = {}) => {
    const requests = [w.get('/'), w.get('/')]
    await settle()
    await w.clock.advance(3_000)
    w.origin.next.answer({ headers: { ...MINUTE, ...headers } })
    const answers = [...(await Promise.all(requests)), await w.get('/')]
    return answers.map(({ result, reply }) => [result, field(reply.fields, 'age')])
  }

  test('is left out for who has waited for it: caches behind add that time themselves (RFC 9111 section 5.1)', async () => {
    expect(await ages(world())).toEqual([
      ['miss', undefined],
      ['collapsed', '3'],
      ['hit', '3'],
    ])
  })

  test('is what the origin says', async () => {
    const [miss, , hit] = await ages(world(), { Age: '10' })
    expect([miss, hit]).toEqual([
      ['miss', '10'],
      ['hit', '13'],
    ])
  })
})

describe('a response with two Date lines (RFC 9110 section 5.3)', () => {
  const dates = (answer: { readonly reply: { readonly fields: Fields } }) => fieldLines(answer.reply.fields, 'date')
  const twice = (w: World) => ({ Date: [date(w.clock.now()), date(w.clock.now() - 20_000)] })

  test('is passed on with one, from which its age is counted', async () => {
    const w = world({ grace: 0 })
    const oldest = date(w.clock.now() - 20_000)
    answering(w, { headers: { ...MINUTE, ...twice(w) } })
    const first = await w.get('/')
    expect([dates(first), field(first.reply.fields, 'age')]).toEqual([[oldest], '20'])
    await w.clock.advance(39_000)
    const second = await w.get('/')
    expect([second.result, dates(second), field(second.reply.fields, 'age')]).toEqual(['hit', [oldest], '59'])
    await w.clock.advance(1_000)
    expect((await w.get('/')).result).toBe('miss')
  })

  test('is passed on with one when it is not stored, and when it is a 304', async () => {
    const w = world({ grace: 0 })
    const oldest = date(w.clock.now() - 20_000)
    answering(w, { headers: { 'Cache-Control': 'no-store', ...twice(w) } })
    expect(dates(await w.get('/'))).toEqual([oldest])
    const confirmed = world({ grace: 0 })
    answering(
      confirmed,
      { headers: { 'Cache-Control': 'max-age=1', ETag: '"1"' } },
      { status: 304, headers: { ...MINUTE, ...twice(confirmed) } },
    )
    await confirmed.get('/')
    await confirmed.clock.advance(2_000)
    expect(dates(await confirmed.get('/'))).toEqual([oldest])
  })
})

describe('a wall clock that is corrected after the process has started', () => {
  const HOUR_MS = 3_600_000
  test.each([
    ['back', -HOUR_MS],
    ['on', HOUR_MS],
  ])('by an hour %s: Date is compared with the corrected time, and expiry goes by elapsed time', async (_, byMs) => {
    const w = world()
    w.clock.correct(byMs)
    w.origin.script(() => ({ headers: { ...MINUTE, Date: date(w.clock.wall()) }, body: 'v' }))
    await w.get('/')
    await w.clock.advance(50_000)
    const hit = await w.get('/')
    expect([hit.result, field(hit.reply.fields, 'age')]).toEqual(['hit', '50'])
    await w.clock.advance(11_000)
    expect((await w.get('/')).result).not.toBe('hit')
  })

  test('gives the corrected time to a response without Date', async () => {
    const w = world()
    w.clock.correct(-HOUR_MS)
    answering(w, { headers: MINUTE, body: 'v' })
    await w.get('/')
    expect(await header(w, 'date')).toBe(date(w.clock.wall()))
  })

  test('neither expires nor revives a stored copy', async () => {
    const w = world()
    w.origin.script(() => ({ headers: { ...MINUTE, Date: date(w.clock.wall()) }, body: 'v' }))
    await w.get('/')
    w.clock.correct(HOUR_MS)
    expect((await w.get('/')).result).toBe('hit')
    w.clock.correct(-2 * HOUR_MS)
    await w.clock.advance(61_000)
    expect((await w.get('/')).result).not.toBe('hit')
  })
})
