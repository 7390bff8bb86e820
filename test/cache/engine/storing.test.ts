import { describe, expect, test } from 'vitest'
import { HerdgateError } from '../../../src/errors.ts'
import { field, has } from '../../../src/fields.ts'
import { withChanges } from '../../../src/response-record.ts'
import { settle } from '../../support/fake-clock.ts'
import { PushedBody } from '../../support/scripted-origin.ts'
import { world } from '../../support/world.ts'

/* Which of several fetches of one key is kept when they overtake each other. */

const FRESH = { 'Cache-Control': 'max-age=60' }
const CONSENTING = { 'Cache-Control': 'public, max-age=60' }
const VARYING = { ...CONSENTING, Vary: 'Accept' }
const AUTHORIZED = { Authorization: 'Bearer alice' }
const RANGED = { Range: 'bytes=0-1' }

/** While `v1` arrives slowly for the `early` request, the `late` one gets `v2` at once. */
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

test('a slow response that requires validation is stored however often it is fetched meanwhile', async () => {
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

test('a slow response is not stored once a later answer was for one client only', async () => {
  const w = world()
  const body = new PushedBody()
  const slow = w.get('/')
  await settle()
  w.origin.next.answer({ headers: { 'Cache-Control': 'no-cache', ETag: '"1"' }, body })
  await w.clock.advance(10)
  const later = w.get('/')
  await settle()
  w.origin.next.answer({ headers: { 'Cache-Control': 'no-store' } })
  await later
  body.end()
  await slow
  void w.get('/')
  await settle()
  expect(has(w.origin.next.request.fields, 'if-none-match')).toBe(false)
})

test('a fetch overtaken by a purge does not mark the key of its successor as unshareable', async () => {
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

test('a fetch overtaken by a later answer does not mark its key as unshareable', async () => {
  const w = world()
  const slow = w.get('/')
  await w.clock.advance(1)
  const quick = w.get('/', AUTHORIZED)
  await settle()
  w.origin.waiting[1]?.answer({ headers: CONSENTING, body: 'v2' })
  await quick
  w.origin.next.answer({ headers: { 'Cache-Control': 'private' } })
  await slow
  expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
})

test.each(['"1"', '"3"'])(
  'a slow answer to HEAD with ETag: %s does not bring back what a GET has replaced meanwhile',
  async (etag) => {
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
    w.origin.next.answer({ headers: { 'Cache-Control': 'max-age=60', ETag: etag, 'Content-Length': '2' } })
    expect((await head).cacheStatus).not.toContain('stored')
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
  },
)

test.each([
  ['by a response without Vary', {}, {}, 'hit'],
  ['by one with Vary', {}, { Vary: 'Accept' }, 'hit'],
  ['by one with another Vary', { Vary: 'Accept' }, { Vary: 'X-Other' }, 'hit'],
  ['by one for its client only', {}, { 'Cache-Control': 'private' }, 'pass'],
])('a HEAD requested after a GET does not bring back what that has replaced %s', async (_, had, said, result) => {
  const w = world()
  const headers: Record<string, string> = { 'Cache-Control': 'max-age=10', ...had }
  w.origin.script(() => ({ headers, body: 'v1' }))
  await w.get('/')
  await w.clock.advance(20_000)
  w.origin.script(() => undefined)
  const get = w.get('/')
  await w.clock.advance(10)
  const head = w.get('/', {}, { method: 'HEAD' })
  await settle()
  w.origin.next.answer({ headers: { ...headers, ...said }, body: 'v2' })
  await get
  w.origin.next.answer({ headers })
  expect((await head).cacheStatus).not.toContain('stored')
  w.origin.script(() => ({ headers, body: 'v2' }))
  expect(await w.get('/')).toMatchObject({ body: 'v2', result })
})

test.each([
  ['with credentials', AUTHORIZED, {}, CONSENTING],
  ['without credentials', {}, AUTHORIZED, CONSENTING],
  ['without credentials, of a response that varies,', {}, AUTHORIZED, VARYING],
  ['for a range', RANGED, {}, CONSENTING],
])('a slow fetch %s does not replace what a later one has stored meanwhile', async (_, early, late, headers) => {
  const w = world()
  await overtaken(w, headers, { early, late, laterMs: 1_000 })
  expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
})

describe('a HEAD that makes a copy fresh again', () => {
  const headers = { 'Cache-Control': 'max-age=10', ETag: '"1"' }
  const NEW = { headers: { ...headers, ETag: '"2"' }, body: 'v2' }

  /** The copy `v1` has expired; a GET and then a HEAD wait at the origin. */
  const asked = async () => {
    const w = world()
    w.origin.script(() => ({ headers, body: 'v1' }))
    await w.get('/')
    await w.clock.advance(20_000)
    w.origin.script(() => undefined)
    void w.get('/')
    await w.clock.advance(500)
    const head = w.get('/', {}, { method: 'HEAD' })
    await settle()
    const [toGet, toHead] = w.origin.waiting
    return { w, head, toGet, toHead }
  }

  test('does not keep an earlier GET from replacing it', async () => {
    const { w, head, toGet, toHead } = await asked()
    toHead?.answer({ headers })
    expect((await head).result).toBe('revalidated')
    toGet?.answer(NEW)
    await settle()
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('does not replace what that GET has brought meanwhile', async () => {
    const { w, head, toGet, toHead } = await asked()
    toGet?.answer(NEW)
    await settle()
    toHead?.answer({ headers })
    await head
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })
})

test('a purged copy does not keep a new one from being stored, even if it is from a machine whose clock is ahead', async () => {
  const w = world()
  const { set } = w.store
  w.store.set = (key, stored, forMs) => {
    const ahead = stored.kind === 'response' ? withChanges(stored, { askedAt: stored.askedAt + 3_000 }) : stored
    return set(key, ahead, forMs)
  }
  w.origin.script((_, number) => ({ headers: CONSENTING, body: `v${number}` }))
  await w.get('/')
  w.store.set = set
  await w.cache.purge({ urls: ['http://a.test/'] })
  await w.get('/', AUTHORIZED)
  expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
})

test('a slow fetch that turns out to vary does not replace what a later one has stored meanwhile', async () => {
  const w = world()
  const headers = { 'Cache-Control': 'max-age=1, stale-if-error=600', Vary: 'Accept' }
  await overtaken(w, headers, { early: {}, late: {}, laterMs: 2_000 })
  await w.clock.advance(2_000)
  const asked = w.get('/')
  await settle()
  w.origin.next.fail()
  expect(await asked).toMatchObject({ body: 'v2', result: 'stale_if_error' })
})

test('a fetch that varies does not replace one with credentials that overtook it before its head', async () => {
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

test('a fetch that turns out to vary does not displace a later one of its variant', async () => {
  const w = world()
  const early = w.get('/')
  await w.clock.advance(1_000)
  const other = w.get('/', { ...AUTHORIZED, Accept: 'text/html' })
  await settle()
  w.origin.waiting[1]?.answer({ headers: VARYING, body: 'html' })
  await other
  const late = w.get('/')
  await settle()
  w.origin.next.answer({ headers: VARYING, body: 'v1' })
  expect((await early).body).toBe('v1')
  w.origin.next.answer({ headers: VARYING, body: 'v2' })
  expect((await late).body).toBe('v2')
  expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
})

test('a response overtaken by a later one before its head is not reported as stored', async () => {
  const w = world()
  const slow = w.get('/')
  await w.clock.advance(1_000)
  const quick = w.get('/', AUTHORIZED)
  await settle()
  w.origin.waiting[1]?.answer({ headers: CONSENTING, body: 'v2' })
  await quick
  w.origin.next.answer({ headers: CONSENTING, body: 'v1' })
  expect(await slow).toMatchObject({ body: 'v1', cacheStatus: 'herdgate; fwd=uri-miss; fwd-status=200' })
  expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
})

test.each([
  [FRESH, FRESH],
  [VARYING, VARYING],
  [FRESH, VARYING],
  [VARYING, FRESH],
])('nor is one fetched for its client only, with %j, once a later one with %j is stored', async (early, late) => {
  const w = world()
  w.origin.script((_, number) => (number === 1 ? { headers: { 'Cache-Control': 'private' } } : undefined))
  await w.get('/')
  const slow = w.get('/')
  await w.clock.advance(1_000)
  const quick = w.get('/')
  await settle()
  w.origin.waiting[1]?.answer({ headers: { ...late, 'Content-Length': '2' }, body: 'v2' })
  expect((await quick).cacheStatus).toContain('stored')
  w.origin.next.answer({ headers: { ...early, 'Content-Length': '2' }, body: 'v1' })
  expect((await slow).cacheStatus).toBe('herdgate; fwd=uri-miss; fwd-status=200')
  expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
})

test.each([CONSENTING, VARYING])('a slow part does not replace a later whole response, with %j', async (headers) => {
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
  w.origin.next.answer({ headers: { ...headers, ETag: '"2"' }, body: 'new!' })
  await quick
  body.push('ol')
  body.end()
  await settle()
  w.origin.script(() => new HerdgateError('origin_refused'))
  expect(await w.get('/')).toMatchObject({ body: 'new!', result: 'hit' })
})

test.each([
  { status: 503, headers: { 'Cache-Control': 'max-age=10' } },
  { status: 403, headers: { 'Cache-Control': 'max-age=10' } },
  { status: 403 },
])('for a request that refuses stale copies, %j does not replace the stale copy of all others', async (error) => {
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

test('a response that turns out too large does not remove one that was requested later', async () => {
  const w = world({ maxObjectBytes: 8 })
  w.origin.script(() => ({ headers: { 'Cache-Control': 'private' } }))
  await w.get('/')
  w.origin.script(() => undefined)
  const body = new PushedBody()
  const slow = w.get('/')
  await settle()
  w.origin.next.answer({ headers: FRESH, body })
  await w.clock.advance(1)
  w.origin.script(() => ({ headers: { ...FRESH, 'Content-Length': '5' }, body: 'small' }))
  await w.get('/')
  body.push('far too long')
  body.end()
  expect((await slow).body).toBe('far too long')
  expect(await w.get('/')).toMatchObject({ body: 'small', result: 'hit' })
})

describe('when an answer with Vary and one without cross, the one requested later stays', () => {
  const V1 = { headers: CONSENTING, body: 'v1' }
  const V2 = { headers: CONSENTING, body: 'v2' }
  const varying = (answer: typeof V1) => ({ ...answer, headers: VARYING })

  /** The request sent first is answered last. */
  const crossing = async (early: Record<string, string>, answers: readonly [early: typeof V1, late: typeof V1]) => {
    const w = world()
    const slow = w.get('/', early)
    await settle()
    await w.clock.advance(1)
    const quick = w.get('/', early === AUTHORIZED ? {} : AUTHORIZED)
    await settle()
    w.origin.waiting[1]?.answer(answers[1])
    await quick
    w.origin.next.answer(answers[0])
    await slow
    return w
  }

  test.each([{}, AUTHORIZED])('when the earlier request, with %j, gets the one without', async (early) => {
    const w = await crossing(early, [V1, varying(V2)])
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test.each([{}, AUTHORIZED])('when the earlier request, with %j, gets the one with Vary', async (early) => {
    const w = await crossing(early, [varying(V1), V2])
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
    await w.clock.advance(30_000)
    w.origin.script(() => ({ ...varying(V2), body: 'v3' }))
    await w.get('/', { Accept: 'text/html', 'Cache-Control': 'no-cache' })
    expect(await w.get('/')).toMatchObject({ body: 'v3', result: 'miss' })
  })

  test('even when it is a variant that arrived while the earlier one was arriving', async () => {
    const w = world()
    const body = new PushedBody()
    const slow = w.get('/', AUTHORIZED)
    await settle()
    await w.clock.advance(1)
    w.origin.script((_, number) => (number === 2 ? { headers: { 'Cache-Control': 'max-age=1' } } : undefined))
    await w.get('/')
    w.origin.script(() => undefined)
    w.origin.next.answer({ headers: VARYING, body })
    await w.clock.advance(2_000)
    w.origin.script(() => varying(V2))
    await w.get('/')
    body.push('v1')
    body.end()
    await slow
    await settle()
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('even when another variant, requested earlier still, arrived in between', async () => {
    const w = world()
    w.origin.script(() => varying(V1))
    await w.get('/')
    w.origin.script(() => undefined)
    const replies = []
    for (const accepted of ['earliest', 'earlier', 'later']) {
      await w.clock.advance(1)
      replies.push(w.get('/', { Accept: accepted }))
    }
    await settle()
    const [earliest, earlier, later] = w.origin.waiting.slice()
    for (const [call, answer] of [
      [later, varying(V2)],
      [earliest, varying(V1)],
      [earlier, V1],
    ] as const) {
      call?.answer(answer)
      await settle()
    }
    await Promise.all(replies)
    w.origin.script(() => varying(V1))
    expect(await w.get('/', { Accept: 'later' })).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('even when the earlier one is too large', async () => {
    const w = world({ maxObjectBytes: 8 })
    const slow = w.get('/')
    await settle()
    await w.clock.advance(10)
    const later = w.get('/', AUTHORIZED)
    await settle()
    w.origin.waiting[1]?.answer(varying(V2))
    await later
    w.origin.next.answer({ headers: CONSENTING, body: 'far too long' })
    await slow
    await settle()
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('even when the earlier one has another Vary', async () => {
    const other = { headers: { ...CONSENTING, Vary: 'X-Other' }, body: 'v1' }
    const w = await crossing(AUTHORIZED, [other, varying(V2)])
    expect(await w.get('/')).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('but an answer that revalidates a variant replaces all variants, even at the same instant', async () => {
    const w = world()
    w.origin.script(() => varying(V1))
    await w.get('/')
    w.origin.script(() => V2)
    expect(await w.get('/', { 'Cache-Control': 'no-cache' })).toMatchObject({ body: 'v2' })
    expect(await w.get('/', { Accept: 'text/html' })).toMatchObject({ body: 'v2', result: 'hit' })
  })
})

test('a newcomer joins a variant that is arriving, though a later fetch of it has failed', async () => {
  const w = world()
  const early = w.ask('/')
  await settle()
  await w.clock.advance(1_000)
  const other = w.get('/', { ...AUTHORIZED, Accept: 'text/html' })
  await settle()
  w.origin.waiting[1]?.answer({ headers: VARYING, body: 'html' })
  await other
  const late = w.get('/')
  await settle()
  w.origin.waiting[1]?.fail()
  expect((await late).status).toBe(502)
  const body = new PushedBody()
  w.origin.next.answer({ headers: VARYING, body })
  const reader = (await early).body?.read()
  await settle()
  const newcomer = w.get('/')
  await settle()
  body.push('v1')
  body.end()
  expect(await newcomer).toMatchObject({ status: 200, body: 'v1' })
  reader?.cancel()
})

test('a HEAD that names further fields in Vary updates the copy', async () => {
  const w = world()
  const said = (Vary: string, age: number) => ({ 'Cache-Control': `max-age=${age}`, ETag: '"1"', Vary })
  w.origin.script(() => ({ headers: said('Accept', 10), body: 'v1' }))
  await w.get('/')
  await w.clock.advance(20_000)
  w.origin.script(() => ({ headers: said('Accept, X-Other', 1_000) }))
  await w.get('/', {}, { method: 'HEAD' })
  expect(await w.get('/')).toMatchObject({ body: 'v1', result: 'hit' })
})
