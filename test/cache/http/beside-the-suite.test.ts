import { describe, expect, test } from 'vitest'
import { HerdgateError } from '../../../src/errors.ts'
import { world } from '../../support/world.ts'

/* What RFC 9111 says where http-cache-tests asks for something that cannot be: test/conformance/exceptions.ts. */

const date = (ms: number) => new Date(ms).toUTCString()

describe('when the origin closes the connection', () => {
  test.each(['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=2'])(
    'a copy with %s gives way to an error, for one who is quick and for one who waited',
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

  test('a copy without such a directive stands in', async () => {
    const w = world({ grace: 3_600_000 })
    const headers = { 'Cache-Control': 'max-age=2', Date: date(w.clock.now()) }
    w.origin.script((_, number) => (number === 1 ? { headers, body: 'v1' } : new HerdgateError('origin_reset')))
    await w.get('/')
    await w.clock.advance(3_000)
    expect(await w.get('/')).toMatchObject({ status: 200, body: 'v1', result: 'stale_if_error' })
  })
})

test('If-Modified-Since is compared with Date where the copy has no Last-Modified (RFC 9111 section 4.3.2)', async () => {
  const w = world()
  const made = w.clock.now()
  w.origin.script(() => ({ headers: { 'Cache-Control': 'max-age=60', Date: date(made) }, body: 'v1' }))
  await w.get('/')
  const since = async (ms: number) => (await w.get('/', { 'If-Modified-Since': date(ms) })).status
  expect([await since(made), await since(made + 1_000)]).toEqual([304, 304])
  expect([await since(made - 1_000), await since(made - 3_000_000)]).toEqual([200, 200])
  expect(w.origin.requests).toHaveLength(1)
})
