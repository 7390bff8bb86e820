import { describe, expect, test } from 'vitest'
import { createLimiter } from '../../../routes/admin/rate.ts'
import { AUTHORIZED, fakeAdmin } from '../../support/admin.ts'
import { FakeClock } from '../../support/fake-clock.ts'

describe('a limiter', () => {
  test('allows its burst at once, then its rate', async () => {
    const clock = new FakeClock()
    const ask = createLimiter({ burst: 3, perSecond: 2 }, clock)
    expect([ask(), ask(), ask(), ask()]).toEqual([0, 0, 0, 500])
    await clock.advance(499)
    expect(ask()).toBe(1)
    await clock.advance(1)
    expect([ask(), ask()]).toEqual([0, 500])
  })

  test('takes several at once or none, and takes back what was not used', async () => {
    const clock = new FakeClock()
    const ask = createLimiter({ burst: 10, perSecond: 10 }, clock)
    expect([ask(8), ask(3), ask(2), ask()]).toEqual([0, 100, 0, 100])
    expect([ask(-3), ask(4), ask(3), ask()]).toEqual([0, 100, 0, 100])
    await clock.advance(10_000)
    expect([ask(-5), ask(10), ask()]).toEqual([0, 0, 100])
  })

  test('saves no more than its burst', async () => {
    const clock = new FakeClock()
    const ask = createLimiter({ burst: 2, perSecond: 10 }, clock)
    await clock.advance(3_600_000)
    expect([ask(), ask(), ask()]).toEqual([0, 0, 100])
  })
})

describe('the admin port', () => {
  test('rejects rapid guesses, and still serves holders of the token', async () => {
    const clock = new FakeClock()
    const { app, asked } = fakeAdmin({ clock })
    const guess = () => app.inject({ url: '/v1/stats', headers: { authorization: 'Bearer wrong' } })
    const statuses = new Set<number>()
    for (let count = 0; count < 1000; count++) statuses.add((await guess()).statusCode)
    expect([...statuses]).toEqual([401])
    const refused = await guess()
    expect(refused.statusCode).toBe(429)
    expect(refused.headers['retry-after']).toBe('1')
    expect(refused.json()).toEqual({ type: 'about:blank', title: 'Too many requests', status: 429 })
    const purged = await app.inject({ method: 'POST', url: '/v1/purge/tags/a', headers: AUTHORIZED })
    expect(purged.statusCode).toBe(200)
    expect(asked).toHaveLength(1)
    await clock.advance(20)
    expect((await guess()).statusCode).toBe(401)
  })

  test('limits purges to a rate it can handle beside clients', async () => {
    const clock = new FakeClock()
    const { app, asked } = fakeAdmin({ clock })
    const purge = (tag: number) => app.inject({ method: 'POST', url: `/v1/purge/tags/${tag}`, headers: AUTHORIZED })
    for (let tag = 0; tag < 10_000; tag++) await purge(tag)
    expect(asked).toHaveLength(10_000)
    const refused = await purge(0)
    expect(refused.statusCode).toBe(429)
    expect(refused.headers['retry-after']).toBe('1')
    expect(asked).toHaveLength(10_000)
    expect((await app.inject({ url: '/v1/explain?url=http://a.test/', headers: AUTHORIZED })).statusCode).toBe(200)
    await clock.advance(1000)
    expect((await purge(0)).statusCode).toBe(200)
  })
})
