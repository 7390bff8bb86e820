/** The HTTP door, made of what docs/library.md tells of and nothing else. */
import { expect, test } from 'vitest'
import { createCache, createOrigin, defaultRules } from '../../src/index.ts'

test('an origin is a name and its URLs, a route the rules there are and what differs: the rest is as in herdgate serve', async () => {
  const origin = createOrigin({ name: 'shop', urls: ['http://127.0.0.1:1'], connectTimeout: undefined })
  const cache = createCache({ routes: [{ name: 'all', match: {}, origin, rules: { ...defaultRules, ttl: 60_000 } }] })
  const request = { method: 'GET', url: 'http://shop.example/', fields: [] }
  expect(await cache.explain(request)).toMatchObject({ route: 'all', decision: 'fetch' })
  expect(origin.usage()).toEqual({ inFlight: 0, queued: 0 })
  await origin.close()
})
