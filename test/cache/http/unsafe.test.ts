import { describe, expect, test } from 'vitest'
import { type ErrorCode, HerdgateError } from '../../../src/errors.ts'
import { field } from '../../../src/fields.ts'
import { settle } from '../../support/fake-clock.ts'
import { world } from '../../support/world.ts'

/* What happens when it is unknown whether an unsafe request has changed anything. */

const MINUTE = { 'Cache-Control': 'max-age=60', ETag: '"1"' }

describe('an unsafe method without an answer', () => {
  /** A world with copies, whose origin answers only GET. */
  const withCopies = async (code: ErrorCode) => {
    const w = world({ grace: 3_600_000 })
    w.origin.script(({ method }) => (method === 'GET' ? { headers: MINUTE, body: 'v1' } : new HerdgateError(code)))
    for (const path of ['/a', '/a?x=1', '/b']) await w.get(path)
    return w
  }

  test.each(['origin_reset', 'origin_timeout', 'origin_invalid', 'client_gone', 'internal'] as const)(
    'because of %s has the copies of its URL revalidated before their next use',
    async (code) => {
      const w = await withCopies(code)
      await w.get('/a', {}, { method: 'PUT' })
      expect(w.seen.purge).toMatchObject([{ mode: 'invalidate', by: 'unsafe-method', outcome: 'done' }])
      w.origin.script(() => ({ headers: MINUTE, body: 'v2' }))
      expect(await w.get('/a')).toMatchObject({ body: 'v2', result: 'miss' })
      expect(field(w.origin.requests.at(-1)?.fields ?? [], 'if-none-match')).toBe('"1"')
      for (const path of ['/a?x=1', '/b']) expect(await w.get(path)).toMatchObject({ body: 'v1', result: 'hit' })
    },
  )

  test('leaves the copy to be served while the origin fails', async () => {
    const w = await withCopies('origin_reset')
    await w.get('/a', {}, { method: 'PUT' })
    w.origin.script(() => new HerdgateError('origin_reset'))
    expect(await w.get('/a')).toMatchObject({ body: 'v1', result: 'stale_if_error' })
  })

  test.each(['origin_refused', 'overloaded'] as const)(
    'because of %s was never sent, and invalidates nothing',
    async (code) => {
      const w = await withCopies(code)
      await w.get('/a', {}, { method: 'PUT' })
      expect(await w.get('/a')).toMatchObject({ body: 'v1', result: 'hit' })
      expect(w.seen.purge).toEqual([])
    },
  )

  test('is reported as it ended, even when the invalidation cannot be logged', async () => {
    const w = await withCopies('origin_timeout')
    w.log.append = () => Promise.reject(new HerdgateError('not_logged'))
    expect(await w.get('/a', {}, { method: 'PUT' })).toMatchObject({ status: 504, result: 'error' })
  })

  test('keeps a fetch in flight from being stored', async () => {
    const w = await withCopies('origin_reset')
    w.origin.script(() => undefined)
    const fetched = w.get('/c')
    await settle()
    const put = w.get('/c', {}, { method: 'PUT' })
    await settle()
    w.origin.waiting[1]?.fail(new HerdgateError('origin_reset'))
    await put
    w.origin.next.answer({ headers: MINUTE, body: 'before' })
    await fetched
    w.origin.script(() => ({ headers: MINUTE, body: 'after' }))
    expect((await w.get('/c')).body).toBe('after')
  })
})

test.each(['GET', 'HEAD', 'OPTIONS'])('a %s without an answer invalidates nothing', async (method) => {
  const w = world()
  w.origin.script(() => ({ headers: MINUTE, body: 'v1' }))
  await w.get('/')
  w.origin.script(() => new HerdgateError('origin_reset'))
  await w.get('/', { 'Cache-Control': 'no-store' }, { method })
  expect(w.seen.purge).toEqual([])
})
