import { describe, expect, test } from 'vitest'
import { ADMIN_TOKEN, fakeAdmin } from '../../support/admin.ts'

const PROTECTED: [method: 'GET' | 'POST' | 'PUT' | 'OPTIONS' | 'HEAD', url: string][] = [
  ['POST', '/v1/purge'],
  ['POST', '/v1/invalidate'],
  ['POST', '/v1/purge/tags/a'],
  ['POST', '/v1/invalidate/tags/a'],
  ['POST', '/v1/purge/tags/%ff'],
  ['GET', '/v1/explain?url=http://a.test/'],
  ['HEAD', '/v1/explain?url=http://a.test/'],
  ['GET', '/v1/stats'],
  ['PUT', '/v1/purge'],
  ['OPTIONS', '/v1/purge'],
  ['GET', '/v1'],
  ['GET', '/v1/'],
  ['GET', '/v1/no-such-thing'],
  ['GET', '/%76%31/stats'],
]

describe('everything under /v1', () => {
  test.each(PROTECTED)('answers 401 without a token, and does nothing: %s %s', async (method, url) => {
    const { app, asked, explained } = fakeAdmin()
    const response = await app.inject({ method, url })
    expect(response.statusCode).toBe(401)
    expect(response.headers['www-authenticate']).toBe('Bearer')
    expect(response.headers['content-type']).toBe('application/problem+json')
    expect(response.headers['cache-control']).toBe('no-store')
    if (method !== 'HEAD') expect(response.json()).toEqual({ type: 'about:blank', title: 'Unauthorized', status: 401 })
    expect([...asked, ...explained]).toEqual([])
  })

  test.each([
    ['an empty field', ''],
    ['the scheme alone', 'Bearer'],
    ['an empty token', 'Bearer '],
    ['the token alone', ADMIN_TOKEN],
    ['another scheme', `Basic ${ADMIN_TOKEN}`],
    ['a prefix of the token', `Bearer ${ADMIN_TOKEN.slice(0, -1)}`],
    ['more than the token', `Bearer ${ADMIN_TOKEN}x`],
    ['the token in different case', `Bearer ${ADMIN_TOKEN.toUpperCase()}`],
    ['the token twice', `Bearer ${ADMIN_TOKEN}, Bearer ${ADMIN_TOKEN}`],
    ['a token of 1 MB', `Bearer ${'x'.repeat(1024 * 1024)}`],
    ['1 MB of spaces', `Bearer${' '.repeat(1024 * 1024)}`],
  ])('answers 401 to %s', async (_what, authorization) => {
    const { app } = fakeAdmin()
    const response = await app.inject({ method: 'POST', url: '/v1/purge/tags/a', headers: { authorization } })
    expect(response.statusCode).toBe(401)
    expect(response.body).toBe('{"type":"about:blank","status":401,"title":"Unauthorized"}')
  })

  test.each(['Bearer', 'bearer', 'BEARER', 'Bearer '])('accepts the token after %j', async (scheme) => {
    const { app, asked } = fakeAdmin()
    const headers = { authorization: `${scheme} ${ADMIN_TOKEN}` }
    const response = await app.inject({ method: 'POST', url: '/v1/purge/tags/a', headers })
    expect(response.statusCode).toBe(200)
    expect(asked).toHaveLength(1)
  })

  test('compares octets: a token may contain non-ASCII letters', async () => {
    const { app } = fakeAdmin({ token: 'schlüssel-zum-zwischenspeicher' })
    const authorization = `Bearer ${Buffer.from('schlüssel-zum-zwischenspeicher').toString('latin1')}`
    const response = await app.inject({ method: 'POST', url: '/v1/purge/tags/a', headers: { authorization } })
    expect(response.statusCode).toBe(200)
  })

  test('never accepts an empty token: such a listener cannot be created', () => {
    expect(() => fakeAdmin({ token: '' })).toThrow(RangeError)
  })
})

test.each(['/livez', '/readyz', '/healthz', '/metrics', '/openapi.json', '/docs'])('%s needs no token', async (url) => {
  expect((await fakeAdmin().app.inject(url)).statusCode).toBe(200)
})
