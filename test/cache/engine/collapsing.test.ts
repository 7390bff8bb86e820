import { expect, test } from 'vitest'
import { DEFAULT_RULES } from '../../../src/config/defaults.ts'
import { field } from '../../../src/fields.ts'
import { settle } from '../../support/fake-clock.ts'
import { PushedBody } from '../../support/scripted-origin.ts'
import { world } from '../../support/world.ts'

/* Which requests share the fetch of another, and which make their own. */

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

test('a response with Pragma: no-cache to one API key is not given to another that waits', async () => {
  const w = world()
  const headers = { Pragma: 'no-cache', ETag: '"1"' }
  const alice = w.get('/', { 'X-Api-Key': 'alice' })
  const bob = w.get('/', { 'X-Api-Key': 'bob' })
  await settle()
  w.origin.next.answer({ headers, body: 'for alice' })
  await settle()
  w.origin.next.answer({ headers, body: 'for bob' })
  expect([(await alice).body, (await bob).body]).toEqual(['for alice', 'for bob'])
})

test.each([
  ['overrides responses', { override: true, ttl: 60_000 }],
  ['has it in its key', { key: { ...DEFAULT_RULES.key, headers: ['x-api-key'] } }],
])('the error page for an API key is for all who send it where the route %s', async (_, rules) => {
  const w = world(rules)
  const clients = Array.from({ length: 10 }, () => w.get('/', { 'X-Api-Key': 'of all clients' }))
  await settle()
  w.origin.script(() => ({ status: 503, body: 'asked again' }))
  w.origin.next.answer({ status: 503, body: 'sorry' })
  expect((await Promise.all(clients)).map(({ body }) => body)).toEqual(Array(10).fill('sorry'))
})

test.each(['Accept-Encoding', 'Origin'])(
  'an error page with Vary: %s is shared by all requests that match it',
  async (vary) => {
    const w = world()
    const sameEncoding = Array.from({ length: 10 }, () =>
      w.get('/', { 'Accept-Encoding': 'gzip', Origin: 'https://a.test' }),
    )
    const another = w.get('/', { 'Accept-Encoding': 'br', Origin: 'https://b.test' })
    await settle()
    w.origin.script((_, number) => ({ status: 503, headers: { Vary: vary }, body: `page ${number}` }))
    w.origin.next.answer({ status: 503, headers: { Vary: vary }, body: 'page 1' })
    expect((await Promise.all(sameEncoding)).map(({ body }) => body)).toEqual(Array(10).fill('page 1'))
    expect(await another).toMatchObject({ status: 503, body: 'page 2' })
  },
)

test('an error page that varies is not given to requests that do not match it', async () => {
  const w = world()
  const both = [w.get('/', { 'Accept-Language': 'de' }), w.get('/', { 'Accept-Language': 'fr' })]
  await settle()
  w.origin.next.answer({ status: 500, headers: { Vary: 'Accept-Language' }, body: 'de' })
  await settle()
  w.origin.next.answer({ status: 500, headers: { Vary: 'Accept-Language' }, body: 'fr' })
  expect((await Promise.all(both)).map(({ body }) => body)).toEqual(['de', 'fr'])
})

test.each(['no-cache', 'max-age=1, must-revalidate'])(
  'a newcomer does not join a slowly arriving response with %s',
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

test('the Content-Type of a GET does not reach the origin even when its key is unshareable', async () => {
  const w = world()
  const fresh = { ...FRESH, 'Content-Length': '4' }
  w.origin.script((_, number) => ({ headers: number === 1 ? { 'Cache-Control': 'private' } : fresh, body: 'fine' }))
  await w.get('/')
  expect((await w.get('/', { 'Content-Type': 'in/valid' })).cacheStatus).toContain('stored')
  expect(field(w.origin.requests[1]?.fields ?? [], 'content-type')).toBeUndefined()
})

test('requests for different ranges of a stale copy cause one refresh', async () => {
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

test.each<[string, Record<string, string>, number]>([
  ['is for one client alone', { 'Cache-Control': 'private' }, 200],
  ['reports a failure', {}, 500],
])('once the stale copy has been served, an answer that %s is aborted', async (_, headers, status) => {
  const w = world({ softTimeout: 100 })
  w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=1' }, body: 'v1' }))
  await w.get('/')
  await w.clock.advance(2_000)
  w.origin.script(() => undefined)
  const asked = w.get('/', { Authorization: 'Bearer alice' })
  await settle()
  const { signal } = w.origin.next
  if (status === 200) await w.clock.advance(100)
  w.origin.next.answer({ status, headers, body: new PushedBody() })
  expect(await asked).toMatchObject({ body: 'v1', result: status === 200 ? 'stale' : 'stale_if_error' })
  await settle()
  expect(signal?.aborted).toBe(true)
})

test('a waiter that gets the stale copy because the fetch is slow is counted as collapsed', async () => {
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

test('a waiter that has to ask the origin itself gets the stale copy too when that is slow', async () => {
  const w = world({ softTimeout: 100 })
  w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=1' }, body: 'v1' }))
  await w.get('/')
  await w.clock.advance(2_000)
  w.origin.script(() => undefined)
  const [leader, waiter] = [w.get('/'), w.get('/')]
  await settle()
  w.origin.next.answer({ headers: { 'Cache-Control': 'private' }, body: 'for the leader' })
  expect((await leader).body).toBe('for the leader')
  await settle()
  expect(w.origin.waiting).toHaveLength(1)
  await w.clock.advance(100)
  expect(await waiter).toMatchObject({ body: 'v1', result: 'stale' })
})

test('an arriving variant is shared however many others are stored, but not kept beyond the cap', async () => {
  const w = world()
  const varying = { ...FRESH, Vary: 'X-Variant' }
  const slow = new PushedBody()
  w.origin.script(({ fields }) => ({ headers: varying, body: field(fields, 'x-variant') === 'slow' ? slow : 'quick' }))
  const leader = w.get('/', { 'X-Variant': 'slow' })
  await settle()
  for (let n = 0; n < 70; n++) await w.get('/', { 'X-Variant': String(n) })
  const asked = w.origin.requests.length
  const waiter = w.get('/', { 'X-Variant': 'slow' })
  await settle()
  slow.push('slow')
  slow.end()
  expect([(await leader).body, (await waiter).body, w.origin.requests.length]).toEqual(['slow', 'slow', asked])
  await settle()
  w.origin.script(() => ({ headers: varying, body: 'new' }))
  expect(await w.get('/', { 'X-Variant': 'slow' })).toMatchObject({ body: 'new', result: 'miss' })
})

test('a waiter that gets the error of another fetch is counted as collapsed', async () => {
  const w = world()
  const both = [w.get('/'), w.get('/')]
  await settle()
  w.origin.next.fail()
  expect((await Promise.all(both)).map(({ status }) => status)).toEqual([502, 502])
  expect(w.seen.collapse).toEqual([{ route: 'default', outcome: 'reused' }])
})
