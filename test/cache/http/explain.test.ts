import { expect, test } from 'vitest'
import { DEFAULT_RULES } from '../../../src/config/defaults.ts'
import { createCache } from '../../../src/library/embed.ts'
import { localLog } from '../../../src/stores/memory/log.ts'
import { memoryStore } from '../../../src/stores/memory/store.ts'
import { createTiered } from '../../../src/stores/tiered.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { FarStore } from '../../support/far-store.ts'
import { ScriptedOrigin } from '../../support/scripted-origin.ts'
import { sharedLeases } from '../../support/shared-leases.ts'
import { received, world } from '../../support/world.ts'
import { fieldsOf } from '../../support/fields.ts'

test.each<[what: string, method: string, headers: Record<string, string>, decision: string, why: string]>([
  ['has passed through here before', 'GET', { Via: '1.1 herdgate' }, 'error', 'loop'],
  ['names Cookie in Connection', 'GET', { Connection: 'Cookie', Cookie: 'a=b' }, 'error', 'malformed_request'],
  ['may go no further', 'OPTIONS', { 'Max-Forwards': '0' }, 'pass', 'max-forwards'],
  ['may go no further', 'TRACE', { 'Max-Forwards': '0' }, 'error', 'method_not_allowed'],
])('for a request that %s, explain agrees with the answer (%s)', async (_what, method, headers, decision, why) => {
  const { cache, ask, get, origin } = world()
  origin.script(() => ({ headers: { 'Cache-Control': 'max-age=60' } }))
  await get('/x')
  const explained = await cache.explain({ method, url: 'http://a.test/x', fields: fieldsOf(headers) })
  expect(explained).toMatchObject({ decision, why })
  expect(explained).not.toHaveProperty('stored')
  expect(await ask('/x', headers, { method })).toMatchObject({ outcome: { result: decision, detail: why } })
  expect(origin.requests).toHaveLength(1)
})

/** Two nodes with the same copy in memory and a far store in common. */
async function pair() {
  const clock = new FakeClock()
  const origin = new ScriptedOrigin().script(() => ({ headers: { 'Cache-Control': 'max-age=60' } }))
  const far = new FarStore()
  const shared = {
    clock,
    log: localLog({ generation: 'g' }),
    sharing: { leases: sharedLeases(), maxObjectBytes: 1000 },
  }
  const routes = [{ name: 'default', match: {}, origin, rules: DEFAULT_RULES }]
  const node = () =>
    createCache({ ...shared, routes, store: createTiered([memoryStore({ maxBytes: '1MiB' }), far], clock) })
  const request = { method: 'GET', url: 'http://a.test/x', fields: [] }
  const [a, b] = [node(), node()]
  for (const cache of [a, b]) await received(await cache.handle(request))
  return { clock, origin, request, a, b }
}

test.each([
  ['stale', 'revalidate'],
  ['purged', 'fetch'],
])('when the copy in memory is %s, explain looks in the far store, as a request would', async (what, otherwise) => {
  const { clock, origin, request, a, b } = await pair()
  if (what === 'stale') await clock.advance(61_000)
  else await a.purge({ all: true })
  expect(await b.explain(request)).toMatchObject({ decision: otherwise })
  await received(await a.handle(request))
  const explained = { decision: 'serve', why: 'fresh', stored: { freshness: { ttl: 60 } } }
  expect(await b.explain(request)).toMatchObject(explained)
  expect(await b.explain(request)).toMatchObject(explained)
  expect(await received(await b.handle(request))).toMatchObject({ result: 'hit' })
  expect(origin.requests).toHaveLength(2)
})

test('when the copy in memory is purged, explain also finds a stale one in the far store', async () => {
  const { clock, request, a, b } = await pair()
  await a.purge({ all: true })
  await received(await a.handle(request))
  await clock.advance(61_000)
  expect(await b.explain(request)).toMatchObject({ decision: 'revalidate', stored: { freshness: { ttl: -1 } } })
})

test('explain, like the request itself, does not look in the far store for a request that passes', async () => {
  const { clock, request, a, b } = await pair()
  const own = { ...request, fields: fieldsOf({ Cookie: 'a=1' }) }
  await clock.advance(61_000)
  await received(await b.handle(own))
  await received(await a.handle(request))
  expect(await b.explain(own)).toMatchObject({
    decision: 'pass',
    why: 'unshareable',
    stored: { freshness: { ttl: -1 } },
  })
  expect(await b.handle(own)).toMatchObject({ outcome: { result: 'pass', detail: 'unshareable' } })
})
