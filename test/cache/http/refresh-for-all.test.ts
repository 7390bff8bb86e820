import { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { DEFAULT_RULES } from '../../../src/config/defaults.ts'
import { field, lines } from '../../../src/fields.ts'
import type { OriginRequest, Rules } from '../../../src/model.ts'
import { settle } from '../../support/fake-clock.ts'
import { world } from '../../support/world.ts'

/* When all clients get answers that cannot be shared, an expired shared copy still has to be refreshed. */

const MINUTE = { 'Cache-Control': 'max-age=60', ETag: '"1"' }
const CREDENTIALS = [{ Cookie: 'a=1' }, { Authorization: 'b' }]

/** An expired copy; further origin requests wait for the test to answer them. */
async function expired(rules: Partial<Rules>, headers: Record<string, string> = MINUTE, asked = {}) {
  const w = world({ grace: 600_000, ...rules })
  w.origin.script(() => ({ headers, body: 'v1' }))
  await w.get('/', asked)
  await w.clock.advance(61_000)
  w.origin.script(() => undefined)
  return w
}

type World = Awaited<ReturnType<typeof expired>>

/** Has the origin give a request with credentials an answer that cannot be shared. */
async function remembered(w: World, by: Record<string, string>): Promise<void> {
  const asked = w.get('/', by)
  await settle()
  w.origin.next.answer({ headers: MINUTE, body: 'own' })
  await asked
  await settle()
}

const sent = ({ fields }: OriginRequest, name: string) => field(fields, name)

describe.each(CREDENTIALS)('when all requests have %j', (by) => {
  test('a copy that is served stale at once is refreshed without credentials', async () => {
    const w = await expired({ softTimeout: 0 })
    await remembered(w, by)
    expect(await w.get('/', { ...by, 'X-Session': 'c', 'If-None-Match': '"0"' })).toMatchObject({ result: 'stale' })
    const { request } = w.origin.next
    expect(
      Object.keys(by)
        .concat('X-Session')
        .map((name) => sent(request, name)),
    ).toEqual([undefined, undefined])
    expect(sent(request, 'if-none-match')).toBe('"1"')
    w.origin.next.answer({ headers: MINUTE, body: 'v2' })
    await settle()
    expect(await w.get('/', by)).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('a copy that is served because their answers are slow is refreshed too', async () => {
    const w = await expired({ softTimeout: 100 })
    const first = w.get('/', by)
    await settle()
    w.origin.next.answer({ headers: MINUTE, body: 'own' })
    expect((await first).body).toBe('own')
    const slow = w.get('/', by)
    await settle()
    expect(w.origin.waiting).toHaveLength(1)
    await w.clock.advance(100)
    expect(await slow).toMatchObject({ body: 'v1', result: 'stale' })
    const again = w.get('/', by)
    await settle()
    await w.clock.advance(100)
    expect((await again).result).toBe('stale')
    const forAll = w.origin.waiting.filter(({ request }) => Object.keys(by).every((name) => !sent(request, name)))
    expect(forAll).toHaveLength(1)
    forAll[0]?.answer({ headers: MINUTE, body: 'v2' })
    await settle()
    expect(await w.get('/', by)).toMatchObject({ body: 'v2', result: 'hit' })
  })

  test('a copy that is served because their answers are slow is revalidated after an invalidation', async () => {
    const w = await expired({ softTimeout: 100 }, { ...MINUTE, 'Cache-Tag': 't' })
    await remembered(w, by)
    w.origin.script(({ fields }) =>
      field(fields, 'if-none-match') === undefined ? undefined : { headers: MINUTE, body: 'v2' },
    )
    await w.cache.invalidate({ tags: ['t'] })
    const asked = w.get('/', by)
    await settle()
    await w.clock.advance(100)
    expect(await asked).toMatchObject({ body: 'v1', result: 'stale' })
    await settle()
    expect(await w.get('/', by)).toMatchObject({ body: 'v2', result: 'hit' })
  })
})

test('a refresh sends the fields that negotiate content, selected the copy or are in its key', async () => {
  const asked = {
    'X-Tenant': 't',
    'X-Kind': 'k',
    Accept: 'a/b',
    'Accept-Language': 'de',
    'User-Agent': 'u',
    'X-Other': 'o',
  }
  const key = { ...DEFAULT_RULES.key, headers: ['x-tenant'] }
  const w = await expired({ softTimeout: 0, key }, { ...MINUTE, Vary: 'X-Kind' }, asked)
  await remembered(w, { ...asked, Cookie: 'a=1' })
  expect((await w.get('/', { ...asked, Cookie: 'a=1' })).result).toBe('stale')
  const [request] = w.origin.requests.slice(-1)
  const ours = new Set([
    'forwarded',
    'host',
    'via',
    'if-none-match',
    'surrogate-capability',
    'x-forwarded-host',
    'x-forwarded-proto',
  ])
  expect(
    [...lines(request?.fields ?? [])]
      .map(([name]) => name)
      .filter((name) => !ours.has(name))
      .sort(),
  ).toEqual(['accept', 'accept-language', 'user-agent', 'x-kind', 'x-tenant'])
})

test('a copy selected by a cookie, or keyed by one, is refreshed with the fields of the client', async () => {
  const ofCookie: readonly [Partial<Rules>, Record<string, string>][] = [
    [{}, { ...MINUTE, 'Cache-Control': 'public, max-age=60', Vary: 'Cookie' }],
    [{ key: { ...DEFAULT_RULES.key, cookies: ['a'] } }, { ...MINUTE, 'Cache-Control': 'public, max-age=60' }],
  ]
  for (const [rules, headers] of ofCookie) {
    const w = await expired({ softTimeout: 0, ...rules }, headers, { Cookie: 'a=1' })
    await remembered(w, { Cookie: 'a=1' })
    await w.clock.advance(1_000) // a refresh that came to nothing is not tried again at once
    expect((await w.get('/', { Cookie: 'a=1', 'X-Other': 'o' })).result).toBe('stale')
    expect([sent(w.origin.next.request, 'cookie'), sent(w.origin.next.request, 'x-other')]).toEqual(['a=1', 'o'])
  }
})

test('when answers to credentials can be shared, the refresh is made with the credentials of the client', async () => {
  const w = await expired({ softTimeout: 0 })
  for (const body of ['v2', 'v3']) {
    await w.get('/', { Authorization: 'b' })
    expect(sent(w.origin.next.request, 'authorization')).toBe('b')
    w.origin.next.answer({ headers: { 'Cache-Control': 'public, max-age=60' }, body })
    await settle()
    expect(await w.get('/', { Authorization: 'b' })).toMatchObject({ body, result: 'hit' })
    await w.clock.advance(61_000)
  }
})

test('a refresh without credentials that gets another status, such as a login redirect, leaves the copy', async () => {
  for (const control of ['max-age=60', 'no-store']) {
    const w = await expired({ softTimeout: 0 })
    await remembered(w, { Cookie: 'a=1' })
    await w.get('/', { Cookie: 'a=1' })
    w.origin.next.answer({ status: 302, headers: { Location: '/login', 'Cache-Control': control } })
    await settle()
    for (const by of [{ Cookie: 'a=1' }, {}]) {
      expect(await w.get('/', by), control).toMatchObject({ status: 200, body: 'v1', result: 'stale' })
    }
  }
})

test('a part is refreshed by requesting that part with the credentials of the client', async () => {
  const range = { Range: 'bytes=0-3' }
  const w = world({ grace: 600_000, softTimeout: 0 })
  const headers = { ...MINUTE, 'Content-Range': 'bytes 0-3/1000' }
  w.origin.script(() => ({ status: 206, headers, body: 'abcd' }))
  await w.get('/', range)
  await w.clock.advance(61_000)
  w.origin.script(() => undefined)
  for (const tries of [1, 2]) {
    await w.get('/', { ...range, Cookie: 'a=1' })
    expect(w.origin.requests).toHaveLength(1 + tries)
    expect(sent(w.origin.next.request, 'range')).toBe('bytes=0-3')
    w.origin.next.answer({ status: 206, headers, body: 'own!' })
    await settle()
    await w.clock.advance(1_000)
  }
})

test('a QUERY is refreshed with the fields of the client, including those that describe its content', async () => {
  const w = world({ grace: 600_000, softTimeout: 0 })
  const query = (by: Record<string, string> = {}) => {
    const body = Readable.from([Buffer.from('what')])
    return w.get('/', { 'Content-Type': 'text/plain', ...by }, { method: 'QUERY', body })
  }
  w.origin.script(() => ({ headers: MINUTE, body: 'v1' }))
  await query()
  await w.clock.advance(61_000)
  w.origin.script(() => undefined)
  for (const _ of ['before it is known that its answers are for one alone', 'after']) {
    expect(await query({ Cookie: 'a=1' })).toMatchObject({ body: 'v1', result: 'stale' })
    await settle()
    expect(sent(w.origin.next.request, 'content-type')).toBe('text/plain')
    w.origin.next.answer({ headers: MINUTE, body: 'own' })
    await settle()
    await w.clock.advance(1_000)
  }
})

describe('behind a trusted proxy', () => {
  const peer = { address: '10.0.0.1', trusted: true }

  test('a refresh without credentials keeps the forwarding fields of the proxy', async () => {
    const way = { 'X-Forwarded-Prefix': '/shop', 'X-Real-IP': '192.0.2.1', 'X-Forwarded-Port': '8443' }
    const w = await expired({ softTimeout: 0 })
    await remembered(w, { Cookie: 'a=1' })
    await w.get('/', { ...way, Cookie: 'a=1' }, { peer })
    const { request } = w.origin.next
    expect(Object.keys(way).map((name) => sent(request, name))).toEqual(Object.values(way))
    expect(sent(request, 'cookie')).toBeUndefined()
  })

  test.each(['X-Forwarded-User', 'X_Forwarded_User'])(
    'a copy is not refreshed without credentials when %s may name the user',
    async (name) => {
      const w = await expired({ softTimeout: 0 })
      await remembered(w, { Cookie: 'a=1' })
      await w.clock.advance(1_000)
      await w.get('/', { [name]: 'alice', Cookie: 'a=1' }, { peer })
      expect(sent(w.origin.next.request, 'cookie')).toBe('a=1')
    },
  )
})

test('a refresh keeps a field that selected the copy in another spelling', async () => {
  const underscored = { X_Kind: 'k' }
  const w = await expired({ softTimeout: 0 }, { ...MINUTE, Vary: 'X-Kind' }, underscored)
  await remembered(w, { ...underscored, Cookie: 'a=1' })
  await w.get('/', { ...underscored, Cookie: 'a=1' })
  expect(sent(w.origin.next.request, 'x_kind')).toBe('k')
})

test('while a refresh is in flight, nothing is looked up for another', async () => {
  const w = await expired({ softTimeout: 0 })
  await remembered(w, { Cookie: 'a=1' })
  const read = vi.spyOn(w.store, 'get')
  await w.get('/', { Cookie: 'a=1' })
  const first = read.mock.calls.length
  await w.get('/', { Cookie: 'a=1' })
  expect(read.mock.calls.length - first).toBe(first - 1)
  expect(w.origin.waiting).toHaveLength(1)
})
