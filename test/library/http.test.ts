/** The HTTP side of the library, used only as docs/library.md describes. */
import { expect, test } from 'vitest'
import { createCache, createOrigin, defaultRules } from '../../src/index.ts'

test('an origin needs only a name and URLs, a route the default rules and what differs from them', async () => {
  const origin = createOrigin({ name: 'shop', urls: ['http://127.0.0.1:1'], connectTimeout: undefined })
  const cache = createCache({ routes: [{ name: 'all', match: {}, origin, rules: { ...defaultRules, ttl: 60_000 } }] })
  const request = { method: 'GET', url: 'http://shop.example/', fields: [] }
  expect(await cache.explain(request)).toMatchObject({ route: 'all', decision: 'fetch' })
  expect(origin.usage()).toEqual({ inFlight: 0, queued: 0 })
  await origin.close()
})
