import type { FastifyInstance } from 'fastify'
import { describe, expect, test } from 'vitest'
import { beyond, grantOf } from '../../../routes/admin/grant.ts'
import type { LimitedToken } from '../../../src/config.ts'
import type { AdminParts } from '../../../src/ports/admin-port.ts'
import { urlsOfBothSchemes } from '../../../src/policy/absolute-url.ts'
import { nameOf } from '../../../src/policy/target.ts'
import { Marks, targetsOf } from '../../../src/stores/log/marks.ts'
import { AUTHORIZED, fakeAdmin } from '../../support/admin.ts'
import fc from '../../support/fast-check.ts'

const NOTHING = { read: false, tags: [], prefixes: [] }
const TEAM_A: LimitedToken = {
  name: 'team-a',
  token: 'the-token-of-team-a',
  read: false,
  tags: ['team-a', 'team-a:*'],
  prefixes: ['https://shop.example/a/', 'http://a.example:8080'],
}
const READER: LimitedToken = { ...NOTHING, name: 'reader', token: 'the-token-of-the-reader', read: true }

const READ = ['/v1/explain?url=http://a.test/', '/v1/stats', '/v1/live']

const heldBy = ({ token }: LimitedToken) => ({ authorization: `Bearer ${token}` })

const TEAM_B: LimitedToken = { ...NOTHING, name: 'team-b', token: 'the-token-of-team-b', tags: ['b'] }

function limitedAdmin(parts: Partial<AdminParts> = {}) {
  const admin = fakeAdmin({ limitedTokens: [TEAM_A, TEAM_B, READER], ...parts })
  const purge = (payload: object, by = TEAM_A, verb = 'purge') =>
    admin.app.inject({ method: 'POST', url: `/v1/${verb}`, payload, headers: heldBy(by) })
  return { ...admin, purge }
}

describe.each(['purge', 'invalidate'])('a token that may purge some tags and prefixes: %s', (verb) => {
  test.each([
    [{ tags: ['team-a', 'team-a:', 'team-a:product-1'] }],
    [{ urls: ['https://shop.example/a', 'http://shop.example/a/b?c=d', 'https://SHOP.example/a/'] }],
    [{ urls: ['http://a.example:8080', 'https://a.example:8080/?x'] }],
    [{ prefixes: ['https://shop.example/a', 'https://shop.example/a/b/'] }],
  ])('is allowed what lies within: %j', async (selectors) => {
    const { purge, asked } = limitedAdmin()
    const response = await purge(selectors, TEAM_A, verb)
    expect(response.statusCode, response.body).toBe(200)
    expect(asked).toMatchObject([{ verb, targets: { by: 'token:team-a' } }])
  })

  test.each([
    ['another tag', { tags: ['team-b'] }, ['tags[0]']],
    ['a tag in different case', { tags: ['Team-A'] }, ['tags[0]']],
    ['a tag that only begins like an exact one', { tags: ['team-a', 'team-ab'] }, ['tags[1]']],
    ['a pattern, which is a tag like any other', { tags: ['*', 'team-*'] }, ['tags[0]', 'tags[1]']],
    ['another host', { urls: ['https://other.example/a'] }, ['urls[0]']],
    ['a host that ends in the same way', { urls: ['https://not.shop.example/a'] }, ['urls[0]']],
    ['a host behind a user', { urls: ['https://shop.example@evil.example/a'] }, undefined],
    ['a longer segment', { urls: ['https://shop.example/a', 'https://shop.example/ab'] }, ['urls[1]']],
    ['the path within the query', { urls: ['https://shop.example/?/a/'] }, ['urls[0]']],
    ['another port', { urls: ['http://a.example/', 'https://shop.example:8443/a'] }, ['urls[0]', 'urls[1]']],
    ['a port that is the default of only one scheme', { urls: ['https://shop.example:443/a'] }, ['urls[0]']],
    [
      'what lies above',
      { prefixes: ['https://shop.example/', 'https://shop.example'] },
      ['prefixes[0]', 'prefixes[1]'],
    ],
    ['everything', { all: true }, ['all']],
    ['everything beside what is allowed', { tags: ['team-a'], all: true }, ['all']],
  ])('is refused %s, and nothing is done', async (_what, selectors, at) => {
    const { purge, asked } = limitedAdmin()
    const response = await purge(selectors, TEAM_A, verb)
    expect(asked).toEqual([])
    if (at === undefined) return expect(response.statusCode).toBeGreaterThanOrEqual(400)
    expect(response.statusCode).toBe(403)
    expect(response.headers['content-type']).toBe('application/problem+json')
    expect(response.json().errors).toEqual(at.map((place) => ({ at: place, detail: 'not allowed' })))
  })

  test('is allowed or refused a tag in the path in the same way', async () => {
    const { app, asked } = limitedAdmin()
    const send = (tag: string) =>
      app.inject({ method: 'POST', url: `/v1/${verb}/tags/${tag}`, headers: heldBy(TEAM_A) })
    expect((await send('team-b')).statusCode).toBe(403)
    expect(asked).toEqual([])
    expect((await send('team-a%3Aproduct-1')).statusCode).toBe(200)
    expect(asked).toMatchObject([{ verb, targets: { tags: ['team-a:product-1'], by: 'token:team-a' } }])
  })
})

test('a refusal says which selectors it is about', async () => {
  const { purge } = limitedAdmin()
  const response = await purge({ tags: ['team-a', 'team-b'], all: true })
  expect(response.json().detail).toBe('The token does not allow tags[1], all; nothing was done.')
})

test('a refusal lists at most ten selectors', async () => {
  const { purge } = limitedAdmin()
  const response = await purge({ tags: Array.from({ length: 256 }, (_, at) => `other-${at}`) })
  expect(response.json().errors).toHaveLength(10)
  expect(response.json().detail).toContain(' and 246 more;')
})

test('a refusal is logged with what was wanted and the name of the token, not the token', async () => {
  const { app, purge, logged } = limitedAdmin()
  await purge({ tags: ['team-b\u202e'], all: true })
  await app.inject({ url: '/v1/no-such%0athing?secret=s', headers: heldBy(TEAM_A) })
  const who = { level: 40, audit: true, by: 'token:team-a' }
  expect(logged.map((line) => JSON.parse(line))).toMatchObject([
    { ...who, method: 'POST', path: '/v1/purge', selectors: ['team-b\\u202e', 'all'] },
    { ...who, method: 'GET', path: '/v1/no-such%0athing' },
  ])
  expect(logged.join()).not.toMatch(new RegExp(`${TEAM_A.token}|secret`))
})

describe('limits of a token', () => {
  const clock = { now: () => 1_000, after: () => () => {} }
  const tags = (count: number, prefix: string) => Array.from({ length: count }, (_, at) => `${prefix}${at}`)

  test('it names so few things that the log need not forget, which would purge what is of others', async () => {
    const { purge, asked } = limitedAdmin({ clock })
    const responses: number[] = []
    for (let time = 0; time < 25; time += 1) responses.push((await purge({ tags: tags(250, 'team-a:') })).statusCode)
    expect(responses.map((status) => status === 200)).toEqual(responses.map((_, at) => at < 5_000 / 250))
    expect(asked).toHaveLength(5_000 / 250)
    const last = await purge({ tags: ['team-a'] })
    expect([last.statusCode, last.headers['retry-after']]).toEqual([429, '1'])
  })

  test('refusals are answered 429 and no longer logged when there are too many, and keep nobody from purging', async () => {
    const { app, purge, asked, logged } = limitedAdmin({ clock })
    const statuses = new Set<number>()
    for (let time = 0; time < 1_001; time += 1) statuses.add((await purge({ all: true }, READER)).statusCode)
    expect(statuses).toEqual(new Set([403, 429]))
    expect(logged).toHaveLength(1_000)
    expect((await purge({ tags: ['team-a'] })).statusCode).toBe(200)
    const everything = { method: 'POST', url: '/v1/purge', payload: { all: true }, headers: AUTHORIZED } as const
    expect((await app.inject(everything)).statusCode).toBe(200)
    expect(asked).toHaveLength(2)
  })

  test('as many purges as one may send keep neither another nor the admin from purging', async () => {
    const { app, purge, asked } = limitedAdmin({ clock })
    const malformed = { method: 'POST', url: '/v1/purge', payload: {}, headers: heldBy(TEAM_A) } as const
    let status = 400
    for (let time = 0; status === 400; time += 1) status = (await app.inject(malformed)).statusCode
    expect(status).toBe(429)
    const everything = { method: 'POST', url: '/v1/purge', payload: { all: true }, headers: AUTHORIZED } as const
    expect((await app.inject(everything)).statusCode).toBe(200)
    expect((await purge({ tags: ['b'] }, TEAM_B)).statusCode).toBe(200)
    expect(asked).toHaveLength(2)
  })
})

describe('a token that may read', () => {
  test.each(READ)('reads %s', async (url) => {
    const { app } = limitedAdmin()
    const head = await app.inject({ method: 'HEAD', url, headers: heldBy(READER) })
    expect(head.statusCode).toBe(url === '/v1/stats' ? 500 : 200) // the fake's statistics fail
  })

  test('purges nothing', async () => {
    const { purge, asked } = limitedAdmin()
    expect((await purge({ tags: ['a'] }, READER)).statusCode).toBe(403)
    expect(asked).toEqual([])
  })
})

test.each(READ)('a token that may only purge does not read %s', async (url) => {
  const { app, explained } = limitedAdmin()
  for (const method of ['GET', 'HEAD'] as const) {
    expect((await app.inject({ method, url, headers: heldBy(TEAM_A) })).statusCode).toBe(403)
  }
  expect(explained).toEqual([])
})

test.each([
  ['POST', '/v1/config/reload'],
  ['GET', '/v1/extension'],
  ['GET', '/v1/no-such-thing'],
  ['PUT', '/v1/purge'],
] as const)('what no right is named for needs the admin token: %s %s', async (method, url) => {
  let called = 0
  const reload = () => (called++, { ok: true as const, needsRestart: [] })
  const extension = { panels: [], routes: (app: FastifyInstance) => void app.get('/extension', () => `${called++}`) }
  const { app } = fakeAdmin({ limitedTokens: [TEAM_A, READER], extension, reload })
  for (const holder of [TEAM_A, READER]) {
    expect((await app.inject({ method, url, headers: heldBy(holder) })).statusCode).toBe(403)
  }
  expect(called).toBe(0)
  expect((await app.inject({ method, url, headers: AUTHORIZED })).statusCode).not.toBe(403)
})

test('the admin token may still do everything, and a wrong token nothing', async () => {
  const { app, asked } = limitedAdmin()
  const send = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/v1/purge', payload: { all: true }, headers })
  expect((await send({ authorization: `Bearer ${TEAM_A.token}x` })).statusCode).toBe(401)
  expect(asked).toEqual([])
  expect((await send(AUTHORIZED)).statusCode).toBe(200)
  expect(asked).toMatchObject([{ targets: { all: true, by: 'admin' } }])
})

test('an empty limited token is refused like an empty admin token', () => {
  expect(() => fakeAdmin({ limitedTokens: [{ ...READER, token: '' }] })).toThrow(RangeError)
})

test.each(['urls', 'prefixes'] as const)('%s are allowed if and only if the granted prefix covers them', (kind) => {
  const segment = fc.constantFrom('a', 'ab', '', '?')
  const path = fc.array(segment, { maxLength: 4 }).map((segments) => segments.join('/'))
  const whole = fc.tuple(fc.constantFrom('http', 'https'), fc.constantFrom('h', 'h:80', 'h:443'), path)
  const url = whole.map(([scheme, host, rest]) => `${scheme}://${host}/${rest}`)
  const prefix = url.filter((each) => !each.includes('?'))
  fc.assert(
    fc.property(prefix, kind === 'urls' ? url : prefix, (granted, given) => {
      const marks = new Marks(100)
      marks.name(targetsOf({ prefixes: namesOf(granted) }), 'purge', 1)
      const topOf = (name: string) => (kind === 'prefixes' ? name.replace(/\/$/, '') : name)
      const isCovered = namesOf(given).every(
        (name) => marks.verdict({ url: topOf(name), tags: [], checked: 0 }) === 'dead',
      )
      const notGranted = beyond(grantOf({ ...NOTHING, name: 'any', prefixes: [granted] }), { [kind]: [given] })
      expect(notGranted).toEqual(isCovered ? [] : [{ at: `${kind}[0]`, selector: given }])
    }),
    { numRuns: 5_000 },
  )
})

const namesOf = (url: string): string[] => urlsOfBothSchemes(url).map(nameOf)

test.each([
  [AUTHORIZED, 'read, purge, all'],
  [heldBy(READER), 'read'],
  [heldBy({ ...READER, tags: ['b'] }), 'read, purge'],
])('GET /v1/live says whether its token may purge as well, and everything: %j, %s', async (headers, rights) => {
  const { app } = fakeAdmin({ limitedTokens: [rights === 'read' ? READER : { ...READER, tags: ['b'] }] })
  const { statusCode, headers: said } = await app.inject({ method: 'HEAD', url: '/v1/live', headers })
  expect({ statusCode, rights: said['herdgate-rights'] }).toEqual({ statusCode: 200, rights })
})
