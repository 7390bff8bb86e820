import { expect, test } from 'vitest'
import { DEFAULT_RULES } from '../../../src/config/defaults.ts'
import { createCache } from '../../../src/library/embed.ts'
import type { CacheRequest, Rules } from '../../../src/model.ts'
import { settle } from '../../support/fake-clock.ts'
import { received, world } from '../../support/world.ts'

/* What the hit lane finds by itself; everything else takes the usual path. */

const REQUEST: CacheRequest = { method: 'GET', url: 'http://a.test/x', fields: [], plain: true }

/** A cache with one copy, and the plan by which a request finds it. */
async function holding(rules: Partial<Rules> = {}) {
  const { clock, origin, log, store } = world()
  const route = { name: 'default', match: {}, origin, rules: { ...DEFAULT_RULES, ...rules } }
  const routes = [route]
  const cache = createCache({ clock, log, store, routes })
  origin.script(() => ({ headers: { 'Cache-Control': 'max-age=60', 'Surrogate-Key': 'product' }, body: 'v1' }))
  await received(await cache.handle({ ...REQUEST, plain: false }))
  await settle()
  const plan = cache.hits.planFor(REQUEST)
  if (plan === undefined) throw new Error('no plan')
  const find = () => cache.hits.find(REQUEST, plan, clock.now(), cache.hits.look())
  return { clock, cache, route, routes, plan, find }
}

test.each(['purge', 'invalidate'] as const)('a copy is found until it expires or a %s names it', async (mode) => {
  const { clock, cache, find } = await holding()
  await clock.advance(59_999)
  expect(find()).toMatchObject({ outcome: { result: 'hit', ttlMs: 1 } })
  await cache[mode]({ tags: ['product'] })
  expect(find()).toBeUndefined()
  const other = await holding()
  await other.clock.advance(60_000)
  expect(other.find()).toBeUndefined()
})

test('a copy that is due for a refresh is left to the usual path, which refreshes it', async () => {
  const { clock, find } = await holding({ refreshAhead: 0.5 })
  await clock.advance(29_999)
  expect(find()).toBeDefined()
  await clock.advance(1)
  expect(find()).toBeUndefined()
})

test('a plan serves all plain requests only when no field is part of the key', async () => {
  expect((await holding()).plan.general).toBe(true)
  const key = { ...DEFAULT_RULES.key, headers: ['x-tenant'] }
  const { cache, plan } = await holding({ key })
  expect(plan.general).toBe(false)
  expect(cache.hits.planFor({ ...REQUEST, plain: false })?.general).toBe(false)
})

test('a plan holds as long as its route does', async () => {
  const { cache, route, routes, plan } = await holding()
  expect(cache.hits.holds(plan)).toBe(true)
  routes.splice(0, 1, { ...route })
  expect(cache.hits.holds(plan)).toBe(false)
})

test.each([
  ['has passed through here before', ['Via', '1.1 herdgate']],
  ['is for the origin to judge', ['If-Match', '"1"']],
])('there is no plan for a request that %s', async (_, fields) => {
  const { cache } = await holding()
  expect(cache.hits.planFor({ ...REQUEST, plain: false, fields })).toBeUndefined()
})
