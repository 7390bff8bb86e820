import { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { Shedding } from '../../../src/cache/engine/shedding.ts'
import { DEFAULT_RULES } from '../../../src/config/defaults.ts'
import { createCache } from '../../../src/library/embed.ts'
import { field } from '../../../src/fields.ts'
import type { Rules, StoredResponse, StoredValue } from '../../../src/model.ts'
import { localLog } from '../../../src/stores/memory/log.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'
import { ScriptedOrigin } from '../../support/scripted-origin.ts'
import { received } from '../../support/world.ts'
import { fieldsOf } from '../../support/fields.ts'

describe('waiting requests', () => {
  test('are counted until they are answered or leave, and limited by maxWaiting', () => {
    const shedding = new Shedding({ maxWaiting: 2 })
    const leaving = new AbortController()
    const free = [shedding.takeSlot(), shedding.takeSlot(leaving.signal)]
    expect([shedding.waiting, shedding.overloadReason()]).toEqual([2, 'too many requests are waiting'])
    leaving.abort()
    free[1]?.() // is answered after it has left
    expect([shedding.waiting, shedding.overloadReason()]).toEqual([1, undefined])
    shedding.takeSlot(leaving.signal)()
    expect(shedding.waiting).toBe(1)
    free[0]?.()
    expect(shedding.waiting).toBe(0)
  })

  test('leave no abort listener behind once they are answered', async () => {
    const { signal } = new AbortController()
    const [added, removed] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')]
    await new Shedding({ maxWaiting: 2 }).counted(Promise.resolve(), signal)
    expect(removed.mock.calls).toEqual(added.mock.calls)
    expect(added).toHaveBeenCalledTimes(1)
  })
})

/** A cache that is short of memory while `pressure.high` is set. */
function shortOfMemory(rules: Partial<Rules> = {}) {
  const clock = new FakeClock()
  const origin = new ScriptedOrigin()
  const pressure = { high: false }
  const store = memoryStore({ maxBytes: '1MiB' })
  const routes = [{ name: 'default', match: {}, origin, rules: { ...DEFAULT_RULES, ...rules } }]
  const cache = createCache({ store, log: localLog({ generation: 'g' }), clock, routes, pressure })
  const get = async (path: string, method = 'GET', body?: Readable) =>
    received(await cache.handle({ method, url: `http://a.test${path}`, fields: fieldsOf({}), body }))
  return { clock, origin, pressure, store, cache, get }
}

test('while memory is short, hits are served and misses get a 503', async () => {
  const { origin, pressure, get } = shortOfMemory()
  origin.script(() => ({ headers: { 'cache-control': 'max-age=60' }, body: 'b' }))
  await get('/stored')
  pressure.high = true
  expect(await get('/stored')).toMatchObject({ status: 200, result: 'hit' })
  const refused = await get('/other')
  expect(refused).toMatchObject({ status: 503, result: 'shed' })
  expect(field(refused.reply.fields, 'retry-after')).toBe('1')
  expect(await get('/stored', 'POST')).toMatchObject({ status: 503, result: 'shed' })
  expect(origin.requests).toHaveLength(1)
  pressure.high = false
  expect(await get('/other')).toMatchObject({ status: 200, result: 'miss' })
})

test('while memory is short, the content of a QUERY is still read, and its answer served from the store', async () => {
  const { origin, pressure, get } = shortOfMemory()
  origin.script(() => ({ headers: { 'cache-control': 'max-age=60' }, body: 'b' }))
  const query = (content: string) => get('/', 'QUERY', Readable.from([Buffer.from(content)]))
  await query('a')
  pressure.high = true
  expect(await query('a')).toMatchObject({ status: 200, result: 'hit' })
  expect(await query('b')).toMatchObject({ status: 503, result: 'shed' })
})

test('while memory is short, stale copies are served and nothing is refreshed in the background', async () => {
  const { clock, origin, pressure, get } = shortOfMemory({ softTimeout: 0, grace: 3_600_000 })
  origin.script(() => ({ headers: { 'cache-control': 'max-age=1' }, body: 'b' }))
  await get('/')
  await clock.advance(2_000)
  pressure.high = true
  for (const method of ['GET', 'HEAD']) expect(await get('/', method)).toMatchObject({ status: 200, result: 'stale' })
  await settle()
  expect(origin.requests).toHaveLength(1)
})

test('a stored response says how long the origin took, a stored value how long its loader took', async () => {
  const { clock, origin, store, cache, get } = shortOfMemory()
  const answered = get('/slow')
  await settle()
  await clock.advance(700)
  origin.next.answer({ headers: { 'cache-control': 'max-age=60' }, body: 'b' })
  await answered
  const loaded = cache.getOrSet('value', () => new Promise((resolve) => clock.after(300, () => resolve(1))), {
    ttl: '1m',
  })
  await clock.advance(300)
  await loaded
  const key = 'default http://a.test/slow'
  expect([(store.get(key) as StoredResponse).costMs, (store.get('value') as StoredValue).costMs]).toEqual([700, 300])
})

test('a response completed from a part says how long that part took', async () => {
  const { clock, origin, store, cache } = shortOfMemory()
  const get = async (headers: Record<string, string>) =>
    received(await cache.handle({ method: 'GET', url: 'http://a.test/parts', fields: fieldsOf(headers) }))
  const part = (contentRange: string, body: string) => ({
    status: 206,
    headers: { 'cache-control': 'max-age=60', etag: '"e"', 'content-range': contentRange },
    body,
  })
  const first = get({ range: 'bytes=0-3' })
  await settle()
  await clock.advance(700)
  origin.next.answer(part('bytes 0-3/6', 'abcd'))
  await first
  origin.script(() => part('bytes 4-5/6', 'ef'))
  expect(await get({})).toMatchObject({ status: 200, body: 'abcdef' })
  expect((store.get('default http://a.test/parts') as StoredResponse).costMs).toBe(700)
})
